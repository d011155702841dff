# SPDX-License-Identifier: Apache-2.0
"""What owners of hotkeys keep of others' dividends, and where coldkeys want what their miners earn.

A take is lowered at any time and raised seldom, so that nominators are not surprised.
"""

from __future__ import annotations

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.transfers import StakeTransfers
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import AccountId, u16

__all__ = ["Delegation"]


class Delegation(StakeTransfers):
    """Calls of owners of hotkeys and of those who stake on them."""

    @call(65, pays=False)
    def decrease_take(self, origin: Origin, hotkey: AccountId, take: u16) -> None:
        """Keep less of what nominators earn."""
        coldkey = self._owner(origin, hotkey)
        # Whoever never said keeps the default, which the chain does not store.
        if (hotkey in self.Delegates and take >= self.Delegates[hotkey]) or take < self.MinDelegateTake.value:
            raise self.Errors.DelegateTakeTooLow()
        self._take(hotkey, take)
        self.system.deposit(self.Events.TakeDecreased(coldkey, hotkey, take))

    @call(66, pays=False)
    def increase_take(self, origin: Origin, hotkey: AccountId, take: u16) -> None:
        """Keep more of what nominators earn, which may happen now and then only."""
        coldkey = self._owner(origin, hotkey)
        if hotkey in self.Delegates and take <= self.Delegates[hotkey]:
            raise self.Errors.DelegateTakeTooLow()
        if take > self.MaxDelegateTake.value:
            raise self.Errors.DelegateTakeTooHigh()
        last, limit = self.LastRateLimitedBlock[_last(hotkey)], self.TxDelegateTakeRateLimit.value
        if limit and last and self.system.block - last <= limit:
            raise self.Errors.DelegateTxRateLimitExceeded()
        self._take(hotkey, take)
        self.system.deposit(self.Events.TakeIncreased(coldkey, hotkey, take))

    @call(114)
    def set_coldkey_auto_stake_hotkey(self, origin: Origin, netuid: u16, hotkey: AccountId) -> None:
        """Stake what a coldkey's miners earn on a hotkey of its choice."""
        coldkey = origin.signed()
        self.ensure_subnet(netuid)
        if self.Uids[netuid, hotkey] is None:
            raise self.Errors.HotKeyNotRegisteredInSubNet()
        before = self.AutoStakeDestination[coldkey, netuid]
        if before == hotkey:
            raise self.Errors.SameAutoStakeHotkeyAlreadySet()
        if before is not None:
            left = tuple(key for key in self.AutoStakeDestinationColdkeys[before, netuid] if key != coldkey)
            self.AutoStakeDestinationColdkeys[before, netuid] = left
        self.AutoStakeDestination[coldkey, netuid] = hotkey
        known = self.AutoStakeDestinationColdkeys[hotkey, netuid]
        if coldkey not in known:
            self.AutoStakeDestinationColdkeys[hotkey, netuid] = (*known, coldkey)
        self.system.deposit(self.Events.AutoStakeDestinationSet(coldkey, netuid, hotkey))

    def _take(self, hotkey: bytes, take: int) -> None:
        self.Delegates[hotkey] = take
        self.LastRateLimitedBlock[_last(hotkey)] = self.system.block

    def _owner(self, origin: Origin, hotkey: bytes) -> bytes:
        coldkey = origin.signed()
        self.check_hotkey(hotkey)
        if self.Owner[hotkey] != coldkey:
            raise self.Errors.NonAssociatedColdKey()
        return coldkey


def _last(hotkey: bytes) -> Variant:
    return Variant("LastTxBlockDelegateTake", (hotkey,))
