# SPDX-License-Identifier: Apache-2.0
"""The chain's own account of what it answers, and a decoder that follows that account and nothing of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset

from subnet.chain.node.scale.composites import Array, Enum, Field, Option, Struct, Tuple, Vec
from subnet.chain.node.scale.primitives import Bits, Compact, ScaleType

__all__ = ["Decoder", "Published", "told"]

_FILE: Final = Path(__file__).parents[4] / "data" / "subtensor_apis_spec381.json"
_PLAIN: Final = {
    "AccountId32": "[u8; 32]",
    "FixedI128": "i128",
    "FixedI64": "i64",
    "FixedU128": "u128",
}

Methods: TypeAlias = dict[str, dict[str, Any]]


class Published(NamedTuple):
    """Types by name, a record as its fields and an enum as its variants; and methods by API."""

    types: dict[str, Any]
    apis: dict[str, Methods]

    @classmethod
    def read(cls) -> Published:
        """What runtime 381 says of itself, and what later ones added."""
        told = json.loads(_FILE.read_text())
        later = told["later"]
        first: dict[str, Methods] = told["apis"]
        apis = {name: first.get(name, {}) | later["apis"].get(name, {}) for name in {**first, **later["apis"]}}
        types: dict[str, Any] = told["types"] | later["types"]
        for name in ("SubnetHyperparams", "SubnetHyperparamsV2", "Metagraph", "SelectiveMetagraph"):
            types[name] = [[field, _since(field, hint)] for field, hint in types[name]]
        return cls(types, apis)


def _since(field: str, hint: str) -> str:
    return hint.replace("u16", "u64") if field == "activity_cutoff" else hint


def told(declared: ScaleType, types: dict[str, Any]) -> str:
    """One of our types as the chain names it; its records and enums are collected in `types`."""
    match declared:
        case Vec(Tuple((key, value)), ("BTreeMap",)):
            return f"BTreeMap<{told(key, types)}, {told(value, types)}>"
        case Vec(item):
            return f"Vec<{told(item, types)}>"
        case Array(item, size):
            return f"[{told(item, types)}; {size}]"
        case Option(item):
            return f"Option<{told(item, types)}>"
        case Compact(inner):
            return f"Compact<{told(inner, types)}>"
        case Tuple(items):
            return f"({', '.join(told(item, types) for item in items)})"
        case Struct(path, fields):
            types[path[-1]] = [[field.name, told(field.type, types)] for field in fields]
        case Enum(path, variants):
            types[path[-1]] = {variant.name: told(_only(variant.fields), types) for variant in variants}
        case Bits(_, path):
            return path[-1]
    return str(declared)


def _only(fields: tuple[Field, ...]) -> ScaleType:
    (field,) = fields
    return field.type


class Decoder:
    """py-substrate-interface's codec, taught the published types."""

    def __init__(self) -> None:
        self._codec = RuntimeConfigurationObject()
        self._codec.update_type_registry(load_type_registry_preset("core"))
        self._codec.update_type_registry({"types": _PLAIN})
        for name, known in Published.read().types.items():
            is_enum = isinstance(known, dict)
            mapping = [[part, self._simple(hint)] for part, hint in (known.items() if is_enum else known)]
            self._learn(name, {"type": "enum" if is_enum else "struct", "type_mapping": mapping})

    def decode(self, hint: str, data: bytes) -> Any:
        """A value of a published type; bytes are left over if the type is not what was encoded."""
        source = ScaleBytes(bytearray(data))
        value = self._codec.create_scale_object(self._simple(hint), source).decode()
        assert source.offset == len(data), f"{len(data) - source.offset} bytes are left over after {hint}"
        return value

    def _simple(self, hint: str) -> str:
        """The type with its maps as lists, and with tuples, which that codec cannot nest, as records."""
        while "BTreeMap" in hint:
            hint = re.sub(r"BTreeMap<(\w+), ((?:[^<>]|<[^<>]*>)+)>", r"Vec<(\1, \2)>", hint)
        while innermost := re.search(r"\(([^()]+)\)", hint):
            name = "Tuple" + re.sub(r"\W+", "_", innermost[1])
            parts = innermost[1].split(", ")
            self._learn(name, {"type": "struct", "type_mapping": [[str(at), part] for at, part in enumerate(parts)]})
            hint = hint.replace(innermost[0], name)
        return hint

    def _learn(self, name: str, declared: dict[str, Any]) -> None:
        self._codec.update_type_registry({"types": {name: declared}})
