# SPDX-License-Identifier: Apache-2.0
"""Voting power: what stake validators have had on a network for long, where the network follows it.

It is a moving average that each epoch moves on, so that stake of a day counts little. Whoever ends it has to wait: for
two weeks of blocks the power is followed on, and only then forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import Accounts
from subnet.chain.node.scale.names import u16, u64

__all__ = ["VotingPowers"]

_GRACE: Final = 100_800
_ONE: Final = 10**18
_MOST: Final = 2**64 - 1


class VotingPowers(Accounts):
    """Stake over time."""

    @call(129, ref_time=250_010_000)
    def enable_voting_power_tracking(self, origin: Origin, netuid: u16) -> None:
        """Follow a network's voting power, as its owner or the root."""
        self.ensure_owner_or_root(origin, netuid)
        self.VotingPowerTrackingEnabled[netuid] = True
        del self.VotingPowerDisableAtBlock[netuid]
        self.system.deposit(self.Events.VotingPowerTrackingEnabled(netuid))

    @call(130, ref_time=150_010_000)
    def disable_voting_power_tracking(self, origin: Origin, netuid: u16) -> None:
        """Follow it for two weeks more and no longer, as the network's owner or the root."""
        self.ensure_owner_or_root(origin, netuid)
        if not self.VotingPowerTrackingEnabled[netuid]:
            raise self.Errors.VotingPowerTrackingNotEnabled()
        end = self.system.block + _GRACE
        self.VotingPowerDisableAtBlock[netuid] = end
        self.system.deposit(self.Events.VotingPowerTrackingDisableScheduled(netuid, end))

    @call(131, ref_time=125_006_000)
    def sudo_set_voting_power_ema_alpha(self, origin: Origin, netuid: u16, alpha: u64) -> None:
        """Set what part of the average an epoch's stake makes, in parts of 10^18, as the root."""
        origin.root()
        if alpha > _ONE:
            raise self.Errors.InvalidVotingPowerEmaAlpha()
        self.VotingPowerEmaAlpha[netuid] = alpha
        self.system.deposit(self.Events.VotingPowerEmaAlphaSet(netuid, alpha))

    def follow_voting_power(self, netuid: int, stakes: Mapping[bytes, int | None]) -> None:
        """Move the averages on after an epoch; who may not vote has no stake in it, but None."""
        if not self.VotingPowerTrackingEnabled[netuid]:
            return
        end = self.VotingPowerDisableAtBlock[netuid]
        if end and self.system.block >= end:
            self._forget_voting_power(netuid)
            return
        alpha = self.VotingPowerEmaAlpha[netuid]
        for hotkey, stake in stakes.items():
            if stake is None:
                del self.VotingPower[netuid, hotkey]
            else:
                self._move_on(netuid, hotkey, stake, alpha)
        for hotkey, _ in self.VotingPower.under(netuid):
            if not self.IsNetworkMember[hotkey, netuid]:
                del self.VotingPower[netuid, hotkey]

    def swap_voting_power(self, netuid: int, old: bytes, new: bytes) -> None:
        """Give one hotkey's voting power to another."""
        power = self.VotingPower[netuid, old]
        del self.VotingPower[netuid, old]
        if power:
            self.VotingPower[netuid, new] = min(self.VotingPower[netuid, new] + power, _MOST)

    def _move_on(self, netuid: int, hotkey: bytes, stake: int, alpha: int) -> None:
        before = self.VotingPower[netuid, hotkey]
        now = min((alpha * stake + max(_ONE - alpha, 0) * before) // _ONE, _MOST)
        least = self.StakeThreshold.value
        # Who is on the way up stays below the least for a while; only who falls below it is forgotten.
        if now < least <= before:
            del self.VotingPower[netuid, hotkey]
        elif now:
            self.VotingPower[netuid, hotkey] = now

    def _forget_voting_power(self, netuid: int) -> None:
        for hotkey, _ in self.VotingPower.under(netuid):
            del self.VotingPower[netuid, hotkey]
        self.VotingPowerTrackingEnabled[netuid] = False
        del self.VotingPowerDisableAtBlock[netuid]
        self.system.deposit(self.Events.VotingPowerTrackingDisabled(netuid))
