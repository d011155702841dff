# SPDX-License-Identifier: Apache-2.0
"""Fewer places on a network: the neurons that were paid least go, and those that stay move together.

The owner's neurons and those that are new stay. Uids change, so all that names one is written anew.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from subnet.chain.node.frame.storage import BoundMap
from subnet.chain.node.pallets.subtensor.neurons import Neurons

__all__ = ["Trimming"]

V = TypeVar("V")

_MOST_IMMUNE: Final = 80
"""Percent of the places that may be left to those who may not be removed; fewer places are refused."""


class Trimming(Neurons):
    """Places that are taken away."""

    def trim(self, netuid: int, places: int) -> None:
        """Leave a network so many places."""
        self.ensure_subnet(netuid)
        if not self.MinAllowedUids[netuid] <= places <= self.MaxAllowedUids[netuid]:
            raise self.Errors.InvalidValue()
        self.MaxAllowedUids[netuid] = places
        if self.SubnetworkN[netuid] > places:
            kept = self._kept(netuid, places)
            for uid in set(range(self.SubnetworkN[netuid])) - set(kept):
                self._unseat(netuid, uid)
            self._move_together(netuid, kept)
            self.SubnetworkN[netuid] = places

    def _kept(self, netuid: int, places: int) -> list[int]:
        count, immortal = self.SubnetworkN[netuid], set(self.immortal_uids(netuid))
        safe = {uid for uid in range(count) if uid in immortal or self.is_immune(netuid, uid)}
        if len(safe) * 100 // places >= _MOST_IMMUNE:
            raise self.Errors.TrimmingWouldExceedMaxImmunePercentage()
        paid = self.Emission[netuid]
        least_first = sorted((uid for uid in range(count) if uid not in safe), key=lambda uid: (paid[uid], -uid))
        gone = set(least_first[: count - places])
        return [uid for uid in range(count) if uid not in gone]

    def _unseat(self, netuid: int, uid: int) -> None:
        hotkey = self.hotkey_of(netuid, uid)
        if hotkey is not None:
            for by_network in (self.AlphaDividendsPerSubnet, self.Axons, self.NeuronCertificates, self.Prometheus):
                del by_network[netuid, hotkey]
            for by_hotkey in (self.IsNetworkMember, self.LastHotkeyEmissionOnNetuid):
                del by_hotkey[hotkey, netuid]
            del self.Uids[netuid, hotkey]
        for places in (self.Keys, self.BlockAtRegistration, self.AssociatedEvmAddress):
            del places[netuid, uid]
        for index in self.mechanisms(netuid):
            del self.Weights[index, uid]
            del self.Bonds[index, uid]

    def _move_together(self, netuid: int, kept: list[int]) -> None:
        for vectors in (self.Emission, self.Consensus, self.Dividends, self.ValidatorTrust, self.StakeWeight):
            vectors[netuid] = _only(vectors[netuid], kept, 0)
        for flags in (self.Active, self.ValidatorPermit):
            flags[netuid] = _only(flags[netuid], kept, False)
        for new, old in enumerate(kept):
            for places in (self.Keys, self.BlockAtRegistration, self.AssociatedEvmAddress):
                _shift(places, (netuid, old), (netuid, new))
            self.Uids[netuid, self.Keys[netuid, new]] = new
        moved = {old: new for new, old in enumerate(kept)}
        for index in self.mechanisms(netuid):
            self.Incentive[index] = _only(self.Incentive[index], kept, 0)
            self.LastUpdate[index] = _only(self.LastUpdate[index], kept, 0)
            for rows in (self.Weights, self.Bonds):
                for new, old in enumerate(kept):
                    _shift(rows, (index, old), (index, new))
                    row = rows[index, new]
                    rows[index, new] = tuple((moved[uid], value) for uid, value in row if uid in moved)


def _only(vector: tuple[V, ...], kept: list[int], missing: V) -> tuple[V, ...]:
    return tuple(vector[uid] if uid < len(vector) else missing for uid in kept)


def _shift(entries: BoundMap[Any], old: tuple[int, int], new: tuple[int, int]) -> None:
    if old != new and old in entries:
        entries[new] = entries[old]
        del entries[old]
