# SPDX-License-Identifier: Apache-2.0
"""The names by which declarations call types, and how an annotation becomes a type.

`u16` is an `int` to Python and a 16-bit number to the chain. `tuple[u16, ...]` is a list of them, `u64 | None` an
option, `tuple[u16, u16]` a pair, and a `NamedTuple` of such annotations a record.
"""

from __future__ import annotations

import types
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

from subnet.chain.node.scale.composites import Field, Option, Struct, Tuple, Vec
from subnet.chain.node.scale.primitives import BYTES, TEXT, Bits, Bool, Compact, FixedBytes, Int, ScaleType, UInt

__all__ = [
    "ACCOUNT",
    "AccountId",
    "Balance",
    "Blob",
    "Blob4",
    "Flag",
    "HASH",
    "Hash",
    "I32F32",
    "I64F64",
    "I96F32",
    "Str",
    "U64F64",
    "compact_u128",
    "compact_u16",
    "compact_u32",
    "compact_u64",
    "i16",
    "i64",
    "scale_of",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
]

ACCOUNT: Final = FixedBytes(32, ("sp_core", "crypto", "AccountId32"))
HASH: Final = FixedBytes(32, ("primitive_types", "H256"))

u8: TypeAlias = Annotated[int, UInt(1)]
u16: TypeAlias = Annotated[int, UInt(2)]
u32: TypeAlias = Annotated[int, UInt(4)]
u64: TypeAlias = Annotated[int, UInt(8)]
u128: TypeAlias = Annotated[int, UInt(16)]
i16: TypeAlias = Annotated[int, Int(2)]
i64: TypeAlias = Annotated[int, Int(8)]
compact_u16: TypeAlias = Annotated[int, Compact(UInt(2))]
compact_u32: TypeAlias = Annotated[int, Compact(UInt(4))]
compact_u64: TypeAlias = Annotated[int, Compact(UInt(8))]
compact_u128: TypeAlias = Annotated[int, Compact(UInt(16))]
Balance: TypeAlias = u64
Flag: TypeAlias = Annotated[bool, Bool()]
Blob: TypeAlias = Annotated[bytes, BYTES]
Blob4: TypeAlias = Annotated[bytes, FixedBytes(4)]
Str: TypeAlias = Annotated[str, TEXT]
AccountId: TypeAlias = Annotated[bytes, ACCOUNT]
Hash: TypeAlias = Annotated[bytes, HASH]
I32F32: TypeAlias = Annotated[int, Bits(Int(8), ("substrate_fixed", "FixedI64"))]
I64F64: TypeAlias = Annotated[int, Bits(Int(16), ("substrate_fixed", "FixedI128"))]
I96F32: TypeAlias = Annotated[int, Bits(Int(16), ("substrate_fixed", "FixedI128"))]
U64F64: TypeAlias = Annotated[int, Bits(UInt(16), ("substrate_fixed", "FixedU128"))]


def scale_of(hint: Any) -> ScaleType:
    """The type that an annotation stands for."""
    if isinstance(hint, ScaleType):
        return hint
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return next(part for part in parts[1:] if isinstance(part, ScaleType))
    if origin is tuple:
        return Vec(scale_of(parts[0])) if parts[1:] == (...,) else Tuple(tuple(scale_of(part) for part in parts))
    if origin in (Union, types.UnionType) and len(parts) == 2 and parts[1] is types.NoneType:
        return Option(scale_of(parts[0]))
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return _record(hint)
    if hint is None or hint is types.NoneType:
        return Tuple(())
    raise TypeError(f"{hint!r} does not name a SCALE type, expected one such as u16, tuple[u16, ...] or u64 | None")


@cache
def _record(record: Any) -> Struct:
    hints = get_type_hints(record, include_extras=True)
    fields = tuple(Field(name, scale_of(hints[name])) for name in record._fields)
    return Struct((record.__name__,), fields, record)
