# SPDX-License-Identifier: Apache-2.0
"""Metadata in version 14, which py-substrate-interface reads.

It knows nothing of runtime APIs, and a client finds the parts of a transaction in the parameters of its type.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from subnet.chain.node.metadata.outer import outer_types
from subnet.chain.node.metadata.portable import PortableType
from subnet.chain.node.metadata.registry import Registry
from subnet.chain.node.metadata.seams import Described
from subnet.chain.node.metadata.sections import (
    EXTRINSIC_VERSION,
    Declared,
    ExtensionEntry,
    declared,
    extensions_of,
    extrinsic_type,
    runtime_type,
)
from subnet.chain.node.scale.names import compact_u32, scale_of, u8
from subnet.chain.node.scale.primitives import ScaleType

__all__ = ["ExtrinsicV14", "MetadataV14", "PalletV14", "SCALE_V14", "describe_v14"]


class PalletV14(NamedTuple):
    """A pallet."""

    declared: Declared
    number: u8


class ExtrinsicV14(NamedTuple):
    """Transactions."""

    type: compact_u32
    version: u8
    signed_extensions: tuple[ExtensionEntry, ...]


class MetadataV14(NamedTuple):
    """All of it."""

    types: tuple[PortableType, ...]
    pallets: tuple[PalletV14, ...]
    extrinsic: ExtrinsicV14
    runtime: compact_u32


SCALE_V14: Final[ScaleType] = scale_of(MetadataV14)


def describe_v14(runtime: Described) -> MetadataV14:
    """The metadata of a runtime in version 14."""
    registry = Registry()
    outer = outer_types(runtime.pallets, registry)
    extrinsic, _ = extrinsic_type(runtime, outer, registry)
    pallets = tuple(PalletV14(declared(pallet, outer, registry), pallet.index) for pallet in runtime.pallets)
    extensions = extensions_of(runtime, registry)
    whole = runtime_type(registry)
    return MetadataV14(registry.portable(), pallets, ExtrinsicV14(extrinsic, EXTRINSIC_VERSION, extensions), whole)
