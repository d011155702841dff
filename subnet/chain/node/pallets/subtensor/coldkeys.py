# SPDX-License-Identifier: Apache-2.0
"""One coldkey in place of another: networks, hotkeys, stake, locks and money move to it.

Whoever holds a coldkey's secret could move all of that away, so it is announced first: who lost the secret sees it, and
disputes. From then on the root alone decides. Until the exchange the coldkey makes hardly any other call (`guards`).
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.claims import RootClaims
from subnet.chain.node.pallets.subtensor.lock_moves import LockMoves
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import AccountId, Hash, u64

__all__ = ["ColdkeySwaps"]

_COST: Final = 100_000_000
_LAST_BLOCK: Final = 2**32 - 1


class ColdkeySwaps(RootClaims, LockMoves):
    """Calls that exchange coldkeys."""

    @call(71, ref_time=312_301_000)
    def swap_coldkey(self, origin: Origin, old_coldkey: AccountId, new_coldkey: AccountId, swap_cost: u64) -> None:
        """Exchange a coldkey at once, as the root, which says what the old one pays for it."""
        origin.root()
        if swap_cost:
            self._charge(old_coldkey, swap_cost)
        self._exchange_coldkey(old_coldkey, new_coldkey)
        self._forget_announcement(old_coldkey)

    @call(73, ref_time=125_000_000)
    def schedule_swap_coldkey(self, origin: Origin, new_coldkey: AccountId) -> None:
        """Nobody schedules an exchange any more; it is announced."""
        raise self.Errors.Deprecated()

    @call(125, ref_time=47_248_000)
    def announce_coldkey_swap(self, origin: Origin, new_coldkey_hash: Hash) -> None:
        """Announce an exchange by the new coldkey's hash, or another one some time after; the first one costs tao."""
        who = origin.signed()
        announced = self.ColdkeySwapAnnouncements[who]
        if announced is None:
            self._charge(who, _COST)
        elif self.system.block < self._may_change(announced[0]):
            raise self.Errors.ColdkeySwapReannouncedTooEarly()
        due = min(self.system.block + self.ColdkeySwapAnnouncementDelay.value, _LAST_BLOCK)
        self.ColdkeySwapAnnouncements[who] = (due, new_coldkey_hash)
        self.system.deposit(self.Events.ColdkeySwapAnnounced(who, new_coldkey_hash))

    @call(126, ref_time=288_156_000)
    def swap_coldkey_announced(self, origin: Origin, new_coldkey: AccountId) -> None:
        """Make the exchange that was announced, once it is due."""
        who = origin.signed()
        announced = self.ColdkeySwapAnnouncements[who]
        if announced is None:
            raise self.Errors.ColdkeySwapAnnouncementNotFound()
        due, hashed = announced
        if hashed != blake2_256(new_coldkey):
            raise self.Errors.AnnouncedColdkeyHashDoesNotMatch()
        if self.system.block < due:
            raise self.Errors.ColdkeySwapTooEarly()
        del self.ColdkeySwapAnnouncements[who]
        self._exchange_coldkey(who, new_coldkey)

    @call(127, ref_time=23_293_000)
    def dispute_coldkey_swap(self, origin: Origin) -> None:
        """Stop an exchange that was announced in one's name; only the root gets the coldkey going again."""
        who = origin.signed()
        if self.ColdkeySwapAnnouncements[who] is None:
            raise self.Errors.ColdkeySwapAnnouncementNotFound()
        if self.ColdkeySwapDisputes[who] is not None:
            raise self.Errors.ColdkeySwapAlreadyDisputed()
        self.ColdkeySwapDisputes[who] = self.system.block
        self.system.deposit(self.Events.ColdkeySwapDisputed(who))

    @call(128, ref_time=8_857_000)
    def reset_coldkey_swap(self, origin: Origin, coldkey: AccountId) -> None:
        """Take an announcement and its dispute away, as the root."""
        origin.root()
        self._forget_announcement(coldkey)
        self.system.deposit(self.Events.ColdkeySwapReset(coldkey))

    @call(133, ref_time=167_890_000)
    def clear_coldkey_swap_announcement(self, origin: Origin) -> None:
        """Take one's own announcement back, some time after it was due."""
        who = origin.signed()
        announced = self.ColdkeySwapAnnouncements[who]
        if announced is None:
            raise self.Errors.ColdkeySwapAnnouncementNotFound()
        if self.system.block < self._may_change(announced[0]):
            raise self.Errors.ColdkeySwapClearTooEarly()
        del self.ColdkeySwapAnnouncements[who]
        self.system.deposit(self.Events.ColdkeySwapCleared(who))

    def _may_change(self, due: int) -> int:
        return min(due + self.ColdkeySwapReannouncementDelay.value, _LAST_BLOCK)

    def _forget_announcement(self, coldkey: bytes) -> None:
        del self.ColdkeySwapAnnouncements[coldkey]
        del self.ColdkeySwapDisputes[coldkey]

    def _charge(self, coldkey: bytes, cost: int) -> None:
        if cost > self.balances.reducible(coldkey, keep_alive=True):
            raise self.Errors.NotEnoughBalanceToPaySwapColdKey()
        self.recycle(coldkey, cost)

    def _exchange_coldkey(self, old: bytes, new: bytes) -> None:
        if self.StakingHotkeys[new]:
            raise self.Errors.ColdKeyAlreadyAssociated()
        if new in self.Owner:
            raise self.Errors.NewColdKeyIsHotkey()
        if self.IdentitiesV2[new] is None and self.IdentitiesV2[old] is not None:
            self.IdentitiesV2[new] = self.IdentitiesV2[old]
            del self.IdentitiesV2[old]
        # Locked stake arrives before the old coldkey's wishes about it do.
        self.set_accepts_locked(new, True)
        for netuid in self.networks():
            if self.SubnetOwner[netuid] == old:
                self.SubnetOwner[netuid] = new
            self._move_destination(old, new, netuid)
            self._move_stake_of(old, new, netuid)
        self._move_hotkeys(old, new)
        self.swap_coldkey_locks(old, new)
        amount = self.balances.reducible(old)
        if amount:
            self._disburse(old, new, amount)
        self.LastRateLimitedBlock[Variant("LastTxBlock", (new,))] = self.system.block
        self.system.deposit(self.Events.ColdkeySwapped(old, new))

    def _move_destination(self, old: bytes, new: bytes, netuid: int) -> None:
        hotkey = self.AutoStakeDestination[old, netuid]
        if hotkey is None:
            return
        del self.AutoStakeDestination[old, netuid]
        self.AutoStakeDestination[new, netuid] = hotkey
        others = [one for one in self.AutoStakeDestinationColdkeys[hotkey, netuid] if one not in (old, new)]
        self.AutoStakeDestinationColdkeys[hotkey, netuid] = (*others, new)

    def _move_stake_of(self, old: bytes, new: bytes, netuid: int) -> None:
        for hotkey in self.StakingHotkeys[old]:
            held = self.stake_of(hotkey, old, netuid)
            self.decrease_stake(hotkey, old, netuid, held)
            self.increase_stake(hotkey, new, netuid, held)
            if self.stake_of(hotkey, new, netuid):
                self.RootClaimed[netuid, hotkey, new] += self.RootClaimed[netuid, hotkey, old]
                del self.RootClaimed[netuid, hotkey, old]
                if netuid == ROOT:
                    self.note_root_staker(new)
        if netuid == ROOT:
            self.forget_root_staker(old)

    def _move_hotkeys(self, old: bytes, new: bytes) -> None:
        for mine in (self.StakingHotkeys, self.OwnedHotkeys):
            hotkeys = mine[old]
            del mine[old]
            mine[new] = tuple(dict.fromkeys((*mine[new], *hotkeys)))
        for hotkey in self.OwnedHotkeys[new]:
            self.ensure_not_system(hotkey)
            self.Owner[hotkey] = new
