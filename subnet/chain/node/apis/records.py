# SPDX-License-Identifier: Apache-2.0
"""What the chain answers about networks, neurons, stake and prices, record by record.

Names, types and order of the fields are the chain's, since clients find values by them. Some fields stay for the sake
of old clients alone: the chain has stopped to compute ranks, trust and pruning scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple, TypeAlias

from subnet.chain.node.pallets.subtensor.records import AxonInfo, PrometheusInfo, SubnetIdentityV3
from subnet.chain.node.scale.composites import Array, Vec
from subnet.chain.node.scale.names import (
    I96F32,
    U64F64,
    AccountId,
    Flag,
    compact_u16,
    compact_u64,
    compact_u128,
    u16,
    u64,
)
from subnet.chain.node.scale.primitives import Compact, UInt

__all__ = [
    "CompactText",
    "DelegateInfo",
    "DynamicInfo",
    "LockState",
    "NeuronInfo",
    "NeuronInfoLite",
    "SimSwapResult",
    "StakeAvailability",
    "StakeInfo",
    "SubnetInfo",
    "SubnetInfov2",
    "SubnetPrice",
    "SubnetState",
]

CompactText: TypeAlias = Annotated[Sequence[int], Vec(Compact(UInt(1)))]
"""A text whose every byte is a compact number."""
_Pairs: TypeAlias = Annotated[tuple[tuple[int, int], ...], Vec(Array(UInt(2), 2))]


class SubnetInfo(NamedTuple):
    """A network in the first version."""

    netuid: compact_u16
    rho: compact_u16
    kappa: compact_u16
    difficulty: compact_u64
    immunity_period: compact_u16
    max_allowed_validators: compact_u16
    min_allowed_weights: compact_u16
    max_weights_limit: compact_u16
    scaling_law_power: compact_u16
    subnetwork_n: compact_u16
    max_allowed_uids: compact_u16
    blocks_since_last_step: compact_u64
    tempo: compact_u16
    network_modality: compact_u16
    network_connect: _Pairs
    emission_values: compact_u64
    burn: compact_u64
    owner: AccountId


class SubnetInfov2(NamedTuple):
    """A network, and what its owner says of it."""

    netuid: compact_u16
    rho: compact_u16
    kappa: compact_u16
    difficulty: compact_u64
    immunity_period: compact_u16
    max_allowed_validators: compact_u16
    min_allowed_weights: compact_u16
    max_weights_limit: compact_u16
    scaling_law_power: compact_u16
    subnetwork_n: compact_u16
    max_allowed_uids: compact_u16
    blocks_since_last_step: compact_u64
    tempo: compact_u16
    network_modality: compact_u16
    network_connect: _Pairs
    emission_value: compact_u64
    burn: compact_u64
    owner: AccountId
    identity: SubnetIdentityV3 | None


class DynamicInfo(NamedTuple):
    """A network's pool, and what is pending for it."""

    netuid: compact_u16
    owner_hotkey: AccountId
    owner_coldkey: AccountId
    subnet_name: CompactText
    token_symbol: CompactText
    tempo: compact_u16
    last_step: compact_u64
    blocks_since_last_step: compact_u64
    emission: compact_u64
    alpha_in: compact_u64
    alpha_out: compact_u64
    tao_in: compact_u64
    alpha_out_emission: compact_u64
    alpha_in_emission: compact_u64
    tao_in_emission: compact_u64
    pending_alpha_emission: compact_u64
    pending_root_emission: compact_u64
    subnet_volume: compact_u128
    network_registered_at: compact_u64
    subnet_identity: SubnetIdentityV3 | None
    moving_price: I96F32


class SubnetState(NamedTuple):
    """A network's neurons, a list for each of their numbers."""

    netuid: compact_u16
    hotkeys: tuple[AccountId, ...]
    coldkeys: tuple[AccountId, ...]
    active: tuple[Flag, ...]
    validator_permit: tuple[Flag, ...]
    pruning_score: tuple[compact_u16, ...]
    last_update: tuple[compact_u64, ...]
    emission: tuple[compact_u64, ...]
    dividends: tuple[compact_u16, ...]
    incentives: tuple[compact_u16, ...]
    consensus: tuple[compact_u16, ...]
    trust: tuple[compact_u16, ...]
    rank: tuple[compact_u16, ...]
    block_at_registration: tuple[compact_u64, ...]
    alpha_stake: tuple[compact_u64, ...]
    tao_stake: tuple[compact_u64, ...]
    total_stake: tuple[compact_u64, ...]
    emission_history: tuple[tuple[compact_u64, ...], ...]


class NeuronInfo(NamedTuple):
    """A neuron with its votes and bonds."""

    hotkey: AccountId
    coldkey: AccountId
    uid: compact_u16
    netuid: compact_u16
    active: Flag
    axon_info: AxonInfo
    prometheus_info: PrometheusInfo
    stake: tuple[tuple[AccountId, compact_u64], ...]
    rank: compact_u16
    emission: compact_u64
    incentive: compact_u16
    consensus: compact_u16
    trust: compact_u16
    validator_trust: compact_u16
    dividends: compact_u16
    last_update: compact_u64
    validator_permit: Flag
    weights: tuple[tuple[compact_u16, compact_u16], ...]
    bonds: tuple[tuple[compact_u16, compact_u16], ...]
    pruning_score: compact_u16


class NeuronInfoLite(NamedTuple):
    """A neuron without its votes and bonds."""

    hotkey: AccountId
    coldkey: AccountId
    uid: compact_u16
    netuid: compact_u16
    active: Flag
    axon_info: AxonInfo
    prometheus_info: PrometheusInfo
    stake: tuple[tuple[AccountId, compact_u64], ...]
    rank: compact_u16
    emission: compact_u64
    incentive: compact_u16
    consensus: compact_u16
    trust: compact_u16
    validator_trust: compact_u16
    dividends: compact_u16
    last_update: compact_u64
    validator_permit: Flag
    pruning_score: compact_u16


class StakeInfo(NamedTuple):
    """What a coldkey has on a hotkey."""

    hotkey: AccountId
    coldkey: AccountId
    netuid: compact_u16
    stake: compact_u64
    locked: compact_u64
    emission: compact_u64
    tao_emission: compact_u64
    drain: compact_u64
    is_registered: Flag


class StakeAvailability(NamedTuple):
    """What a coldkey has on a network, and what of it is free to be taken."""

    total: compact_u64
    locked: compact_u64
    available: compact_u64


class LockState(NamedTuple):
    """Stake that a coldkey has promised to leave where it is."""

    locked_mass: u64
    conviction: U64F64
    last_update: u64


class DelegateInfo(NamedTuple):
    """A hotkey on which others may stake."""

    delegate_ss58: AccountId
    take: compact_u16
    nominators: tuple[tuple[AccountId, tuple[tuple[compact_u16, compact_u64], ...]], ...]
    owner_ss58: AccountId
    registrations: tuple[compact_u16, ...]
    validator_permits: tuple[compact_u16, ...]
    return_per_1000: compact_u64
    total_daily_return: compact_u64


class SubnetPrice(NamedTuple):
    """What one alpha of a network costs, in rao."""

    netuid: u16
    price: u64


class SimSwapResult(NamedTuple):
    """What a trade would do; slippage is what it gets less than at the price before it."""

    tao_amount: u64
    alpha_amount: u64
    tao_fee: u64
    alpha_fee: u64
    tao_slippage: u64
    alpha_slippage: u64
