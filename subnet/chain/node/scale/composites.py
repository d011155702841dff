# SPDX-License-Identifier: Apache-2.0
"""Types with parts: lists, options, tuples, records and variants.

In Python a list is a tuple, since what storage holds must not change behind its back; a record is a `NamedTuple`; a
variant is its name with the tuple of its fields.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final, NamedTuple

from protocols.errors import LedgerError
from subnet.chain.node.scale.primitives import Compact, Reader, ScaleType, UInt

__all__ = ["Array", "Enum", "Field", "Later", "Option", "Struct", "Tuple", "Variant", "VariantType", "Vec"]

_LENGTH: Final = Compact(UInt(4))
_DEEPEST: Final = 32
"""How often a stranger may put a call within a call: each level costs several frames of Python's stack."""
_CODES: Final[dict[ScaleType, str]] = {UInt(1): "B", UInt(2): "H", UInt(4): "I", UInt(8): "Q"}


class Variant(NamedTuple):
    """A value of an `Enum`: which variant, and its fields in order."""

    name: str
    fields: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Vec(ScaleType):
    """A list of any length; with `path` a type that encodes as one, such as a set or a map of pairs."""

    item: ScaleType
    path: tuple[str, ...] = ()

    def write(self, value: Any, out: bytearray) -> None:
        _LENGTH.write(len(value), out)
        if (code := _packed(self.item)) is not None:
            flat = value if len(code) == 1 else [part for item in value for part in item]
            try:
                out += struct.pack("<" + code * len(value), *flat)
            except struct.error as fault:
                raise ValueError(str(fault)) from fault
            return
        for item in value:
            self.item.write(item, out)

    def read(self, source: Reader) -> tuple[Any, ...]:
        length = _LENGTH.read(source)
        # Nothing that a stranger sends takes no bytes, so a length beyond what is left is a lie.
        if length > source.left():
            raise LedgerError(f"a list of {length} is claimed in {source.left()} bytes")
        if (code := _packed(self.item)) is not None:
            flat = struct.unpack("<" + code * length, source.take(struct.calcsize("<" + code) * length))
            width = len(code)
            return flat if width == 1 else tuple(zip(*[flat[at::width] for at in range(width)], strict=True))
        return tuple([self.item.read(source) for _ in range(length)])

    def zero(self) -> tuple[Any, ...]:
        return ()

    def __str__(self) -> str:
        return f"Vec<{self.item}>"


@cache
def _packed(item: ScaleType) -> str | None:
    """How `struct` writes a number, or a tuple of them, which is many times faster than one after another."""
    parts = item.items if isinstance(item, Tuple) else (item,)
    codes = [_CODES.get(part) for part in parts]
    return "".join(code for code in codes if code) if parts and all(codes) else None


@dataclass(frozen=True)
class Array(ScaleType):
    """A list of a fixed length."""

    item: ScaleType
    size: int

    def write(self, value: Any, out: bytearray) -> None:
        if len(value) != self.size:
            raise ValueError(f"{len(value)} items, expected {self.size}")
        for item in value:
            self.item.write(item, out)

    def read(self, source: Reader) -> tuple[Any, ...]:
        return tuple([self.item.read(source) for _ in range(self.size)])

    def zero(self) -> tuple[Any, ...]:
        return (self.item.zero(),) * self.size

    def __str__(self) -> str:
        return f"[{self.item}; {self.size}]"


@dataclass(frozen=True)
class Option(ScaleType):
    """A value or None."""

    item: ScaleType

    def write(self, value: Any, out: bytearray) -> None:
        if value is None:
            out.append(0)
        else:
            out.append(1)
            self.item.write(value, out)

    def read(self, source: Reader) -> Any:
        some = source.take(1)[0]
        if some > 1:
            raise LedgerError(f"an option begins with {some}, expected 0 or 1")
        return self.item.read(source) if some else None

    def zero(self) -> None:
        return None

    def __str__(self) -> str:
        return f"Option<{self.item}>"


@dataclass(frozen=True)
class Tuple(ScaleType):
    """Several values side by side; none of them is `()`."""

    items: tuple[ScaleType, ...]

    def write(self, value: Any, out: bytearray) -> None:
        for item, part in zip(self.items, value, strict=True):
            item.write(part, out)

    def read(self, source: Reader) -> tuple[Any, ...]:
        return tuple([item.read(source) for item in self.items])

    def zero(self) -> tuple[Any, ...]:
        return tuple([item.zero() for item in self.items])

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"


@dataclass(frozen=True)
class Field:
    """A field of a record or a variant; one without a name is known by its place."""

    name: str | None
    type: ScaleType


@dataclass(frozen=True)
class Struct(ScaleType):
    """A record; `make` builds its Python value from the fields in order, which iterates over them again."""

    path: tuple[str, ...]
    fields: tuple[Field, ...]
    make: Callable[..., Any] = field(compare=False, repr=False)

    def write(self, value: Any, out: bytearray) -> None:
        for declared, part in zip(self.fields, value, strict=True):
            declared.type.write(part, out)

    def read(self, source: Reader) -> Any:
        return self.make(*[declared.type.read(source) for declared in self.fields])

    def zero(self) -> Any:
        return self.make(*[declared.type.zero() for declared in self.fields])

    def __str__(self) -> str:
        return self.path[-1]


@dataclass(frozen=True)
class VariantType:
    """One way for a value of an `Enum` to be."""

    name: str
    index: int
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Enum(ScaleType):
    """One of several variants, each with fields of its own; the value is a `Variant`."""

    path: tuple[str, ...]
    variants: tuple[VariantType, ...]

    @cached_property
    def _by_name(self) -> dict[str, VariantType]:
        return {variant.name: variant for variant in self.variants}

    @cached_property
    def _by_index(self) -> dict[int, VariantType]:
        return {variant.index: variant for variant in self.variants}

    def write(self, value: Any, out: bytearray) -> None:
        name, parts = value
        variant = self._by_name.get(name)
        if variant is None:
            raise ValueError(f"there is no {self}::{name}")
        out.append(variant.index)
        for declared, part in zip(variant.fields, parts, strict=True):
            declared.type.write(part, out)

    def read(self, source: Reader) -> Variant:
        index = source.take(1)[0]
        variant = self._by_index.get(index)
        if variant is None:
            raise LedgerError(f"{self} has no variant {index}")
        return Variant(variant.name, tuple([declared.type.read(source) for declared in variant.fields]))

    def zero(self) -> Variant:
        first = self.variants[0]
        return Variant(first.name, tuple([declared.type.zero() for declared in first.fields]))

    def __str__(self) -> str:
        return self.path[-1]


@dataclass(frozen=True)
class Later(ScaleType):
    """A type that is known only once the runtime is put together, such as a call that holds calls."""

    name: str
    find: Callable[[], ScaleType] = field(compare=False, repr=False)

    def write(self, value: Any, out: bytearray) -> None:
        self.find().write(value, out)

    def read(self, source: Reader) -> Any:
        source.depth += 1
        if source.depth > _DEEPEST:
            raise LedgerError(f"more than {_DEEPEST} of {self.name} within each other")
        value = self.find().read(source)
        source.depth -= 1
        return value

    def zero(self) -> Any:
        return self.find().zero()

    def __str__(self) -> str:
        return self.name
