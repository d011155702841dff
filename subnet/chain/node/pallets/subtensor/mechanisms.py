# SPDX-License-Identifier: Apache-2.0
"""How many mechanisms a network rewards miners by, and what part of the emission each of them gives away.

More mechanisms need more room for votes, so together they may have no more places than one network has at most.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.pallets.subtensor.accounts import mechanism_index
from subnet.chain.node.pallets.subtensor.neurons import Neurons

__all__ = ["MOST_UIDS", "Mechanisms"]

MOST_UIDS: Final = 256
"""The most places that a network may have."""

_MOST_MECHANISMS: Final = 16
_WHOLE: Final = 65_535


class Mechanisms(Neurons):
    """Numbers of mechanisms and their parts."""

    def set_mechanism_count(self, netuid: int, count: int) -> None:
        """Reward by so many mechanisms; what was voted on those that are gone is gone, and all get equal parts."""
        if not self.if_subnet_exist(netuid):
            raise self.Errors.MechanismDoesNotExist()
        if not 0 < count <= self.MaxMechanismCount.value:
            raise self.Errors.InvalidValue()
        self.ensure_room(self.MaxAllowedUids[netuid], count)
        if count > _MOST_MECHANISMS:
            raise self.Errors.InvalidValue()
        before = self.MechanismCountCurrent[netuid]
        if count == before:
            return
        for mechanism in range(count, before):
            self._forget_votes(mechanism_index(netuid, mechanism))
        self.MechanismCountCurrent[netuid] = count
        del self.MechanismEmissionSplit[netuid]

    def set_max_mechanism_count(self, count: int) -> None:
        """Decide how many mechanisms a network may have."""
        if not 0 < count <= _MOST_MECHANISMS:
            raise self.Errors.InvalidValue()
        self.MaxMechanismCount.value = count

    def set_emission_split(self, netuid: int, split: tuple[int, ...] | None) -> None:
        """Decide what part of 65535 each mechanism gives away; None gives all of them the same."""
        if not self.if_subnet_exist(netuid):
            raise self.Errors.MechanismDoesNotExist()
        if split is not None and not self._is_split(netuid, split):
            raise self.Errors.InvalidValue()
        self.MechanismEmissionSplit[netuid] = split

    def reset_bonds(self, netuid: int, hotkey: bytes) -> None:
        """Let every validator's bond with a neuron begin anew, where the network allows that."""
        uid = self.uid_of(netuid, hotkey)
        if uid is None or not self.BondsResetOn[netuid]:
            return
        for index in self.mechanisms(netuid):
            for holder, row in self.Bonds.under(index):
                kept = tuple(bond for bond in row if bond[0] != uid)
                if kept != row:
                    self.Bonds[index, holder] = kept

    def ensure_room(self, places: int, mechanisms: int) -> None:
        """Turn away whoever wants more places, over all mechanisms, than a network may have."""
        if places * mechanisms > MOST_UIDS:
            raise self.Errors.TooManyUIDsPerMechanism()

    def _is_split(self, netuid: int, split: tuple[int, ...]) -> bool:
        return 0 < len(split) <= self.MechanismCountCurrent[netuid] and sum(split) == _WHOLE

    def _forget_votes(self, index: int) -> None:
        del self.Incentive[index]
        del self.LastUpdate[index]
        for votes in (self.Weights, self.Bonds, self.WeightCommits, self.TimelockedWeightCommits):
            for at in [at for at in votes if at[0] == index]:
                del votes[at]
