# SPDX-License-Identifier: Apache-2.0
"""Metadata in version 15, which the official SDK reads: with the types of every question to the runtime.

It also names the outer enums and the parts of a transaction, which version 14 leaves to be found.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from subnet.chain.node.frame.calls import ApiMethod
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.metadata.outer import first_line, outer_types
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
from subnet.chain.node.scale.names import Blob, Str, compact_u32, scale_of, u8
from subnet.chain.node.scale.primitives import ScaleType

__all__ = [
    "ApiEntry",
    "CustomEntry",
    "ExtrinsicV15",
    "InputEntry",
    "MetadataV15",
    "MethodEntry",
    "OuterEnums",
    "PalletV15",
    "SCALE_V15",
    "describe_v15",
]


class PalletV15(NamedTuple):
    """A pallet."""

    declared: Declared
    number: u8
    docs: tuple[Str, ...]


class ExtrinsicV15(NamedTuple):
    """Transactions."""

    version: u8
    address: compact_u32
    call: compact_u32
    signature: compact_u32
    extra: compact_u32
    signed_extensions: tuple[ExtensionEntry, ...]


class InputEntry(NamedTuple):
    """What a question is asked with."""

    name: Str
    type: compact_u32


class MethodEntry(NamedTuple):
    """A question."""

    name: Str
    inputs: tuple[InputEntry, ...]
    output: compact_u32
    docs: tuple[Str, ...]


class ApiEntry(NamedTuple):
    """Questions under one name."""

    name: Str
    methods: tuple[MethodEntry, ...]
    docs: tuple[Str, ...]


class OuterEnums(NamedTuple):
    """The enums of all pallets."""

    call: compact_u32
    event: compact_u32
    error: compact_u32


class CustomEntry(NamedTuple):
    """Something of the chain's own."""

    name: Str
    type: compact_u32
    value: Blob


class MetadataV15(NamedTuple):
    """All of it."""

    types: tuple[PortableType, ...]
    pallets: tuple[PalletV15, ...]
    extrinsic: ExtrinsicV15
    runtime: compact_u32
    apis: tuple[ApiEntry, ...]
    outer: OuterEnums
    custom: tuple[CustomEntry, ...]


SCALE_V15: Final[ScaleType] = scale_of(MetadataV15)


def describe_v15(runtime: Described) -> MetadataV15:
    """The metadata of a runtime in version 15."""
    registry = Registry()
    outer = outer_types(runtime.pallets, registry)
    _, (address, call, signature, extra) = extrinsic_type(runtime, outer, registry)
    pallets = tuple(
        PalletV15(declared(pallet, outer, registry), pallet.index, first_line(type(pallet)))
        for pallet in runtime.pallets
    )
    extrinsic = ExtrinsicV15(EXTRINSIC_VERSION, address, call, signature, extra, extensions_of(runtime, registry))
    apis = tuple(_api(asked, registry) for asked in runtime.apis)
    whole = runtime_type(registry)
    enums = OuterEnums(outer.call, outer.event, outer.error)
    return MetadataV15(registry.portable(), pallets, extrinsic, whole, apis, enums, ())


def _api(asked: RuntimeApi, registry: Registry) -> ApiEntry:
    methods = tuple(_method(method, registry) for method in asked.methods())
    return ApiEntry(type(asked).__name__, methods, first_line(type(asked)))


def _method(method: ApiMethod, registry: Registry) -> MethodEntry:
    inputs = tuple(InputEntry(field.name or "", registry.number(field.type)) for field in method.inputs)
    return MethodEntry(method.name, inputs, registry.number(method.output), first_line(method.answer))
