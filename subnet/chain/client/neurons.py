# SPDX-License-Identifier: Apache-2.0
"""A subnet's neurons in three round trips, however many there are.

A runtime that computes metagraphs is asked for one; it lacks a single column, which comes from the storage. An older
runtime is read column by column, and the stake that counts is worked out here as the chain's own epoch does.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from protocols.columns import Floats, Ints, fractions
from protocols.endpoint import Endpoint
from protocols.metagraph import Metagraph
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58
from subnet.chain.client.census import census
from subnet.chain.client.reads import PALLET, check_subnet
from subnet.chain.client.session import Session
from subnet.chain.client.storage import Item

__all__ = ["metagraph"]

_API: Final = "SubnetInfoRuntimeApi"
_METHOD: Final = "get_metagraph"


def metagraph(session: Session, netuid: NetUid, at: str) -> Metagraph:
    """All neurons of a subnet, as a block left them."""
    if not session.offers(_API, _METHOD):
        return _counted(session, netuid, at)
    exists, validator_trust = session.read(
        [Item(PALLET, "NetworksAdded", (netuid,)), Item(PALLET, "ValidatorTrust", (netuid,))], at
    )
    check_subnet(exists, netuid)
    whole = session.call(_API, _METHOD, [netuid], at)
    check_subnet(whole, netuid)
    return _metagraph(netuid, Block(whole["block"]), whole, validator_trust)


def _metagraph(netuid: NetUid, block: Block, whole: Mapping[str, Any], validator_trust: Any) -> Metagraph:
    n = len(whole["hotkeys"])
    return Metagraph(
        netuid=netuid,
        block=block,
        hotkeys=tuple(Hotkey(Ss58(hotkey)) for hotkey in whole["hotkeys"]),
        coldkeys=tuple(Coldkey(Ss58(coldkey)) for coldkey in whole["coldkeys"]),
        endpoints=tuple(map(_endpoint, whole["axons"])),
        stake=_ints(whole["total_stake"], n),
        alpha_stake=_ints(whole["alpha_stake"], n),
        emission=_ints(whole["emission"], n),
        incentive=_shares(whole["incentives"], n),
        dividends=_shares(whole["dividends"], n),
        consensus=_shares(whole["consensus"], n),
        trust=_shares(whole["trust"], n),
        validator_trust=_shares(validator_trust, n),
        active=_column(whole["active"], n).astype(np.bool_),
        validator_permit=_column(whole["validator_permit"], n).astype(np.bool_),
        last_update=_ints(whole["last_update"], n),
        block_at_registration=_ints(whole["block_at_registration"], n),
    )


def _counted(session: Session, netuid: NetUid, at: str) -> Metagraph:
    counted = census(session, netuid, at)
    return _metagraph(netuid, counted.block, counted.columns, counted.columns["validator_trust"])


def _endpoint(axon: Mapping[str, Any] | None) -> Endpoint | None:
    """Where a neuron answers, or None where it has published nothing or nonsense."""
    if not axon or not axon["ip"]:
        return None
    number, version = int(axon["ip"]), int(axon["ip_type"])
    try:
        ip = ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)
    except ipaddress.AddressValueError:
        return None
    return Endpoint.published(str(ip), int(axon["port"]), int(axon["protocol"]), int(axon["version"]))


def _column(values: Sequence[Any] | None, n: int) -> Ints:
    """A column of exactly `n` rows: the chain's own vectors are longer or shorter for a moment."""
    given = list(values or ())[:n]
    return np.array(given + [0] * (n - len(given)), dtype=np.int64)


def _ints(values: Sequence[Any] | None, n: int) -> Ints:
    return _column(values, n)


def _shares(values: Sequence[Any] | None, n: int) -> Floats:
    return fractions(_column(values, n))
