# SPDX-License-Identifier: Apache-2.0
"""Locks of alpha: a coldkey promises to leave stake on a network, in favour of one hotkey.

A coldkey has at most one lock on a network. What all locks for a hotkey come to is kept beside them, apart for those
on the owner's hotkey and for those that are for good, so that nobody has to add locks up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from incentive.fixed import U64F64
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.storage import BoundMap
from subnet.chain.node.pallets.subtensor.conviction import (
    Rates,
    Role,
    empty,
    fraction,
    is_dust,
    merged,
    reduced,
    rolled,
)
from subnet.chain.node.pallets.subtensor.pools import Pools
from subnet.chain.node.pallets.subtensor.storage_locks import StakeLock

__all__ = ["Locked", "Locks"]


class Locked(NamedTuple):
    """A coldkey's lock on a network, with what all locks of its kind for the hotkey come to."""

    hotkey: bytes
    role: Role
    own: StakeLock
    pooled: StakeLock


class Locks(Pools):
    """What is locked, and what of stake is free."""

    def lock_of(self, coldkey: bytes, netuid: int) -> Locked | None:
        """A coldkey's lock as of now; None where it has none."""
        found = self.stored_lock(coldkey, netuid)
        return None if found is None else self._forward(self._locked(coldkey, netuid, found[0]))

    def stored_lock(self, coldkey: bytes, netuid: int) -> tuple[bytes, StakeLock] | None:
        """The hotkey of a coldkey's lock, and the lock as it was written last."""
        at = next((at for at in self.Lock if at[:2] == (coldkey, netuid)), None)
        return None if at is None else (at[2], self.Lock[at] or empty(self.system.block))

    def stake_and_lock(self, coldkey: bytes, netuid: int) -> tuple[int, int]:
        """All stake of a coldkey on a network, and what of it is locked."""
        locked = self.lock_of(coldkey, netuid)
        return self.stake_in(coldkey, netuid), 0 if locked is None else locked.own.locked_mass

    def stake_in(self, coldkey: bytes, netuid: int) -> int:
        """All stake of a coldkey on a network, on whichever hotkeys."""
        return sum(self.stake_of(hotkey, coldkey, netuid) for hotkey in self.StakingHotkeys[coldkey])

    def ensure_free(self, coldkey: bytes, netuid: int, alpha: int) -> None:
        """Refuse to take more stake off a network than is not locked."""
        if self.stored_lock(coldkey, netuid) is not None:
            total, locked = self.stake_and_lock(coldkey, netuid)
            if max(total - locked, 0) < alpha:
                raise self.Errors.StakeUnavailable()

    def lock_alpha(self, coldkey: bytes, netuid: int, hotkey: bytes, amount: int) -> None:
        """Lock stake, in addition to what is locked already."""
        if not amount:
            raise self.Errors.AmountTooLow()
        if hotkey not in self.Owner:
            raise self.Errors.HotKeyAccountNotExists()
        found = self.stored_lock(coldkey, netuid)
        if found is not None and found[0] != hotkey:
            raise self.Errors.LockHotkeyMismatch()
        now, rates = self.system.block, self.lock_rates()
        place = self._forward(self._locked(coldkey, netuid, hotkey))
        if self.stake_in(coldkey, netuid) < place.own.locked_mass + amount:
            raise self.Errors.InsufficientStakeForLock()
        own = rolled(merged(place.own, StakeLock(amount, 0, now)), now, rates, place.role)
        pooled = merged(rolled(place.pooled, now, rates, place.role), StakeLock(amount, 0, now))
        self._save(coldkey, netuid, place._replace(own=own, pooled=rolled(pooled, now, rates, place.role)))
        self.system.deposit(self.Events.StakeLocked(coldkey, hotkey, netuid, amount))

    def lock_owner_cut(self, netuid: int, amount: int) -> None:
        """Lock what a network's owner was just paid, where the owner wants that."""
        if not self.OwnerCutAutoLockEnabled[netuid]:
            return
        owner = self.SubnetOwner[netuid]
        found = self.stored_lock(owner, netuid)
        mark = self.state.mark()
        try:
            self.lock_alpha(owner, netuid, self.SubnetOwnerHotkey[netuid] if found is None else found[0], amount)
        except DispatchFailure:
            self.state.rollback(mark)

    def tidy_lock(self, coldkey: bytes, netuid: int) -> None:
        """Write down what time has made of a lock; one that is over goes."""
        place = self.lock_of(coldkey, netuid)
        if place is not None:
            self._save(coldkey, netuid, place)

    def shrink_lock(self, coldkey: bytes, netuid: int, amount: int) -> None:
        """Take locked stake out of a lock that was lost; its conviction goes in proportion."""
        place = self.lock_of(coldkey, netuid)
        if place is None:
            return
        now = self.system.block
        own, pooled = place.own, rolled(place.pooled, now, self.lock_rates(), place.role)
        left = max(own.locked_mass - amount, 0)
        stays = max(U64F64.one - fraction(amount, own.locked_mass), 0)
        kept = U64F64.multiply(own.conviction, stays) if left else 0
        gone = reduced(pooled, own.locked_mass - left, own.conviction - kept)
        self._save(coldkey, netuid, place._replace(own=StakeLock(left, kept, now), pooled=gone))

    def lock_rates(self) -> Rates:
        """How fast locks come free and convince."""
        return Rates(self.UnlockRate.value, self.MaturityRate.value)

    def role_of(self, coldkey: bytes, netuid: int, hotkey: bytes) -> Role:
        """What a coldkey's lock for a hotkey is or would be."""
        return Role(hotkey == self.SubnetOwnerHotkey[netuid], self.is_perpetual(coldkey, netuid))

    def is_perpetual(self, coldkey: bytes, netuid: int) -> bool:
        """Whether a coldkey locks for good on a network."""
        return self.DecayingLock[coldkey, netuid] is False

    def put_lock(self, coldkey: bytes, netuid: int, hotkey: bytes, lock: StakeLock) -> None:
        """Write a lock down, unless it is over."""
        if is_dust(lock):
            self.drop_lock(coldkey, netuid, hotkey)
        else:
            self.LockingColdkeys[netuid, hotkey, coldkey] = ()
            self.Lock[coldkey, netuid, hotkey] = lock

    def drop_lock(self, coldkey: bytes, netuid: int, hotkey: bytes) -> None:
        """Forget a lock, if there is one."""
        if (coldkey, netuid, hotkey) in self.Lock:
            del self.Lock[coldkey, netuid, hotkey]
        if (netuid, hotkey, coldkey) in self.LockingColdkeys:
            del self.LockingColdkeys[netuid, hotkey, coldkey]

    def bucket(self, netuid: int, hotkey: bytes, role: Role) -> tuple[BoundMap[StakeLock | None], Any]:
        """Where it is written what all locks of a kind come to."""
        if role.owner:
            return (self.OwnerLock if role.perpetual else self.DecayingOwnerLock), netuid
        return (self.HotkeyLock if role.perpetual else self.DecayingHotkeyLock), (netuid, hotkey)

    def pooled(self, netuid: int, hotkey: bytes, role: Role) -> StakeLock | None:
        """What all locks of a kind for a hotkey come to by now; None where there are none."""
        entries, at = self.bucket(netuid, hotkey, role)
        found = entries[at]
        return None if found is None else rolled(found, self.system.block, self.lock_rates(), role)

    def put_pooled(self, netuid: int, hotkey: bytes, role: Role, lock: StakeLock | None) -> None:
        """Write down what all locks of a kind come to."""
        entries, at = self.bucket(netuid, hotkey, role)
        if lock is not None and (lock.locked_mass or lock.conviction):
            entries[at] = lock
        elif at in entries:
            del entries[at]

    def add_pooled(self, netuid: int, hotkey: bytes, role: Role, added: StakeLock) -> None:
        """Count a lock that joins, with the conviction that it has."""
        now, rates = self.system.block, self.lock_rates()
        before = self.pooled(netuid, hotkey, role) or rolled(empty(now), now, rates, role)
        self.put_pooled(netuid, hotkey, role, rolled(merged(before, added), now, rates, role))

    def reduce_pooled(self, netuid: int, hotkey: bytes, role: Role, gone: StakeLock) -> None:
        """Count a lock that leaves."""
        before = self.pooled(netuid, hotkey, role) or empty(self.system.block)
        self.put_pooled(netuid, hotkey, role, reduced(before, gone.locked_mass, gone.conviction))

    def _locked(self, coldkey: bytes, netuid: int, hotkey: bytes) -> Locked:
        now, role = self.system.block, self.role_of(coldkey, netuid, hotkey)
        entries, at = self.bucket(netuid, hotkey, role)
        return Locked(hotkey, role, self.Lock[coldkey, netuid, hotkey] or empty(now), entries[at] or empty(now))

    def _forward(self, place: Locked) -> Locked:
        """A lock and its sum by now: the sum loses what the lock has lost, or else ages as a whole."""
        now, rates = self.system.block, self.lock_rates()
        own = rolled(place.own, now, rates, place.role)
        mass = max(place.own.locked_mass - own.locked_mass, 0)
        conviction = max(place.own.conviction - own.conviction, 0)
        if mass or conviction:
            pooled = reduced(place.pooled, mass, conviction)._replace(last_update=now)
        else:
            pooled = rolled(place.pooled, now, rates, place.role)
        return place._replace(own=own, pooled=pooled)

    def _save(self, coldkey: bytes, netuid: int, place: Locked) -> None:
        self.put_lock(coldkey, netuid, place.hotkey, place.own)
        self.put_pooled(netuid, place.hotkey, place.role, place.pooled)
