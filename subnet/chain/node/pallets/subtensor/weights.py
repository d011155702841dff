# SPDX-License-Identifier: Apache-2.0
"""How validators vote in the open.

The checks come in the chain's order, so that of two mistakes the same one is named. Weights are stored stretched to
65535, in the order in which they were sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.items import DispatchFailure, Error
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT, mechanism_index
from subnet.chain.node.pallets.subtensor.children import Children
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import compact_u16, compact_u64, u8, u16, u64

__all__ = ["Weights"]

_MAIN: Final = 0


class Weights(Children):
    """Calls that vote, and what a vote must be."""

    @call(0, pays=False)
    def set_weights(
        self, origin: Origin, netuid: u16, dests: tuple[u16, ...], weights: tuple[u16, ...], version_key: u64
    ) -> None:
        """Vote on a network."""
        self._vote(origin.signed(), (netuid, _MAIN), dests, weights, version_key)

    @call(119, pays=False)
    def set_mechanism_weights(
        self,
        origin: Origin,
        netuid: u16,
        mecid: u8,
        dests: tuple[u16, ...],
        weights: tuple[u16, ...],
        version_key: u64,
    ) -> None:
        """Vote on one of a network's mechanisms."""
        self._vote(origin.signed(), (netuid, mecid), dests, weights, version_key)

    @call(80, pays=False)
    def batch_set_weights(
        self,
        origin: Origin,
        netuids: tuple[compact_u16, ...],
        weights: tuple[tuple[tuple[compact_u16, compact_u16], ...], ...],
        version_keys: tuple[compact_u64, ...],
    ) -> None:
        """Vote on several networks; one that fails does not keep the others."""
        hotkey = origin.signed()
        if not len(netuids) == len(weights) == len(version_keys):
            raise self.Errors.InputLengthsUnequal()
        self.check_stakes_to_vote(hotkey, netuids)
        failures = []
        for netuid, row, key in zip(netuids, weights, version_keys, strict=True):
            uids, values = tuple(uid for uid, _ in row), tuple(value for _, value in row)
            failures += self.attempt(netuid, partial(self._set, hotkey, (netuid, _MAIN), uids, values, key))
        self.report_batch(hotkey, netuids, failures)

    def report_batch(self, hotkey: bytes, netuids: Sequence[int], failures: Sequence[tuple[int, Variant]]) -> None:
        """Say which parts of a batch failed, and that it is done."""
        if failures:
            self.system.deposit(self.Events.BatchCompletedWithErrors())
            for netuid, reason in failures:
                self.system.deposit(self.Events.BatchWeightItemFailed(netuid, reason))
        self.system.deposit(self.Events.BatchWeightsCompleted(tuple(netuids), hotkey))

    def store_weights(
        self, hotkey: bytes, place: tuple[int, int], uids: Sequence[int], values: Sequence[int], version_key: int
    ) -> int:
        """Check what every vote must be, store it, and return who voted."""
        netuid, mechanism = place
        uid = self._voter(hotkey, place, uids, values)
        if 0 < self.WeightsVersionKey[netuid] > version_key:
            raise self.Errors.IncorrectWeightVersionKey()
        if not self.CommitRevealWeightsEnabled[netuid] and not self.may_update(place, uid):
            raise self.Errors.SettingWeightsTooFast()
        self._check_vote(netuid, uid, uids)
        row = tuple(zip(uids, _stretched(values), strict=True))
        index = mechanism_index(netuid, mechanism)
        self.Weights[index, uid] = row
        self.system.deposit(self.Events.WeightsSet(index, uid))
        return uid

    def check_stakes_to_vote(self, hotkey: bytes, netuids: Sequence[int]) -> None:
        """Refuse a batch of votes if there is too little stake behind one of them."""
        for netuid in netuids:
            self.check_stake_to_vote(hotkey, netuid)

    def may_update(self, place: tuple[int, int], uid: int) -> bool:
        """Whether a validator's last update is long enough ago."""
        netuid, mechanism = place
        updates = self.LastUpdate[mechanism_index(netuid, mechanism)]
        last = updates[uid] if uid < len(updates) else 0
        return last == 0 or self.system.block - last >= self.WeightsSetRateLimit[netuid]

    def note_update(self, place: tuple[int, int], uid: int) -> None:
        """Remember that a validator has just been heard."""
        index = mechanism_index(*place)
        updates = list(self.LastUpdate[index])
        updates += [0] * (self.SubnetworkN[place[0]] - len(updates))
        updates[uid] = self.system.block
        self.LastUpdate[index] = tuple(updates)

    def check_rate(self, hotkey: bytes, place: tuple[int, int], too_fast: Error) -> None:
        """Refuse whoever is registered and was heard not long ago."""
        uid = self.Uids[place[0], hotkey]
        if uid is not None and not self.may_update(place, uid):
            raise too_fast()

    def _vote(
        self, hotkey: bytes, place: tuple[int, int], uids: Sequence[int], values: Sequence[int], version_key: int
    ) -> None:
        # The chain looks at stake and haste before it looks at the call.
        self.check_stake_to_vote(hotkey, place[0])
        if self.CommitRevealWeightsEnabled[place[0]]:
            raise self.Errors.CommitRevealEnabled()
        self.check_rate(hotkey, place, self.Errors.SettingWeightsTooFast)
        self._set(hotkey, place, uids, values, version_key)

    def _set(
        self, hotkey: bytes, place: tuple[int, int], uids: Sequence[int], values: Sequence[int], version_key: int
    ) -> None:
        if self.CommitRevealWeightsEnabled[place[0]]:
            raise self.Errors.CommitRevealEnabled()
        self.note_update(place, self.store_weights(hotkey, place, uids, values, version_key))

    def _voter(self, hotkey: bytes, place: tuple[int, int], uids: Sequence[int], values: Sequence[int]) -> int:
        netuid, mechanism = place
        if netuid == ROOT:
            raise self.Errors.CanNotSetRootNetworkWeights()
        if len(uids) != len(values):
            raise self.Errors.WeightVecNotEqualSize()
        self.check_mechanism(netuid, mechanism)
        if len(uids) > self.SubnetworkN[netuid]:
            raise self.Errors.UidsLengthExceedUidsInSubNet()
        uid = self.Uids[netuid, hotkey]
        if uid is None:
            raise self.Errors.HotKeyNotRegisteredInSubNet()
        self.check_stake_to_vote(hotkey, netuid)
        return uid

    def check_mechanism(self, netuid: int, mechanism: int) -> None:
        """Refuse a mechanism that a network does not have."""
        if not self.NetworksAdded[netuid] or mechanism >= self.MechanismCountCurrent[netuid]:
            raise self.Errors.MechanismDoesNotExist()

    def check_stake_to_vote(self, hotkey: bytes, netuid: int) -> None:
        """Refuse a vote behind which there is too little stake; the owner of the network needs none."""
        least = self.StakeThreshold.value
        if least and hotkey != self.SubnetOwnerHotkey[netuid] and self.stake_weights(netuid, [hotkey])[0] >> 64 < least:
            raise self.Errors.NotEnoughStakeToSetWeights()

    def _check_vote(self, netuid: int, uid: int, uids: Sequence[int]) -> None:
        on_self = tuple(uids) == (uid,)
        permits, n = self.ValidatorPermit[netuid], self.SubnetworkN[netuid]
        permitted = uid < len(permits) and permits[uid]
        if not (permitted or on_self or uid == self.Uids[netuid, self.SubnetOwnerHotkey[netuid]]):
            raise self.Errors.NeuronNoValidatorPermit()
        if len(set(uids)) < len(uids):
            raise self.Errors.DuplicateUids()
        if any(other >= n for other in uids):
            raise self.Errors.UidVecContainInvalidOne()
        if not on_self and len(uids) < min(n, self.MinAllowedWeights[netuid]):
            raise self.Errors.WeightVecLengthIsLow()

    def attempt(self, netuid: int, vote: Callable[[], None]) -> list[tuple[int, Variant]]:
        """Do one part of a batch; where it fails nothing of it stays, and the answer says why."""
        mark = self.state.mark()
        try:
            vote()
        except DispatchFailure as failure:
            self.state.rollback(mark)
            return [(netuid, failure.reason)]
        return []


def _stretched(values: Sequence[int]) -> list[int]:
    # A chain starts before anybody votes, and arrays take longer to load than the rest of the node.
    import numpy as np

    from incentive.quantise import upscale_u16

    stretched: list[int] = upscale_u16(np.array(values, dtype=np.int64)).tolist()
    return stretched
