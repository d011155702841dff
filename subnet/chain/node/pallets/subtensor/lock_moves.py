# SPDX-License-Identifier: Apache-2.0
"""Calls about locks, and what becomes of a lock when its stake, its coldkey or its hotkey changes.

A lock follows the stake that it binds. Whoever does not want to be given locked stake is not given any, which is what
everybody wants until they say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from incentive.fixed import U64F64
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.conviction import Role, empty, fraction, merged, reduced, rolled
from subnet.chain.node.pallets.subtensor.locks import Locks
from subnet.chain.node.pallets.subtensor.storage_locks import StakeLock
from subnet.chain.node.scale.names import AccountId, Flag, u16, u64

__all__ = ["LockMoves"]

_ACCEPTS: Final = 1


class LockMoves(Locks):
    """Locks that begin, change and move."""

    @call(136, ref_time=116_000_000)
    def lock_stake(self, origin: Origin, hotkey: AccountId, netuid: u16, amount: u64) -> None:
        """Promise to leave stake on a network, in favour of a hotkey."""
        self.lock_alpha(origin.signed(), netuid, hotkey, amount)

    @call(137, ref_time=149_800_000)
    def move_lock(self, origin: Origin, destination_hotkey: AccountId, netuid: u16) -> None:
        """Lock in favour of another hotkey; conviction stays only where both belong to the same coldkey."""
        coldkey = origin.signed()
        if destination_hotkey not in self.Owner:
            raise self.Errors.HotKeyAccountNotExists()
        place = self.lock_of(coldkey, netuid)
        if place is None:
            raise self.Errors.NoExistingLock()
        same = self.owner_of(place.hotkey) == self.owner_of(destination_hotkey)
        moved = place.own if same else place.own._replace(conviction=0)
        role = self.role_of(coldkey, netuid, destination_hotkey)
        moved = rolled(moved, self.system.block, self.lock_rates(), role)
        self.drop_lock(coldkey, netuid, place.hotkey)
        self.put_lock(coldkey, netuid, destination_hotkey, moved)
        self.reduce_pooled(netuid, place.hotkey, place.role, place.own)
        self.add_pooled(netuid, destination_hotkey, role, moved)
        self.system.deposit(self.Events.LockMoved(coldkey, place.hotkey, destination_hotkey, netuid))

    @call(138, ref_time=400_000_000)
    def set_perpetual_lock(self, origin: Origin, netuid: u16, enabled: Flag) -> None:
        """Say whether what is locked on a network stays locked for good, or comes free little by little."""
        coldkey = origin.signed()
        changes = self.is_perpetual(coldkey, netuid) != enabled
        self.tidy_lock(coldkey, netuid)
        place = self.lock_of(coldkey, netuid)
        if changes and place is not None:
            self.reduce_pooled(netuid, place.hotkey, place.role, place.own)
        if enabled:
            self.DecayingLock[coldkey, netuid] = False
        elif (coldkey, netuid) in self.DecayingLock:
            del self.DecayingLock[coldkey, netuid]
        if changes and place is not None:
            self.add_pooled(netuid, place.hotkey, self.role_of(coldkey, netuid, place.hotkey), place.own)
        self.system.deposit(self.Events.PerpetualLockUpdated(coldkey, netuid, enabled))

    @call(142, ref_time=125_000_000)
    def set_reject_locked_alpha(self, origin: Origin, enabled: Flag) -> None:
        """Say whether others may hand over stake that is locked."""
        coldkey = origin.signed()
        self.set_accepts_locked(coldkey, not enabled)
        self.system.deposit(self.Events.RejectLockedAlphaUpdated(coldkey, enabled))

    def set_accepts_locked(self, coldkey: bytes, accepts: bool) -> None:
        """Write down whether a coldkey takes locked stake."""
        flags = self.AccountFlags[coldkey]
        self._put_flags(coldkey, flags | _ACCEPTS if accepts else flags & ~_ACCEPTS)

    def hand_over_lock(self, source: bytes, target: bytes, netuid: int, amount: int) -> None:
        """Lock for another coldkey what of its new stake was locked before."""
        place = self.lock_of(source, netuid) if source != target and amount else None
        if place is None:
            return
        now = self.system.block
        other = self.lock_of(target, netuid)
        hotkey, theirs = (place.hotkey, empty(now)) if other is None else (other.hotkey, other.own)
        free = max(self.stake_in(source, netuid) - place.own.locked_mass, 0)
        bound = min(max(amount - free, 0), place.own.locked_mass)
        if amount > free and hotkey != place.hotkey:
            raise self.Errors.LockHotkeyMismatch()
        part = fraction(bound, place.own.locked_mass) if bound else 0
        given = StakeLock(bound, U64F64.multiply(place.own.conviction, part), now)
        self._ensure_accepts(target, bound)
        self._rewrite(source, netuid, place.hotkey, reduced(place.own, given.locked_mass, given.conviction))
        self._rewrite(target, netuid, hotkey, merged(theirs, given))
        if bound:
            self.reduce_pooled(netuid, place.hotkey, place.role, given)
            self.add_pooled(netuid, hotkey, self.role_of(target, netuid, hotkey), given)

    def swap_coldkey_locks(self, old: bytes, new: bytes) -> None:
        """Give all locks of a coldkey to another, which must have none, with its wishes about locks."""
        now, rates = self.system.block, self.lock_rates()
        moving = {}
        for account, netuid, hotkey in self.Lock:
            lock = self.Lock[account, netuid, hotkey] or empty(now)
            role = self.role_of(account, netuid, hotkey)
            lock = rolled(lock, now, rates, role)
            if account == new and lock.locked_mass:
                raise self.Errors.ActiveLockExists()
            if account == old:
                moving[netuid, hotkey] = lock, role
        for lock, _ in moving.values():
            self._ensure_accepts(new, lock.locked_mass)
        for (netuid, hotkey), (lock, role) in moving.items():
            self.drop_lock(old, netuid, hotkey)
            self.reduce_pooled(netuid, hotkey, role, lock)
        for netuid, for_good in self.DecayingLock.under(old):
            del self.DecayingLock[old, netuid]
            self.DecayingLock[new, netuid] = for_good
        flags = self.AccountFlags[old]
        self._put_flags(old, 0)
        self._put_flags(new, flags)
        for (netuid, hotkey), (lock, role) in moving.items():
            lock = rolled(lock, now, rates, role)
            self.put_lock(new, netuid, hotkey, lock)
            self.add_pooled(netuid, hotkey, self.role_of(new, netuid, hotkey), lock)

    def swap_hotkey_locks(self, old: bytes, new: bytes, netuids: Sequence[int]) -> None:
        """Put a hotkey in the place of another in all locks, with the conviction that they have."""
        for netuid in netuids:
            was_owner = old == self.SubnetOwnerHotkey[netuid]
            is_owner = was_owner or new == self.SubnetOwnerHotkey[netuid]
            if is_owner or any((netuid, old) in item for item in (self.HotkeyLock, self.DecayingHotkeyLock)):
                self._swap_locks_on(netuid, (old, was_owner), (new, is_owner))

    def _swap_locks_on(self, netuid: int, was: tuple[bytes, bool], becomes: tuple[bytes, bool]) -> None:
        now, rates = self.system.block, self.lock_rates()
        (old, was_owner), (new, is_owner) = was, becomes
        for coldkey in [at[2] for at in self.LockingColdkeys if at[:2] == (netuid, old)]:
            lock, perpetual = self.Lock[coldkey, netuid, old], self.is_perpetual(coldkey, netuid)
            self.drop_lock(coldkey, netuid, old)
            if lock is not None:
                lock = rolled(lock, now, rates, Role(was_owner, perpetual))
                self.put_lock(coldkey, netuid, new, rolled(lock, now, rates, Role(is_owner, perpetual)))
        for perpetual in (True, False):
            pooled = self.pooled(netuid, old, Role(was_owner, perpetual))
            if pooled is not None:
                self.put_pooled(netuid, old, Role(was_owner, perpetual), None)
                role = Role(is_owner, perpetual)
                self.put_pooled(netuid, new, role, rolled(pooled, now, rates, role))

    def _rewrite(self, coldkey: bytes, netuid: int, hotkey: bytes, lock: StakeLock) -> None:
        role = self.role_of(coldkey, netuid, hotkey)
        self.put_lock(coldkey, netuid, hotkey, rolled(lock, self.system.block, self.lock_rates(), role))

    def _ensure_accepts(self, coldkey: bytes, locked: int) -> None:
        if locked and not self.AccountFlags[coldkey] & _ACCEPTS:
            raise self.Errors.AccountRejectsLockedAlpha()

    def _put_flags(self, coldkey: bytes, flags: int) -> None:
        if flags:
            self.AccountFlags[coldkey] = flags
        elif coldkey in self.AccountFlags:
            del self.AccountFlags[coldkey]
