# SPDX-License-Identifier: Apache-2.0
"""Questions about networks: their rules, pools, neurons and clocks.

Each method is one question that the chain answers under the same name, and its annotations are the chain's types.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from incentive.emission.halving import block_emission
from subnet.chain.node.apis.facts import network_facts, neuron_facts
from subnet.chain.node.apis.hyperparameters import (
    HyperparamEntry,
    SubnetHyperparams,
    SubnetHyperparamsV2,
    hyperparameters,
    listed_hyperparameters,
    old_hyperparameters,
)
from subnet.chain.node.apis.metagraph import (
    COMMITMENTS,
    VALIDATORS,
    Metagraph,
    SelectiveMetagraph,
    all_of,
    mechanism_of,
    parts_of,
    validators,
)
from subnet.chain.node.apis.records import DynamicInfo, SubnetInfo, SubnetInfov2, SubnetState
from subnet.chain.node.frame.calls import api
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.scale.names import AccountId, u8, u16, u64

if TYPE_CHECKING:
    from subnet.chain.node.pallets.commitments import Commitments
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = ["SubnetInfoRuntimeApi"]

_NETUID: Final = 0  # the number of the metagraph's first part


class SubnetInfoRuntimeApi(RuntimeApi):
    """What clients ask about networks; where there is no such network the answer is nothing."""

    def __init__(self, chain: SubtensorModule, commitments: Commitments) -> None:
        self._chain = chain
        self._commitments = commitments

    @api
    def get_subnet_info(self, netuid: u16) -> SubnetInfo | None:
        """A network in the first version."""
        found = self.get_subnet_info_v2(netuid)
        return None if found is None else SubnetInfo(*found[:-1])

    @api
    def get_subnets_info(self) -> tuple[SubnetInfo | None, ...]:
        """All networks in the first version."""
        return tuple(self.get_subnet_info(netuid) for netuid in self._chain.networks())

    @api
    def get_subnet_info_v2(self, netuid: u16) -> SubnetInfov2 | None:
        """A network."""
        chain = self._chain
        if not chain.if_subnet_exist(netuid):
            return None
        return SubnetInfov2(
            netuid=netuid,
            rho=chain.Rho[netuid],
            kappa=chain.Kappa[netuid],
            difficulty=chain.Difficulty[netuid],
            immunity_period=chain.ImmunityPeriod[netuid],
            max_allowed_validators=chain.MaxAllowedValidators[netuid],
            min_allowed_weights=chain.MinAllowedWeights[netuid],
            max_weights_limit=chain.MaxWeightsLimit[netuid],
            scaling_law_power=chain.ScalingLawPower[netuid],
            subnetwork_n=chain.SubnetworkN[netuid],
            max_allowed_uids=chain.MaxAllowedUids[netuid],
            blocks_since_last_step=chain.BlocksSinceLastStep[netuid],
            tempo=chain.Tempo[netuid],
            network_modality=0,
            network_connect=(),
            emission_value=0,
            burn=chain.Burn[netuid],
            owner=chain.SubnetOwner[netuid],
            identity=chain.SubnetIdentitiesV3[netuid],
        )

    @api
    def get_subnets_info_v2(self) -> tuple[SubnetInfov2 | None, ...]:
        """All networks."""
        return tuple(self.get_subnet_info_v2(netuid) for netuid in self._chain.networks())

    @api
    def get_subnet_hyperparams(self, netuid: u16) -> SubnetHyperparams | None:
        """A network's rules in the first version."""
        return old_hyperparameters(self._chain, netuid) if self._chain.if_subnet_exist(netuid) else None

    @api
    def get_subnet_hyperparams_v2(self, netuid: u16) -> SubnetHyperparamsV2 | None:
        """A network's rules in the second version."""
        return hyperparameters(self._chain, netuid) if self._chain.if_subnet_exist(netuid) else None

    @api
    def get_all_dynamic_info(self) -> tuple[DynamicInfo | None, ...]:
        """The pools of all networks."""
        return tuple(self.get_dynamic_info(netuid) for netuid in self._chain.networks())

    @api
    def get_all_metagraphs(self) -> tuple[Metagraph | None, ...]:
        """All metagraphs."""
        return tuple(all_of(self._chain, netuid) for netuid in self._chain.networks())

    @api
    def get_metagraph(self, netuid: u16) -> Metagraph | None:
        """All about a network."""
        return all_of(self._chain, netuid) if self._chain.if_subnet_exist(netuid) else None

    @api
    def get_all_mechagraphs(self) -> tuple[Metagraph | None, ...]:
        """The metagraphs of all mechanisms of all networks."""
        return tuple(
            mechanism_of(self._chain, netuid, mechanism)
            for netuid in self._chain.networks()
            for mechanism in range(self._chain.MechanismCountCurrent[netuid])
        )

    @api
    def get_mechagraph(self, netuid: u16, mecid: u8) -> Metagraph | None:
        """All about one mechanism of a network."""
        exists = self._chain.if_subnet_exist(netuid) and mecid < self._chain.MechanismCountCurrent[netuid]
        return mechanism_of(self._chain, netuid, mecid) if exists else None

    @api
    def get_dynamic_info(self, netuid: u16) -> DynamicInfo | None:
        """A network's pool."""
        if not self._chain.if_subnet_exist(netuid):
            return None
        return DynamicInfo._make(_picked(DynamicInfo._fields, network_facts(self._chain, netuid)))

    @api
    def get_subnet_state(self, netuid: u16) -> SubnetState | None:
        """A network's neurons, and what each of them was last paid on every network."""
        if not self._chain.if_subnet_exist(netuid):
            return None
        neurons = neuron_facts(self._chain, netuid)
        paid = self._chain.LastHotkeyEmissionOnNetuid
        history = [[paid[hotkey, other] for hotkey in neurons["hotkeys"]] for other in self._chain.networks()]
        facts = {"netuid": netuid, **neurons, "emission_history": history}
        return SubnetState._make(_picked(SubnetState._fields, facts))

    @api
    def get_selective_metagraph(self, netuid: u16, metagraph_indexes: tuple[u16, ...]) -> SelectiveMetagraph | None:
        """Some parts of a metagraph; the network's own number is one of them, and root's where nobody asks for it."""
        if not self._chain.if_subnet_exist(netuid):
            return None
        shown = netuid if _NETUID in metagraph_indexes else ROOT
        found = all_of(self._chain, netuid)._replace(netuid=shown)
        return parts_of(found, metagraph_indexes, self._more(netuid, metagraph_indexes))

    @api
    def get_coldkey_auto_stake_hotkey(self, coldkey: AccountId, netuid: u16) -> AccountId | None:
        """The hotkey on which a coldkey's miners stake what they earn."""
        return self._chain.AutoStakeDestination[coldkey, netuid]

    @api
    def get_selective_mechagraph(
        self, netuid: u16, subid: u8, metagraph_indexes: tuple[u16, ...]
    ) -> SelectiveMetagraph | None:
        """Some parts of a mechanism's metagraph, with the network's number."""
        if not self._chain.if_subnet_exist(netuid):
            return None
        found = mechanism_of(self._chain, netuid, subid)._replace(netuid=netuid)
        return parts_of(found, metagraph_indexes, self._more(netuid, metagraph_indexes))

    @api
    def get_subnet_to_prune(self) -> u16 | None:
        """The network that makes room for the next one."""
        return self._chain.network_to_prune()

    @api
    def get_subnet_account_id(self, netuid: u16) -> AccountId | None:
        """The account in which a network keeps its tao."""
        exists = netuid == ROOT or netuid in self._chain.NetworksAdded
        return self._chain.subnet_account(netuid) if exists else None

    @api
    def get_next_epoch_start_block(self, netuid: u16) -> u64 | None:
        """The block of a network's next epoch, by its clock or because somebody asked for one."""
        tempo, pending = self._chain.Tempo[netuid], self._chain.PendingEpochAt[netuid]
        if not tempo:
            return None
        by_clock = self._chain.LastEpochBlock[netuid] + tempo
        return min(by_clock, pending) if pending else by_clock

    @api
    def get_block_emission(self) -> u64:
        """What a block mints, in rao."""
        return block_emission(self._chain.TotalIssuance.value)

    @api
    def get_subnet_hyperparams_v3(self, netuid: u16) -> tuple[HyperparamEntry, ...] | None:
        """A network's rules by name."""
        return listed_hyperparameters(self._chain, netuid) if self._chain.if_subnet_exist(netuid) else None

    def _more(self, netuid: int, asked: Sequence[int]) -> dict[int, Sequence[Any]]:
        more: dict[int, Sequence[Any]] = {}
        if VALIDATORS in asked:
            more[VALIDATORS] = validators(self._chain, netuid)
        if COMMITMENTS in asked:
            said = self._commitments.CommitmentOf.under(netuid)
            more[COMMITMENTS] = [(who, type(self._commitments).CommitmentOf.data(what)) for who, what in said]
        return more


def _picked(names: Sequence[str], facts: dict[str, Any]) -> list[Any]:
    return [facts[name] for name in names]
