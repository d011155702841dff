# SPDX-License-Identifier: Apache-2.0
"""Who has which uid, and who makes room when all are taken.

A neuron is one element in each of a network's vectors. A newcomer takes over the element of whoever made room, empty
again; what others voted for that uid becomes zero, since it was meant for somebody else.
"""

from __future__ import annotations

from typing import Any, TypeVar

from subnet.chain.node.frame.storage import BoundMap
from subnet.chain.node.pallets.subtensor.accounts import Accounts
from subnet.chain.node.pallets.subtensor.records import NO_ACCOUNT

__all__ = ["Neurons"]

V = TypeVar("V")


class Neurons(Accounts):
    """Places on networks."""

    def neuron_count(self, netuid: int) -> int:
        """How many places are taken."""
        return self.SubnetworkN[netuid]

    def uid_of(self, netuid: int, hotkey: bytes) -> int | None:
        """The uid of a hotkey."""
        return self.Uids[netuid, hotkey]

    def hotkey_of(self, netuid: int, uid: int) -> bytes | None:
        """The hotkey that has a uid."""
        if (netuid, uid) in self.Keys:
            return self.Keys[netuid, uid]
        return None

    def is_registered(self, hotkey: bytes) -> bool:
        """Whether a hotkey has a uid on any network."""
        return any(self.IsNetworkMember[hotkey, netuid] for netuid in self.networks())

    def append_neuron(self, netuid: int, hotkey: bytes) -> int:
        """Give a hotkey the next uid."""
        uid = self.SubnetworkN[netuid]
        self.SubnetworkN[netuid] = uid + 1
        _push(self.Active, netuid, True)
        for numbers in (self.Emission, self.Consensus, self.Dividends, self.ValidatorTrust):
            _push(numbers, netuid, 0)
        _push(self.ValidatorPermit, netuid, False)
        for index in self.mechanisms(netuid):
            _push(self.Incentive, index, 0)
            self.set_last_update(netuid, index, uid)
        self._seat(netuid, uid, hotkey)
        return uid

    def replace_neuron(self, netuid: int, uid: int, hotkey: bytes) -> None:
        """Give a hotkey the uid of another; that of the owner's own hotkey stays."""
        before = self.Keys[netuid, uid]
        if before == self.SubnetOwnerHotkey[netuid] != NO_ACCOUNT:
            return
        del self.Uids[netuid, before]
        del self.IsNetworkMember[before, netuid]
        del self.AssociatedEvmAddress[netuid, uid]
        for served in (self.Axons, self.NeuronCertificates, self.Prometheus):
            del served[netuid, before]
        _set(self.Active, netuid, uid, True)
        self._seat(netuid, uid, hotkey)
        self._clear(netuid, uid)
        for index in self.mechanisms(netuid):
            self.set_last_update(netuid, index, uid)

    def set_last_update(self, netuid: int, index: int, uid: int) -> None:
        """Write down that a neuron acted in this block, on the mechanism that is stored under an index."""
        blocks = list(self.LastUpdate[index])
        blocks.extend([0] * (self.SubnetworkN[netuid] - len(blocks)))
        if uid < len(blocks):
            blocks[uid] = self.system.block
            self.LastUpdate[index] = tuple(blocks)

    def is_immune(self, netuid: int, uid: int) -> bool:
        """Whether a neuron is too new to make room."""
        return self.system.block - self.BlockAtRegistration[netuid, uid] < self.ImmunityPeriod[netuid]

    def immortal_uids(self, netuid: int) -> list[int]:
        """The owner's neurons that never make room: that of its own hotkey, then the oldest of the coldkey's."""
        limit = self.ImmuneOwnerUidsLimit[netuid]
        found = [self.Uids[netuid, hotkey] for hotkey in self.OwnedHotkeys[self.SubnetOwner[netuid]]]
        uids = [uid for uid in found if uid is not None]
        oldest = sorted(uids, key=lambda uid: (self.BlockAtRegistration[netuid, uid], uid))[:limit]
        own = self.Uids[netuid, self.SubnetOwnerHotkey[netuid]]
        return oldest if own is None or own in oldest else [own, *oldest][:limit]

    def neuron_to_prune(self, netuid: int) -> int | None:
        """The neuron that makes room: the one that was paid least, the older one of equals; None if nobody may."""
        immortal, paid = set(self.immortal_uids(netuid)), self.Emission[netuid]
        candidates: dict[bool, list[tuple[int, int, int]]] = {True: [], False: []}
        for uid in range(self.SubnetworkN[netuid]):
            if uid not in immortal and (netuid, uid) in self.Keys:
                rank = (paid[uid] if uid < len(paid) else 0, self.BlockAtRegistration[netuid, uid], uid)
                candidates[self.is_immune(netuid, uid)].append(rank)
        mortal = candidates[False]
        ranks = mortal if len(mortal) > self.MinNonImmuneUids[netuid] else candidates[True]
        return min(ranks)[2] if ranks else None

    def place_to_take(self, netuid: int) -> int | None:
        """The uid that makes room for another hotkey, None where one is free."""
        places = self.MaxAllowedUids[netuid]
        if self.SubnetworkN[netuid] < places:
            return None
        pruned = self.neuron_to_prune(netuid) if places else None
        if pruned is None:
            raise self.Errors.NoNeuronIdAvailable()
        return pruned

    def take_place(self, netuid: int, pruned: int | None, hotkey: bytes) -> int:
        """Give a hotkey the uid that makes room, or else a new one."""
        if pruned is None:
            return self.append_neuron(netuid, hotkey)
        self.replace_neuron(netuid, pruned, hotkey)
        return pruned

    def _seat(self, netuid: int, uid: int, hotkey: bytes) -> None:
        self.Keys[netuid, uid] = hotkey
        self.Uids[netuid, hotkey] = uid
        self.BlockAtRegistration[netuid, uid] = self.system.block
        self.IsNetworkMember[hotkey, netuid] = True

    def _clear(self, netuid: int, uid: int) -> None:
        for numbers in (self.Emission, self.Consensus, self.Dividends, self.StakeWeight, self.ValidatorTrust):
            _set(numbers, netuid, uid, 0)
        _set(self.ValidatorPermit, netuid, uid, False)
        for index in self.mechanisms(netuid):
            _set(self.Incentive, index, uid, 0)
            del self.Bonds[index, uid]
            del self.Weights[index, uid]
            for voter, row in self.Weights.under(index):
                if any(other == uid for other, _ in row):
                    self.Weights[index, voter] = tuple((other, 0 if other == uid else weight) for other, weight in row)


def _push(vectors: BoundMap[tuple[V, ...]], at: int, value: V) -> None:
    vectors[at] = (*vectors[at], value)


def _set(vectors: BoundMap[Any], at: int, uid: int, value: object) -> None:
    vector = vectors[at]
    if uid < len(vector):
        vectors[at] = (*vector[:uid], value, *vector[uid + 1 :])
