# SPDX-License-Identifier: Apache-2.0
"""All pallets of the chain in one place, and the enums that they make together.

A pallet joins the chain by being listed here and built in `runtime.py`. The order is that of the hooks.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.pallets.admin import AdminUtils
from subnet.chain.node.pallets.alphaassets import AlphaAssets
from subnet.chain.node.pallets.aura import Aura
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.commitments import Commitments
from subnet.chain.node.pallets.drand import Drand
from subnet.chain.node.pallets.evm import EVMChainId
from subnet.chain.node.pallets.payment import TransactionPayment
from subnet.chain.node.pallets.proxy import Proxy
from subnet.chain.node.pallets.shield import MevShield
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.pallets.sudo import Sudo
from subnet.chain.node.pallets.swap import Swap
from subnet.chain.node.pallets.system import System
from subnet.chain.node.pallets.timestamp import Timestamp
from subnet.chain.node.pallets.utility import Utility
from subnet.chain.node.scale.composites import Enum, Field, VariantType

__all__ = ["PALLETS", "runtime_call", "runtime_event"]

PALLETS: Final[tuple[type[Pallet], ...]] = (
    System,
    Timestamp,
    Aura,
    Balances,
    TransactionPayment,
    SubtensorModule,
    Utility,
    Sudo,
    Proxy,
    Commitments,
    AdminUtils,
    Drand,
    Swap,
    MevShield,
    AlphaAssets,
    EVMChainId,
)
_RUNTIME: Final = "node_subtensor_runtime"


@cache
def runtime_call() -> Enum:
    """Every call of every pallet."""
    return _outer("Call", {pallet: _calls(pallet) for pallet in PALLETS if pallet.calls()})


@cache
def runtime_event() -> Enum:
    """Every event of every pallet."""
    return _outer("Event", {pallet: _events(pallet) for pallet in PALLETS if pallet.events()})


def _calls(pallet: type[Pallet]) -> tuple[VariantType, ...]:
    return tuple(VariantType(call.name, call.index, call.fields) for call in pallet.calls())


def _events(pallet: type[Pallet]) -> tuple[VariantType, ...]:
    return tuple(VariantType(event.name, event.index, event.fields) for event in pallet.events())


def _outer(kind: str, pallets: dict[type[Pallet], tuple[VariantType, ...]]) -> Enum:
    inner = {pallet: Enum((pallet.name, kind), variants) for pallet, variants in pallets.items()}
    variants = [VariantType(pallet.name, pallet.index, (Field(None, enum),)) for pallet, enum in inner.items()]
    return Enum((_RUNTIME, f"Runtime{kind}"), tuple(variants))
