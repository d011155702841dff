# SPDX-License-Identifier: Apache-2.0
"""Values as people write them in TOML or JSON, made into values of the chain: by the type that the chain gives them.

An account is a secret URI of a development key (`//Alice`), an address or hexadecimal bytes; an enum is the name of a
variant; a record is a table; bytes are hexadecimal after `0x`, and text otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protocols.errors import InvalidGenesis, KeyMaterialError
from protocols.keys import Keypair, decode_address
from subnet.chain.node.scale.composites import Array, Enum, Option, Struct, Tuple, Variant, Vec
from subnet.chain.node.scale.names import ACCOUNT
from subnet.chain.node.scale.primitives import Bits, Bool, Bytes, Compact, FixedBytes, Int, ScaleType, Text, UInt

__all__ = ["account", "from_plain"]


def account(text: str) -> bytes:
    """The 32 bytes of a secret URI, an address or hexadecimal digits."""
    try:
        if text.startswith("0x"):
            return bytes.fromhex(text[2:])
        return Keypair.from_uri(text).public_key if "//" in text else decode_address(text)
    except (KeyMaterialError, ValueError) as fault:
        raise InvalidGenesis(
            f"{text!r} names no account: {fault}", help='write a key such as "//Alice", or an address'
        ) from fault


def from_plain(type: ScaleType, value: Any) -> Any:
    """The chain's value; raises `InvalidGenesis` for one that is of another type."""
    if isinstance(type, Option):
        return None if value is None else from_plain(type.item, value)
    if isinstance(type, UInt | Int | Bits | Compact):
        return _number(type, value)
    if isinstance(type, Bool):
        return _of(bool, type, value)
    if isinstance(type, Text):
        return _of(str, type, value)
    if isinstance(type, Bytes | FixedBytes):
        return _bytes(type, value)
    if isinstance(type, Struct):
        return _record(type, value)
    if isinstance(type, Enum):
        return _variant(type, value)
    items = [*_of(list, type, list(value) if isinstance(value, tuple) else value)]
    if isinstance(type, Vec | Array):
        return tuple([from_plain(type.item, item) for item in items])
    if isinstance(type, Tuple) and len(items) == len(type.items):
        return tuple([from_plain(part, item) for part, item in zip(type.items, items, strict=True)])
    raise _mismatch(type, value)


def _number(type: ScaleType, value: Any) -> int:
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    number: int = _of(int, type, value)
    return number


def _bytes(type: ScaleType, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    text: str = _of(str, type, value)
    if type == ACCOUNT:
        return account(text)
    try:
        return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
    except ValueError as fault:
        raise _mismatch(type, value) from fault


def _record(type: Struct, value: Any) -> Any:
    table: Mapping[str, Any] = _of(dict, type, value)
    names = [field.name for field in type.fields]
    if set(table) != set(names):
        raise InvalidGenesis(f"{type} has the fields {', '.join(map(str, names))}, got {', '.join(table) or 'none'}")
    return type.make(*[from_plain(field.type, table[str(field.name)]) for field in type.fields])


def _variant(type: Enum, value: Any) -> Variant:
    name, plain = next(iter(value.items())) if isinstance(value, dict) and len(value) == 1 else (value, [])
    variant = next((variant for variant in type.variants if variant.name == name), None)
    if variant is None:
        known = ", ".join(variant.name for variant in type.variants)
        raise InvalidGenesis(f"there is no {type}::{name}, known are {known}")
    fields = plain if isinstance(plain, list) else [plain]
    if len(fields) != len(variant.fields):
        raise InvalidGenesis(f"{type}::{name} has {len(variant.fields)} fields, got {len(fields)}")
    parts = zip(variant.fields, fields, strict=True)
    return Variant(variant.name, tuple([from_plain(field.type, part) for field, part in parts]))


def _of(kind: type, type_: ScaleType, value: Any) -> Any:
    # In Python True is an int; on the chain it is not.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _mismatch(type_, value)
    return value


def _mismatch(type: ScaleType, value: Any) -> InvalidGenesis:
    return InvalidGenesis(f"{value!r} is no {type}")
