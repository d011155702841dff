# SPDX-License-Identifier: Apache-2.0
"""Numbers for types: what the codec knows of a type, told the way that scale-info tells it.

Equal types have one number. A type that is known only later, such as the call that holds calls, is reserved by its
name before anything that mentions it is described, which is where the recursion ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from subnet.chain.node.metadata.paths import path_of
from subnet.chain.node.metadata.portable import FieldEntry, Parameter, PortableType, TypeEntry, VariantEntry
from subnet.chain.node.scale.composites import (
    Array,
    Enum,
    Field,
    Later,
    Option,
    Struct,
    Tuple,
    Variant,
    VariantType,
    Vec,
)
from subnet.chain.node.scale.primitives import (
    BYTES,
    Bits,
    Bool,
    Bytes,
    Compact,
    FixedBytes,
    Int,
    ScaleType,
    Text,
    UInt,
)

__all__ = ["Registry"]

_BYTE: Final = UInt(1)
_FIXED: Final = "substrate_fixed"
_PAIRS: Final = ("BTreeMap", "BoundedBTreeMap")
_UNBOUNDED: Final = ("BTreeMap", "BTreeSet")


class Registry:
    """The types that a runtime mentions, by number."""

    def __init__(self) -> None:
        self._numbers: dict[ScaleType, int] = {}
        self._names: dict[str, int] = {}
        self._entries: list[TypeEntry | None] = []

    def reserve(self, name: str) -> int:
        """The number of the type of this name, which `settle` describes."""
        self._names[name] = len(self._entries)
        self._entries.append(None)
        return self._names[name]

    def settle(self, number: int, entry: TypeEntry) -> None:
        """Describe a type whose number was reserved."""
        self._entries[number] = entry

    def add(self, entry: TypeEntry) -> int:
        """A type that only the metadata knows."""
        self._entries.append(entry)
        return len(self._entries) - 1

    def number(self, declared: ScaleType) -> int:
        """The number of a type, which is described when it is met for the first time."""
        reserved = self._names.get(_name(declared))
        if reserved is not None:
            return reserved
        if isinstance(declared, Later):
            return self.number(declared.find())
        declared = _plain(declared)
        known = self._numbers.get(declared)
        if known is None:
            known = self._numbers[declared] = len(self._entries)
            self._entries.append(None)
            self._entries[known] = self._describe(declared)
        return known

    def fields(self, fields: Sequence[Field]) -> tuple[FieldEntry, ...]:
        """Fields as the metadata tells them."""
        return tuple(FieldEntry(field.name, self.number(field.type), str(field.type)) for field in fields)

    def portable(self) -> tuple[PortableType, ...]:
        """All types in the order of their numbers."""
        return tuple(PortableType(number, entry) for number, entry in enumerate(self._entries) if entry is not None)

    def _describe(self, declared: ScaleType) -> TypeEntry:
        match declared:
            case Bool() | Text() | UInt() | Int():
                return TypeEntry((), (), Variant("Primitive", (Variant(str(declared)),)))
            case Bytes():
                return TypeEntry((), (), Variant("Sequence", (self.number(_BYTE),)))
            case FixedBytes():
                return self._fixed(declared)
            case Compact(inner):
                return TypeEntry((), (), Variant("Compact", (self.number(inner),)))
            case Bits(bits, path):
                # The library of the subtensor pallets names the number, that of Substrate does not.
                return _composite(path, self.fields([Field("bits" if path[0] == _FIXED else None, bits)]))
            case Array(item, size):
                return TypeEntry((), (), Variant("Array", (size, self.number(item))))
            case Tuple(items):
                return TypeEntry((), (), Variant("Tuple", (tuple(self.number(item) for item in items),)))
            case Vec():
                return self._list(declared)
            case Option(item):
                return self._option(item)
            case Struct():
                return self._record(declared)
            case Enum():
                return self._enum(declared)
        raise TypeError(
            f"{declared!r} has no place in the metadata, expected one of the types of subnet.chain.node.scale"
        )

    def _fixed(self, declared: FixedBytes) -> TypeEntry:
        if declared.path:
            return _composite(declared.path, self.fields([Field(None, FixedBytes(declared.size))]))
        return TypeEntry((), (), Variant("Array", (declared.size, self.number(_BYTE))))

    def _list(self, declared: Vec) -> TypeEntry:
        if not declared.path:
            return TypeEntry((), (), Variant("Sequence", (self.number(declared.item),)))
        last, item = declared.path[-1], declared.item
        parts = zip("KV", item.items, strict=True) if last in _PAIRS and isinstance(item, Tuple) else [("T", item)]
        params = [Parameter(name, self.number(part)) for name, part in parts]
        bound = [] if last in _UNBOUNDED else [Parameter("S", None)]
        return _composite(declared.path, self.fields([Field(None, Vec(item))]), (*params, *bound))

    def _option(self, item: ScaleType) -> TypeEntry:
        some = VariantEntry("Some", self.fields([Field(None, item)]), 1)
        return _variants(("Option",), (VariantEntry("None", (), 0), some), (Parameter("T", self.number(item)),))

    def _record(self, declared: Struct) -> TypeEntry:
        params: tuple[Parameter, ...] = ()
        match declared.fields:
            # Where polkadot.js looks for the type of all events.
            case (_, Field("event", event), Field("topics", Vec(topic))):
                params = (Parameter("E", self.number(event)), Parameter("T", self.number(topic)))
            case (Field("normal", each), Field("operational"), Field("mandatory")):
                params = (Parameter("T", self.number(each)),)
        return _composite(path_of(declared.path), self.fields(declared.fields), params)

    def _enum(self, declared: Enum) -> TypeEntry:
        variants = tuple(
            VariantEntry(variant.name, self.fields(variant.fields), variant.index) for variant in declared.variants
        )
        params = [Parameter(name, self.number(part)) for name, part in _generics(declared)]
        return _variants(path_of(declared.path), variants, tuple(params))


def _name(declared: ScaleType) -> str:
    match declared:
        case Later(name):
            return name
        case Enum(path) | Struct(path):
            return path[-1]
    return ""


def _plain(declared: ScaleType) -> ScaleType:
    match declared:
        case Vec(UInt(1), ()) | Bytes():
            return BYTES
        case Array(UInt(1), size):
            return FixedBytes(size)
    return declared


def _generics(declared: Enum) -> list[tuple[str, ScaleType]]:
    first: list[VariantType] = [variant for variant in declared.variants if variant.fields]
    match declared.path[-1]:
        case "Result":
            return [(name, variant.fields[0].type) for name, variant in zip("TE", declared.variants, strict=True)]
        case "MultiAddress":
            return [("AccountId", first[0].fields[0].type), ("AccountIndex", Tuple(()))]
    return []


def _composite(path: tuple[str, ...], fields: tuple[FieldEntry, ...], params: tuple[Parameter, ...] = ()) -> TypeEntry:
    return TypeEntry(path, params, Variant("Composite", (fields,)))


def _variants(path: tuple[str, ...], ways: tuple[VariantEntry, ...], params: tuple[Parameter, ...]) -> TypeEntry:
    return TypeEntry(path, params, Variant("Variant", (ways,)))
