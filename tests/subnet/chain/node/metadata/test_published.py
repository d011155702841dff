# SPDX-License-Identifier: Apache-2.0
"""What the chain declares under a published name has the published type, but for differences that are stated here.

Types are compared as text: a tool that was written for the public chain must find what it expects to decode.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from subnet.chain.node.composition import PALLETS
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.metadata.paths import path_of
from subnet.chain.node.scale.composites import Array, Enum, Field, Later, Option, Struct, Tuple, Vec
from subnet.chain.node.scale.primitives import Bits, Bool, Bytes, Compact, FixedBytes, Int, ScaleType, Text, UInt

_PUBLISHED: Final = json.loads((Path(__file__).parents[4] / "data" / "metadata_381_types.json").read_text())["pallets"]

_SHORTER: Final = {
    "ExtraFlags": "u128",
    "Slot": "u64",
    "Percent": "u8",
    "Public": "AccountId32",
    "Cow": "str",
    "WeakBoundedVec": "Vec",
    "BoundedVec<u8>": "Vec<u8>",
}
"""Names of ours for types that are encoded alike."""

_SAID_OTHERWISE: Final = {
    **dict.fromkeys(("Aura.Authorities", "Balances.Reserves", "Balances.Holds", "Balances.Freezes"), "a plain list"),
    **dict.fromkeys(("Proxy.Proxies", "Proxy.Announcements", "AdminUtils.swap_authorities"), "a plain list"),
    **dict.fromkeys(("System.BlockWeights", "System.BlockLength", "System.Version"), "published without its insides"),
    **dict.fromkeys(("MevShield.announce_next_key", "MevShield.submit_encrypted"), "a later runtime's call"),
    "Swap.MinimumReserve": "a number that is never nought",
}
"""What is declared otherwise, and how."""


def text(declared: ScaleType) -> str:
    """A type as the published list has it."""
    match declared:
        case Later(name):
            return name
        case UInt() | Int() | Bool() | Text():
            return str(declared)
        case Bytes():
            return "Vec<u8>"
        case FixedBytes(size, path):
            return path[-1] if path else f"[u8;{size}]"
        case Compact(inner):
            return f"Compact<{text(inner)}>"
        case Array(item, size):
            return f"[{text(item)};{size}]"
        case Tuple(items):
            return f"({','.join(text(item) for item in items)})"
        case Option(item):
            return f"Option<{text(item)}>"
        case Vec(Tuple((first, second)), ("BTreeMap",)):
            return f"BTreeMap<{text(first)},{text(second)}>"
        case Vec(item, path):
            return f"{path[-1] if path else 'Vec'}<{text(item)}>"
        case Struct(path, fields):
            return f"{path_of(path)[-1]}{{{', '.join(argument(field) for field in fields)}}}"
        case Bits(_, path) | Enum(path):
            return path_of(path)[-1]
    raise AssertionError(f"{declared!r} has no text")


def argument(field: Field) -> str:
    return f"{field.name}: {text(field.type)}"


def shortened(published: Any) -> Any:
    """A published entry with names as ours are."""
    said = json.dumps(published)
    for theirs, ours in _SHORTER.items():
        said = said.replace(theirs, ours)
    return json.loads(said)


def ours(pallet: type[Pallet]) -> Iterator[tuple[str, str, Any]]:
    """All that a pallet declares, by kind and name."""
    for item in pallet.storage():
        keys = [f"{key.hasher} {text(key.type)}" for key in item.keys]
        yield "storage", item.name, ["Optional" if item.optional else "Default", keys, text(item.type)]
    for call in pallet.calls():
        yield "calls", call.name, [call.index, [argument(field) for field in call.fields]]
    for constant in pallet.constants():
        yield "constants", constant.name, text(constant.type)


@pytest.mark.parametrize("pallet", [one for one in PALLETS if one.name in _PUBLISHED], ids=lambda pallet: pallet.name)
def test_what_has_a_published_name_has_the_published_type(pallet: type[Pallet]) -> None:
    published = _PUBLISHED[pallet.name]
    known = [(kind, name, mine) for kind, name, mine in ours(pallet) if name in published[kind]]
    different = {
        f"{pallet.name}.{name}": (mine, theirs)
        for kind, name, mine in known
        if mine != (theirs := shortened(published[kind][name]))
    }
    assert known
    assert {name: pair for name, pair in different.items() if name not in _SAID_OTHERWISE} == {}
    stated = {name for name in _SAID_OTHERWISE if name.startswith(f"{pallet.name}.")}
    assert stated == set(different), "what is stated as a difference is none any more"
