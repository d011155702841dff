# SPDX-License-Identifier: Apache-2.0
"""All about a network in one answer: the metagraph, and the parts of it that a client asks for by their numbers.

The parts have the numbers of the metagraph's fields. Two more, validators and commitments, can only be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias, cast

from subnet.chain.node.apis.facts import network_facts, neuron_facts
from subnet.chain.node.apis.hyperparameters import hyperparameters
from subnet.chain.node.apis.records import CompactText
from subnet.chain.node.pallets.subtensor.accounts import mechanism_index
from subnet.chain.node.pallets.subtensor.records import AxonInfo, ChainIdentityV2, SubnetIdentityV3
from subnet.chain.node.scale.composites import Field, Option, Struct
from subnet.chain.node.scale.names import (
    I96F32,
    AccountId,
    Flag,
    compact_u16,
    compact_u64,
    compact_u128,
    scale_of,
)

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = [
    "COMMITMENTS",
    "Metagraph",
    "NO_AXON",
    "SelectiveMetagraph",
    "VALIDATORS",
    "all_of",
    "mechanism_of",
    "parts_of",
    "validators",
]

NO_AXON: Final = AxonInfo(0, 0, 0, 0, 0, 0, 0, 0)
"""What is answered for a neuron that is not served."""


class Metagraph(NamedTuple):
    """A network, its rules and its neurons."""

    netuid: compact_u16
    name: CompactText
    symbol: CompactText
    identity: SubnetIdentityV3 | None
    network_registered_at: compact_u64
    owner_hotkey: AccountId
    owner_coldkey: AccountId
    block: compact_u64
    tempo: compact_u16
    last_step: compact_u64
    blocks_since_last_step: compact_u64
    subnet_emission: compact_u64
    alpha_in: compact_u64
    alpha_out: compact_u64
    tao_in: compact_u64
    alpha_out_emission: compact_u64
    alpha_in_emission: compact_u64
    tao_in_emission: compact_u64
    pending_alpha_emission: compact_u64
    pending_root_emission: compact_u64
    subnet_volume: compact_u128
    moving_price: I96F32
    rho: compact_u16
    kappa: compact_u16
    min_allowed_weights: compact_u16
    max_weights_limit: compact_u16
    weights_version: compact_u64
    weights_rate_limit: compact_u64
    activity_cutoff: compact_u64
    max_validators: compact_u16
    num_uids: compact_u16
    max_uids: compact_u16
    burn: compact_u64
    difficulty: compact_u64
    registration_allowed: Flag
    pow_registration_allowed: Flag
    immunity_period: compact_u16
    min_difficulty: compact_u64
    max_difficulty: compact_u64
    min_burn: compact_u64
    max_burn: compact_u64
    adjustment_alpha: compact_u64
    adjustment_interval: compact_u16
    target_regs_per_interval: compact_u16
    max_regs_per_block: compact_u16
    serving_rate_limit: compact_u64
    commit_reveal_weights_enabled: Flag
    commit_reveal_period: compact_u64
    liquid_alpha_enabled: Flag
    alpha_high: compact_u16
    alpha_low: compact_u16
    bonds_moving_avg: compact_u64
    hotkeys: tuple[AccountId, ...]
    coldkeys: tuple[AccountId, ...]
    identities: tuple[ChainIdentityV2 | None, ...]
    axons: tuple[AxonInfo, ...]
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
    tao_dividends_per_hotkey: tuple[tuple[AccountId, compact_u64], ...]
    alpha_dividends_per_hotkey: tuple[tuple[AccountId, compact_u64], ...]


@dataclass(frozen=True)
class _Asked(Option):
    """An option whose value is held in a tuple of one, so that `(None,)` can be told from nothing at all."""

    def write(self, value: Any, out: bytearray) -> None:
        out.append(0 if value is None else 1)
        if value is not None:
            self.item.write(value[0], out)

    def __str__(self) -> str:
        return f"Option<{self.item}>"


def _selective() -> Struct:
    netuid, *parts = cast(Struct, scale_of(Metagraph)).fields
    more = [
        Field("validators", scale_of(tuple[compact_u16, ...])),
        Field("commitments", scale_of(tuple[tuple[AccountId, CompactText], ...])),
    ]
    options = [Field(part.name, _Asked(part.type)) for part in [*parts, *more]]
    return Struct(("SelectiveMetagraph",), (netuid, *options), lambda *values: values)


_SELECTIVE: Final = _selective()
SelectiveMetagraph: TypeAlias = Annotated[tuple[Any, ...], _SELECTIVE]
"""The number of the network, then for each part a tuple of it alone, or None where nobody asked."""

VALIDATORS: Final = len(Metagraph._fields)
"""The number by which a client asks who may vote."""
COMMITMENTS: Final = VALIDATORS + 1
"""The number by which it asks what neurons have committed to."""


def all_of(chain: SubtensorModule, netuid: int) -> Metagraph:
    """A network's metagraph."""
    neurons = neuron_facts(chain, netuid)
    hotkeys, coldkeys = neurons["hotkeys"], neurons["coldkeys"]
    paid = chain.AlphaDividendsPerSubnet
    facts = {
        **hyperparameters(chain, netuid)._asdict(),
        **network_facts(chain, netuid),
        **neurons,
        "num_uids": len(hotkeys),
        "max_uids": chain.MaxAllowedUids[netuid],
        "burn": chain.Burn[netuid],
        "pow_registration_allowed": chain.NetworkPowRegistrationAllowed[netuid],
        "identities": [chain.IdentitiesV2[coldkey] for coldkey in coldkeys],
        "axons": [chain.Axons[netuid, hotkey] or NO_AXON for hotkey in hotkeys],
        "tao_dividends_per_hotkey": [(hotkey, 0) for hotkey in hotkeys],
        "alpha_dividends_per_hotkey": [(hotkey, paid[netuid, hotkey]) for hotkey in hotkeys],
    }
    return Metagraph._make([facts[name] for name in Metagraph._fields])


def mechanism_of(chain: SubtensorModule, netuid: int, mechanism: int) -> Metagraph:
    """A network's metagraph with what one of its mechanisms decided, under the number of the mechanism's votes."""
    index = mechanism_index(netuid, mechanism)
    return all_of(chain, netuid)._replace(
        netuid=index, last_update=chain.LastUpdate[index], incentives=chain.Incentive[index]
    )


def parts_of(metagraph: Metagraph, asked: Sequence[int], more: Mapping[int, Sequence[Any]]) -> tuple[Any, ...]:
    """The parts of a metagraph whose numbers are asked for; `more` has those that it has no field for."""
    wanted = set(asked)
    _, *parts = [(part,) if number in wanted else None for number, part in enumerate(metagraph)]
    extra = [(more[number],) if number in more else None for number in (VALIDATORS, COMMITMENTS)]
    return (metagraph.netuid, *parts, *extra)


def validators(chain: SubtensorModule, netuid: int) -> tuple[int, ...]:
    """The uids that may vote and have enough stake to, the smallest stake first."""
    permits = chain.ValidatorPermit[netuid]
    uids = [uid for uid in range(chain.SubnetworkN[netuid]) if uid < len(permits) and permits[uid]]
    bits = chain.stake_weights(netuid, [chain.Keys[netuid, uid] for uid in uids])
    least = chain.StakeThreshold.value << 64
    return tuple(uid for stake, uid in sorted(zip(bits, uids, strict=True)) if stake > least)
