# SPDX-License-Identifier: Apache-2.0
"""Whom locks of alpha speak for: a network that is a year old belongs to whoever convinces most.

It changes hands only at an epoch, and only where all conviction together is a tenth of the alpha that is out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from incentive.fixed import U64F64
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.pallets.subtensor.conviction import Role, empty, merged, rolled
from subnet.chain.node.pallets.subtensor.locks import Locks
from subnet.chain.node.pallets.subtensor.storage_locks import StakeLock

__all__ = ["Kings", "YEAR"]

YEAR: Final = 7200 * 365 + 1800
"""How old a network must be, in blocks."""

_PART: Final = 10


class Kings(Locks):
    """Conviction, and what it does to networks."""

    def hotkey_conviction(self, hotkey: bytes, netuid: int) -> int:
        """What all locks speak for a hotkey, as U64F64."""
        return U64F64.saturate(sum(lock.conviction for one, lock in self._convictions(netuid) if one == hotkey))

    def total_conviction(self, netuid: int) -> int:
        """What all locks on a network speak, for whomever."""
        return U64F64.saturate(sum(lock.conviction for _, lock in self._convictions(netuid)))

    def king_of(self, netuid: int) -> bytes | None:
        """The hotkey for which locks speak most."""
        scores: dict[bytes, int] = {}
        for hotkey, lock in self._convictions(netuid):
            scores[hotkey] = U64F64.saturate(scores.get(hotkey, 0) + lock.conviction)
        return max(scores, key=lambda hotkey: (scores[hotkey], hotkey), default=None)

    def crown(self, netuid: int) -> None:
        """Give a network to the owner of the hotkey that convinces most, where the time has come for that."""
        issued, now = self.SubnetAlphaOut[netuid], self.system.block
        if not issued or now < self.NetworkRegisteredAt[netuid] + YEAR:
            return
        if U64F64.multiply(self.total_conviction(netuid), U64F64.of(_PART)) < U64F64.of(issued):
            return
        king = self.king_of(netuid)
        coldkey, before = None if king is None else self.owner_of(king), self.SubnetOwner[netuid]
        if king is None or coldkey is None or coldkey == before:
            return
        if self.uid_of(netuid, king) is None:
            try:
                self.take_place(netuid, self.place_to_take(netuid), king)
            except DispatchFailure:
                return
        self._change_roles(netuid, self.SubnetOwnerHotkey[netuid], king)
        self.SubnetOwner[netuid] = coldkey
        self.SubnetOwnerHotkey[netuid] = king
        self.system.deposit(self.Events.SubnetOwnerChanged(netuid, before, coldkey))

    def _change_roles(self, netuid: int, old: bytes, king: bytes) -> None:
        """Count locks on the old owner's hotkey among the others, and those on the new one's as the owner's."""
        for perpetual in (True, False):
            self._recount(netuid, old, Role(True, perpetual), Role(False, perpetual))
        for perpetual in (True, False):
            self._recount(netuid, king, Role(False, perpetual), Role(True, perpetual))

    def _recount(self, netuid: int, hotkey: bytes, was: Role, becomes: Role) -> None:
        moved, now = self.pooled(netuid, hotkey, was), self.system.block
        if moved is None:
            return
        self.put_pooled(netuid, hotkey, was, None)
        together = merged(self.pooled(netuid, hotkey, becomes) or empty(now), moved)._replace(last_update=now)
        self.put_pooled(netuid, hotkey, becomes, rolled(together, now, self.lock_rates(), becomes))

    def _convictions(self, netuid: int) -> Iterator[tuple[bytes, StakeLock]]:
        """What the locks of each kind come to by now, with the hotkey that they are for."""
        owner = self.SubnetOwnerHotkey[netuid]
        for perpetual in (True, False):
            general = self.HotkeyLock if perpetual else self.DecayingHotkeyLock
            for hotkey in [*(at for at, _ in general.under(netuid))]:
                yield hotkey, self.pooled(netuid, hotkey, Role(False, perpetual)) or empty(self.system.block)
            of_owner = self.pooled(netuid, owner, Role(True, perpetual))
            if of_owner is not None:
                yield owner, of_owner
