# SPDX-License-Identifier: Apache-2.0
"""Questions about neurons, one record a neuron.

The lite form leaves votes and bonds out, which are most of a network's bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from subnet.chain.node.apis.metagraph import NO_AXON
from subnet.chain.node.apis.records import NeuronInfo, NeuronInfoLite
from subnet.chain.node.frame.calls import api
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.pallets.subtensor.records import PrometheusInfo
from subnet.chain.node.scale.names import u16

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = ["NeuronInfoRuntimeApi"]

_NO_METRICS: Final = PrometheusInfo(0, 0, 0, 0, 0)
_PRUNING_SCORE: Final = 65_535  # of everybody, since the chain no longer computes it

V = TypeVar("V")


class NeuronInfoRuntimeApi(RuntimeApi):
    """What clients ask about neurons."""

    def __init__(self, chain: SubtensorModule) -> None:
        self._chain = chain

    @api
    def get_neurons(self, netuid: u16) -> tuple[NeuronInfo, ...]:
        """All neurons of a network; none where there is no such network."""
        return tuple(self._whole(lite) for lite in self.get_neurons_lite(netuid))

    @api
    def get_neuron(self, netuid: u16, uid: u16) -> NeuronInfo | None:
        """One neuron."""
        lite = self.get_neuron_lite(netuid, uid)
        return None if lite is None else self._whole(lite)

    @api
    def get_neurons_lite(self, netuid: u16) -> tuple[NeuronInfoLite, ...]:
        """All neurons of a network without votes and bonds."""
        if not self._chain.if_subnet_exist(netuid):
            return ()
        return tuple(self._lite(netuid, uid) for uid in range(self._chain.SubnetworkN[netuid]))

    @api
    def get_neuron_lite(self, netuid: u16, uid: u16) -> NeuronInfoLite | None:
        """One neuron without votes and bonds."""
        taken = self._chain.if_subnet_exist(netuid) and (netuid, uid) in self._chain.Keys
        return self._lite(netuid, uid) if taken else None

    def _lite(self, netuid: int, uid: int) -> NeuronInfoLite:
        chain = self._chain
        hotkey = chain.Keys[netuid, uid]
        coldkey = chain.Owner[hotkey]
        return NeuronInfoLite(
            hotkey=hotkey,
            coldkey=coldkey,
            uid=uid,
            netuid=netuid,
            active=_at(chain.Active[netuid], uid, False),
            axon_info=chain.Axons[netuid, hotkey] or NO_AXON,
            prometheus_info=chain.Prometheus[netuid, hotkey] or _NO_METRICS,
            stake=((coldkey, chain.stake_on(hotkey, netuid)),),
            rank=0,
            emission=_at(chain.Emission[netuid], uid, 0),
            incentive=_at(chain.Incentive[netuid], uid, 0),
            consensus=_at(chain.Consensus[netuid], uid, 0),
            trust=0,
            validator_trust=_at(chain.ValidatorTrust[netuid], uid, 0),
            dividends=_at(chain.Dividends[netuid], uid, 0),
            last_update=_at(chain.LastUpdate[netuid], uid, 0),
            validator_permit=_at(chain.ValidatorPermit[netuid], uid, False),
            pruning_score=_PRUNING_SCORE,
        )

    def _whole(self, lite: NeuronInfoLite) -> NeuronInfo:
        weights, bonds = self._chain.Weights[lite.netuid, lite.uid], self._chain.Bonds[lite.netuid, lite.uid]
        return NeuronInfo(*lite[:-1], _without_zeros(weights), _without_zeros(bonds), lite.pruning_score)


def _at(values: Sequence[V], uid: int, absent: V) -> V:
    return values[uid] if uid < len(values) else absent


def _without_zeros(row: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple((uid, value) for uid, value in row if value)
