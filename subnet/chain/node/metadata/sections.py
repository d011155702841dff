# SPDX-License-Identifier: Apache-2.0
"""What versions 14 and 15 of the metadata have in common: storage, constants, and what surrounds a transaction.

The records are the format; the functions fill them from what the pallets declare.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NamedTuple

from subnet.chain.node.address import MULTI_ADDRESS, MULTI_SIGNATURE
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Storage
from subnet.chain.node.metadata.outer import RUNTIME, Outer
from subnet.chain.node.metadata.portable import FieldEntry, Parameter, TypeEntry
from subnet.chain.node.metadata.registry import Registry
from subnet.chain.node.metadata.seams import Described
from subnet.chain.node.scale.composites import Enum, Field, Tuple, Variant, VariantType, Vec
from subnet.chain.node.scale.names import Blob, Str, compact_u32, scale_of
from subnet.chain.node.scale.primitives import BYTES

__all__ = [
    "ConstantEntry",
    "Declared",
    "EXTRINSIC_VERSION",
    "ExtensionEntry",
    "StorageEntry",
    "StorageSection",
    "constants_of",
    "declared",
    "extensions_of",
    "extrinsic_type",
    "runtime_type",
    "storage_of",
]

EXTRINSIC_VERSION: Final = 4
"""The version of signed transactions."""

_MODIFIER: Final = Enum(("StorageEntryModifier",), (VariantType("Optional", 0), VariantType("Default", 1)))
_HASHERS: Final = "Blake2_128 Blake2_256 Blake2_128Concat Twox128 Twox256 Twox64Concat Identity"
_HASHER: Final = Enum(
    ("StorageHasher",), tuple(VariantType(name, index) for index, name in enumerate(_HASHERS.split()))
)

_NUMBER: Final = scale_of(compact_u32)
_SHAPE: Final = Enum(
    ("StorageEntryType",),
    (
        VariantType("Plain", 0, (Field(None, _NUMBER),)),
        VariantType("Map", 1, (Field(None, Vec(_HASHER)), Field(None, _NUMBER), Field(None, _NUMBER))),
    ),
)


class StorageEntry(NamedTuple):
    """A storage item."""

    name: Str
    modifier: Annotated[Variant, _MODIFIER]
    type: Annotated[Variant, _SHAPE]
    default: Blob
    docs: tuple[Str, ...]


class StorageSection(NamedTuple):
    """The storage of a pallet."""

    prefix: Str
    entries: tuple[StorageEntry, ...]


class ConstantEntry(NamedTuple):
    """A constant."""

    name: Str
    type: compact_u32
    value: Blob
    docs: tuple[Str, ...]


class ExtensionEntry(NamedTuple):
    """A signed extension."""

    identifier: Str
    type: compact_u32
    additional_signed: compact_u32


class Declared(NamedTuple):
    """What of a pallet is told alike in both versions."""

    name: Str
    storage: StorageSection | None
    calls: compact_u32 | None
    event: compact_u32 | None
    constants: tuple[ConstantEntry, ...]
    error: compact_u32 | None


def declared(pallet: Pallet, outer: Outer, registry: Registry) -> Declared:
    """All that a pallet declares."""
    return Declared(
        pallet.name,
        storage_of(pallet, registry),
        outer.calls.get(pallet.name),
        outer.events.get(pallet.name),
        constants_of(pallet, registry),
        outer.errors.get(pallet.name),
    )


def storage_of(pallet: Pallet, registry: Registry) -> StorageSection | None:
    """The storage of a pallet; None where it keeps nothing."""
    entries = tuple(_storage_entry(item, registry) for item in pallet.storage())
    return StorageSection(pallet.name, entries) if entries else None


def constants_of(pallet: Pallet, registry: Registry) -> tuple[ConstantEntry, ...]:
    """The constants of a pallet."""
    return tuple(
        ConstantEntry(item.name, registry.number(item.type), item.type.encode(item.value), ())
        for item in pallet.constants()
    )


def extensions_of(runtime: Described, registry: Registry) -> tuple[ExtensionEntry, ...]:
    """What every signed transaction carries."""
    return tuple(
        ExtensionEntry(item.name, registry.number(item.type), registry.number(item.additional))
        for item in runtime.extensions
    )


def extrinsic_type(runtime: Described, outer: Outer, registry: Registry) -> tuple[int, tuple[int, ...]]:
    """The number of a transaction's type, and those of its parts: address, call, signature, extra."""
    number = registry.reserve("UncheckedExtrinsic")
    extra = Tuple(tuple(item.type for item in runtime.extensions))
    parts = (
        registry.number(MULTI_ADDRESS),
        outer.call,
        registry.number(MULTI_SIGNATURE),
        registry.number(extra),
    )
    names = ("Address", "Call", "Signature", "Extra")
    params = tuple(Parameter(name, part) for name, part in zip(names, parts, strict=True))
    path = ("sp_runtime", "generic", "unchecked_extrinsic", "UncheckedExtrinsic")
    whole = (FieldEntry(None, registry.number(BYTES), None),)
    registry.settle(number, TypeEntry(path, params, Variant("Composite", (whole,))))
    return number, parts


def runtime_type(registry: Registry) -> int:
    """The number of the type that stands for the runtime itself."""
    return registry.add(TypeEntry((RUNTIME, "Runtime"), (), Variant("Composite", ((),))))


def _storage_entry(item: Storage[Any], registry: Registry) -> StorageEntry:
    value = registry.number(item.type)
    shape = Variant("Plain", (value,))
    if item.keys:
        types = [key.type for key in item.keys]
        key = registry.number(types[0] if len(types) == 1 else Tuple(tuple(types)))
        shape = Variant("Map", (tuple(Variant(key.hasher) for key in item.keys), key, value))
    # What an option holds by default is nothing, of which the encoding is one zero.
    default = b"\0" if item.optional else item.data(item.default())
    return StorageEntry(item.name, Variant("Optional" if item.optional else "Default"), shape, default, ())
