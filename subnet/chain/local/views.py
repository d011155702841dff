# SPDX-License-Identifier: Apache-2.0
"""The state of a runtime as the readers of a chain see it: metagraphs, rows of weights, lists of subnets.

What is told of neurons is what the runtime's own metagraph tells; nothing here has an opinion about stake.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from protocols.balance import Balance
from protocols.chain import Commitment, Epoch, SubnetInfo
from protocols.columns import Ints, fractions
from protocols.endpoint import Endpoint
from protocols.errors import UnknownSubnet
from protocols.hyperparameters import TABLE, Hyperparameters
from protocols.keys import encode_address
from protocols.metagraph import Metagraph
from protocols.sparse import SparseRows
from protocols.types import Block, Coldkey, Hotkey, NetUid
from subnet.chain.dials import from_storage
from subnet.chain.node.apis.facts import neuron_facts
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.pallets.subtensor.records import AxonInfo
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.composites import Variant

__all__ = ["balance", "commitments", "epoch", "hyperparameters", "metagraph", "rows", "subnets"]

_LONGEST_SILENCE: Final = 50_400  # blocks without an epoch after which the chain runs one anyway
_address: Final = lru_cache(maxsize=65_536)(encode_address)
_BYTES: Final = frozenset({"BigRaw", *(f"Raw{size}" for size in range(129))})


def balance(runtime: Runtime, who: bytes) -> Balance:
    """What an account can spend: what is free, without what is frozen."""
    data = runtime.system.Account[who].data
    return Balance(max(0, data.free - max(0, data.frozen - data.reserved)))


def subnets(runtime: Runtime) -> tuple[SubnetInfo, ...]:
    """All subnets, by netuid."""
    chain = runtime.subtensor
    netuids = sorted(netuid for netuid, is_added in chain.NetworksAdded.items() if is_added)
    return tuple(
        SubnetInfo(
            netuid=NetUid(netuid),
            name=_text(chain, netuid),
            owner=Coldkey(_address(chain.SubnetOwner[netuid])),
            neurons=chain.SubnetworkN[netuid],
        )
        for netuid in netuids
    )


def metagraph(runtime: Runtime, netuid: int) -> Metagraph:
    """All neurons of a subnet."""
    chain = _known(runtime, netuid)
    facts = neuron_facts(chain, netuid)
    n = len(facts["hotkeys"])
    return Metagraph(
        netuid=NetUid(netuid),
        block=Block(runtime.system.block),
        hotkeys=tuple(Hotkey(_address(hotkey)) for hotkey in facts["hotkeys"]),
        coldkeys=tuple(Coldkey(_address(coldkey)) for coldkey in facts["coldkeys"]),
        endpoints=tuple(_endpoint(chain.Axons[netuid, hotkey]) for hotkey in facts["hotkeys"]),
        stake=_column(facts["total_stake"], n),
        alpha_stake=_column(facts["alpha_stake"], n),
        emission=_column(facts["emission"], n),
        incentive=fractions(_column(facts["incentives"], n)),
        dividends=fractions(_column(facts["dividends"], n)),
        consensus=fractions(_column(facts["consensus"], n)),
        trust=fractions(_column(facts["trust"], n)),
        validator_trust=fractions(_column(chain.ValidatorTrust[netuid], n)),
        active=_column(facts["active"], n).astype(np.bool_),
        validator_permit=_column(facts["validator_permit"], n).astype(np.bool_),
        last_update=_column(facts["last_update"], n),
        block_at_registration=_column(facts["block_at_registration"], n),
    )


def hyperparameters(runtime: Runtime, netuid: int) -> Hyperparameters:
    """The rules of a subnet; what this runtime does not keep has its default."""
    chain = _known(runtime, netuid)
    kept = (getattr(chain, dial.storage, None) for dial in TABLE.values())
    values = [None if item is None else item[netuid] for item in kept]
    return from_storage([value.name if isinstance(value, Variant) else value for value in values])


def epoch(runtime: Runtime, netuid: int) -> Epoch:
    """When consensus ran last and runs next."""
    chain = _known(runtime, netuid)
    index, last, tempo = chain.SubnetEpochIndex[netuid], chain.LastEpochBlock[netuid], chain.Tempo[netuid]
    if not tempo:
        return Epoch(index, Block(last), None)
    number, pending = runtime.system.block, chain.PendingEpochAt[netuid] or last + tempo
    silent = _LONGEST_SILENCE + 1 - chain.BlocksSinceLastStep[netuid]
    due = min(last + tempo, pending, number + max(1, silent))
    return Epoch(index, Block(last), Block(max(due, number + 1)))


def rows(runtime: Runtime, netuid: int, name: str) -> SparseRows:
    """Weights or bonds, which the chain keeps in a row for each uid."""
    chain = _known(runtime, netuid)
    stored = [getattr(chain, name)[netuid, uid] for uid in range(chain.SubnetworkN[netuid])]
    starts = np.cumsum([0, *map(len, stored)], dtype=np.int64)
    flat = np.array([pair for row in stored for pair in row], dtype=np.uint16).reshape(-1, 2)
    return SparseRows(starts, flat[:, 0].copy(), flat[:, 1].copy())


def commitments(runtime: Runtime, netuid: int) -> Mapping[Hotkey, Commitment]:
    """What hotkeys of a subnet have published in the open."""
    _known(runtime, netuid)
    found = {}
    for who, stored in runtime.commitments.CommitmentOf.under(netuid):
        if stored is not None:
            data = b"".join(field.fields[0] for field in stored.info.fields if field.name in _BYTES)
            found[Hotkey(_address(who))] = Commitment(Block(stored.block), data)
    return MappingProxyType(found)


def _known(runtime: Runtime, netuid: int) -> SubtensorModule:
    if not runtime.subtensor.NetworksAdded[netuid]:
        raise UnknownSubnet(f"there is no subnet {netuid} on this chain", help="list them: await chain.subnets()")
    return runtime.subtensor


def _text(chain: SubtensorModule, netuid: int) -> str:
    identity = chain.SubnetIdentitiesV3[netuid]
    return "" if identity is None else identity.subnet_name.decode(errors="replace")


def _endpoint(axon: AxonInfo | None) -> Endpoint | None:
    """Where a neuron answers, or None where it has published nothing or nonsense."""
    if axon is None or not axon.ip:
        return None
    try:
        ip = ipaddress.IPv4Address(axon.ip) if axon.ip_type == 4 else ipaddress.IPv6Address(axon.ip)
    except ipaddress.AddressValueError:
        return None
    return Endpoint.published(str(ip), axon.port, axon.protocol, axon.version)


def _column(values: Sequence[Any], n: int) -> Ints:
    """A column of exactly `n` rows: the chain's own vectors are longer or shorter for a moment."""
    given = list(values)[:n]
    return np.array(given + [0] * (n - len(given)), dtype=np.int64)
