# SPDX-License-Identifier: Apache-2.0
"""The enums that hold all pallets: every call, every event and every error of a runtime.

Their numbers are reserved before any other type is described, since calls hold calls and storage holds events. What a
call does is told in one line, the first of its docstring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import getdoc
from typing import Any, Final

from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.metadata.paths import crate_of
from subnet.chain.node.metadata.portable import FieldEntry, TypeEntry, VariantEntry
from subnet.chain.node.metadata.registry import Registry
from subnet.chain.node.scale.composites import Variant

__all__ = ["Outer", "RUNTIME", "first_line", "outer_types"]

RUNTIME: Final = "node_subtensor_runtime"
"""The crate of the runtime, which begins the path of what belongs to no pallet."""

Ways = Callable[[Pallet, Registry], list[VariantEntry]]


@dataclass(frozen=True)
class Outer:
    """The numbers of the outer enums, and by pallet those of its own."""

    call: int
    event: int
    error: int
    calls: dict[str, int]
    events: dict[str, int]
    errors: dict[str, int]


def outer_types(pallets: Sequence[Pallet], registry: Registry) -> Outer:
    """Describe all calls, events and errors."""
    names = [f"Runtime{kind}" for kind in ("Call", "Event", "Error")]
    call, event, error = [registry.reserve(name) for name in names]
    calls, events, errors = [
        _settle(name, ways, pallets, registry, number)
        for name, ways, number in zip(names, (_calls, _events, _errors), (call, event, error), strict=True)
    ]
    return Outer(call, event, error, calls, events, errors)


def first_line(described: Any) -> tuple[str, ...]:
    """The first line of a docstring, as the metadata keeps documentation; nothing where there is none."""
    lines = (getdoc(described) or "").splitlines()
    return tuple(lines[:1])


def _settle(name: str, ways: Ways, pallets: Sequence[Pallet], registry: Registry, number: int) -> dict[str, int]:
    inner = name.removeprefix("Runtime")
    found = {pallet.name: listed for pallet in pallets if (listed := ways(pallet, registry))}
    numbers = {
        pallet: registry.add(_enum((crate_of(pallet), "pallet", inner), listed)) for pallet, listed in found.items()
    }
    variants = [
        VariantEntry(pallet.name, (FieldEntry(None, numbers[pallet.name], f"{pallet.name}{inner}"),), pallet.index)
        for pallet in pallets
        if pallet.name in numbers
    ]
    registry.settle(number, _enum((RUNTIME, name), variants))
    return numbers


def _calls(pallet: Pallet, registry: Registry) -> list[VariantEntry]:
    return [
        VariantEntry(call.name, registry.fields(call.fields), call.index, first_line(call.carry_out))
        for call in pallet.calls()
    ]


def _events(pallet: Pallet, registry: Registry) -> list[VariantEntry]:
    return [VariantEntry(event.name, registry.fields(event.fields), event.index) for event in pallet.events()]


def _errors(pallet: Pallet, registry: Registry) -> list[VariantEntry]:
    return [VariantEntry(error.name, (), error.index, (_in_words(error.name),)) for error in pallet.errors()]


def _in_words(name: str) -> str:
    """An error's name as a sentence, which is what tools show beside the name."""
    return f"{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', ' ', name).capitalize()}."


def _enum(path: tuple[str, ...], variants: list[VariantEntry]) -> TypeEntry:
    return TypeEntry(path, (), Variant("Variant", (tuple(variants),)))
