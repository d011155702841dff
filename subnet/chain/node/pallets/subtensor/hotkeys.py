# SPDX-License-Identifier: Apache-2.0
"""One hotkey in place of another: a coldkey moves all that belongs to a hotkey of its own to a new one.

It costs tao, and it may be done now and then only. On one network it moves what the hotkey has there; everywhere, it
moves the hotkey itself, and the old one is nobody's.
"""

from __future__ import annotations

from typing import Any, Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.storage import BoundMap
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.lock_moves import LockMoves
from subnet.chain.node.pallets.subtensor.networks import Networks
from subnet.chain.node.pallets.subtensor.voting import VotingPowers
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import AccountId, Flag, u16

__all__ = ["HotkeySwaps"]

_COST: Final = 100_000_000
_COST_ON_ONE: Final = 1_000_000
_BETWEEN: Final = 1
"""Blocks between two exchanges on a network, as in the chain's fast runtime."""

_COUNTED: Final = ("LastTxBlock", "LastTxBlockDelegateTake", "LastTxBlockChildKeyTake")


class HotkeySwaps(VotingPowers, LockMoves, Networks):
    """Calls that exchange hotkeys."""

    @call(70)
    def swap_hotkey(self, origin: Origin, hotkey: AccountId, new_hotkey: AccountId, netuid: u16 | None) -> None:
        """Put another hotkey in the place of one, on one network or everywhere, with its stake."""
        self._exchange(origin.signed(), (hotkey, new_hotkey), netuid, moves_stake=True)

    @call(72)
    def swap_hotkey_v2(
        self, origin: Origin, hotkey: AccountId, new_hotkey: AccountId, netuid: u16 | None, keep_stake: Flag
    ) -> None:
        """The same, where the stake may stay on the old hotkey."""
        self._exchange(origin.signed(), (hotkey, new_hotkey), netuid, moves_stake=not keep_stake)

    def _exchange(self, coldkey: bytes, pair: tuple[bytes, bytes], netuid: int | None, *, moves_stake: bool) -> None:
        old, new = pair
        self._ensure_may_swap(coldkey, pair, netuid)
        for what in _COUNTED:
            before = self.LastRateLimitedBlock[Variant(what, (old,))]
            self.LastRateLimitedBlock[Variant(what, (new,))] = before
        if netuid is None:
            networks = [one for one in self.networks() if self._takes_part(old, one)]
            for one in networks:
                self._ensure_rested(coldkey, one)
            self._pay_for_swap(coldkey, _COST)
            self.swap_hotkey_locks(old, new, self.networks())
            self._own(coldkey, old, new)
            touched = self.networks()
        else:
            networks = touched = [netuid]
            self._ensure_rested(coldkey, netuid)
            self.ensure_not_system(new)
            self._pay_for_swap(coldkey, _COST_ON_ONE)
            self.Owner[new] = coldkey
            self._add_owned(coldkey, new)
            self.swap_hotkey_locks(old, new, touched)
        for one in touched:
            self._swap_on(old, new, one)
            if moves_stake:
                self._swap_stake_on(old, new, one)
        if netuid is None and moves_stake:
            self._forget_as_staked(old, new)
        for one in networks:
            self.LastHotkeySwapOnNetuid[one, coldkey] = self.system.block
        self.LastRateLimitedBlock[Variant("LastTxBlock", (coldkey,))] = self.system.block
        events = self.Events
        done = (coldkey, old, new)
        event = events.HotkeySwapped(*done) if netuid is None else events.HotkeySwappedOnSubnet(*done, netuid)
        self.system.deposit(event)

    def _forget_as_staked(self, old: bytes, new: bytes) -> None:
        for staker, hotkeys in self.StakingHotkeys.items():
            if old in hotkeys and new in hotkeys:
                self.StakingHotkeys[staker] = tuple(hotkey for hotkey in hotkeys if hotkey != old)

    def _ensure_may_swap(self, coldkey: bytes, pair: tuple[bytes, bytes], netuid: int | None) -> None:
        old, new = pair
        if not self.owns(coldkey, old) or self.owner_of(new) not in (None, coldkey):
            raise self.Errors.NonAssociatedColdKey()
        if old == new:
            raise self.Errors.NewHotKeyIsSameWithOld()
        last, limit = self.LastRateLimitedBlock[Variant("LastTxBlock", (coldkey,))], self.TxRateLimit.value
        if limit and last and self.system.block - last <= limit:
            raise self.Errors.HotKeySetTxRateLimitExceeded()
        if self.is_registered(new) if netuid is None else self.IsNetworkMember[new, netuid]:
            raise self.Errors.HotKeyAlreadyRegisteredInSubNet()
        if netuid in (None, ROOT) and not self._is_clean_on_root(new):
            raise self.Errors.NewHotKeyNotCleanForRootSwap()

    def _is_clean_on_root(self, hotkey: bytes) -> bool:
        claimed = any(at[0] == ROOT and at[1] == hotkey for at in self.RootClaimed)
        return not self.RootClaimable[hotkey] and not self.stake_on(hotkey, ROOT) and not claimed

    def _takes_part(self, hotkey: bytes, netuid: int) -> bool:
        return self.IsNetworkMember[hotkey, netuid] or bool(self.ChildKeys[hotkey, netuid])

    def _ensure_rested(self, coldkey: bytes, netuid: int) -> None:
        last = self.LastHotkeySwapOnNetuid[netuid, coldkey]
        if last and last + _BETWEEN >= self.system.block:
            raise self.Errors.HotKeySwapOnSubnetIntervalNotPassed()

    def _pay_for_swap(self, coldkey: bytes, cost: int) -> None:
        if cost > self.balances.free(coldkey):
            raise self.Errors.NotEnoughBalanceToPaySwapHotKey()
        self.recycle(coldkey, cost)

    def _own(self, coldkey: bytes, old: bytes, new: bytes) -> None:
        self.ensure_not_system(new)
        del self.Owner[old]
        self.Owner[new] = coldkey
        self._add_owned(coldkey, new)
        self.OwnedHotkeys[coldkey] = tuple(hotkey for hotkey in self.OwnedHotkeys[coldkey] if hotkey != old)
        for what in _COUNTED:
            del self.LastRateLimitedBlock[Variant(what, (old,))]
        _rename(self.Delegates, old, new)

    def _add_owned(self, coldkey: bytes, hotkey: bytes) -> None:
        if hotkey not in self.OwnedHotkeys[coldkey]:
            self.OwnedHotkeys[coldkey] = (*self.OwnedHotkeys[coldkey], hotkey)

    def _swap_on(self, old: bytes, new: bytes, netuid: int) -> None:
        uid = self.uid_of(netuid, old)
        if uid is not None:
            self.Keys[netuid, uid] = new
            for seats in (self.Uids, self.Prometheus, self.Axons, self.NeuronCertificates):
                _rename(seats, (netuid, old), (netuid, new))
            for index in self.mechanisms(netuid):
                _rename(self.WeightCommits, (index, old), (index, new))
        for by_hotkey in (self.IsNetworkMember, self.ChildkeyTake, self.AutoStakeDestinationColdkeys):
            _rename(by_hotkey, (old, netuid), (new, netuid))
        for coldkey in self.AutoStakeDestinationColdkeys[new, netuid]:
            self.AutoStakeDestination[coldkey, netuid] = new
        self._swap_family(old, new, netuid)
        if self.SubnetOwnerHotkey[netuid] == old:
            self.set_owner_hotkey(netuid, new)

    def _swap_family(self, old: bytes, new: bytes, netuid: int) -> None:
        for relatives, back in ((self.ChildKeys, self.ParentKeys), (self.ParentKeys, self.ChildKeys)):
            for _, other in relatives[old, netuid]:
                back[other, netuid] = _renamed(back[other, netuid], old, new)
            _rename(relatives, (old, netuid), (new, netuid))
        _rename(self.PendingChildKeys, (netuid, old), (netuid, new))
        for parent, (children, due) in self.PendingChildKeys.under(netuid):
            if any(child == old for _, child in children):
                self.PendingChildKeys[netuid, parent] = (_renamed(children, old, new), due)

    def _swap_stake_on(self, old: bytes, new: bytes, netuid: int) -> None:
        for sums, was, now in (
            (self.TotalHotkeyAlphaLastEpoch, (old, netuid), (new, netuid)),
            (self.AlphaDividendsPerSubnet, (netuid, old), (netuid, new)),
        ):
            if was in sums:
                sums[now] += sums[was]
                del sums[was]
        self.swap_voting_power(netuid, old, new)
        for _, coldkey, _ in [at for at in self.AlphaV2 if at[0] == old and at[2] == netuid]:
            held = self.stake_of(old, coldkey, netuid)
            self.decrease_stake(old, coldkey, netuid, held)
            self.increase_stake(new, coldkey, netuid, held)
        if netuid == ROOT:
            _rename(self.RootClaimable, old, new)
            for where, hotkey, coldkey in list(self.RootClaimed):
                if hotkey == old:
                    _rename(self.RootClaimed, (where, old, coldkey), (where, new, coldkey))
            _rename(self.AutoParentDelegationEnabled, old, new)


def _rename(entries: BoundMap[Any], old: Any, new: Any) -> None:
    if old in entries:
        entries[new] = entries[old]
        del entries[old]


def _renamed(family: tuple[tuple[int, bytes], ...], old: bytes, new: bytes) -> tuple[tuple[int, bytes], ...]:
    return tuple((part, new if hotkey == old else hotkey) for part, hotkey in family)
