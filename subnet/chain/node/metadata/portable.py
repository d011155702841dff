# SPDX-License-Identifier: Apache-2.0
"""The portable registry of scale-info, as records: what a type of the chain looks like to a client.

The metadata describes every type by a number, and these records say what stands behind the number. They are SCALE
records themselves, so the codec that they describe also writes them.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from subnet.chain.node.scale.composites import Enum, Variant, VariantType
from subnet.chain.node.scale.composites import Field as Part
from subnet.chain.node.scale.names import Str, compact_u32, scale_of, u8, u32

__all__ = ["Definition", "FieldEntry", "Parameter", "PortableType", "TypeEntry", "VariantEntry"]


class FieldEntry(NamedTuple):
    """A field of a composite or a variant."""

    name: Str | None
    type: compact_u32
    type_name: Str | None
    docs: tuple[Str, ...] = ()


class VariantEntry(NamedTuple):
    """One way for a value to be."""

    name: Str
    fields: tuple[FieldEntry, ...]
    number: u8
    docs: tuple[Str, ...] = ()


class Parameter(NamedTuple):
    """A generic parameter of a type."""

    name: Str
    type: compact_u32 | None


_PRIMITIVES: Final = "bool char str u8 u16 u32 u64 u128 u256 i8 i16 i32 i64 i128 i256"
_PRIMITIVE: Final = Enum(
    ("scale_info", "TypeDefPrimitive"),
    tuple(VariantType(name, index) for index, name in enumerate(_PRIMITIVES.split())),
)

_DEFINITION: Final = Enum(
    ("scale_info", "TypeDef"),
    (
        VariantType("Composite", 0, (Part(None, scale_of(tuple[FieldEntry, ...])),)),
        VariantType("Variant", 1, (Part(None, scale_of(tuple[VariantEntry, ...])),)),
        VariantType("Sequence", 2, (Part(None, scale_of(compact_u32)),)),
        VariantType("Array", 3, (Part(None, scale_of(u32)), Part(None, scale_of(compact_u32)))),
        VariantType("Tuple", 4, (Part(None, scale_of(tuple[compact_u32, ...])),)),
        VariantType("Primitive", 5, (Part(None, _PRIMITIVE),)),
        VariantType("Compact", 6, (Part(None, scale_of(compact_u32)),)),
    ),
)

Definition = Annotated[Variant, _DEFINITION]


class TypeEntry(NamedTuple):
    """A type: its path, its generic parameters and what it is made of."""

    path: tuple[Str, ...]
    params: tuple[Parameter, ...]
    definition: Definition
    docs: tuple[Str, ...] = ()


class PortableType(NamedTuple):
    """A type under its number."""

    id: compact_u32
    type: TypeEntry
