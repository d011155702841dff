# SPDX-License-Identifier: Apache-2.0
"""Who takes part in a local network, read from a line like `good:3,weak:1,copier:2,silent:1,constant:1`.

A network of honest miners shows nothing: what a design is worth shows where some copy, some repeat themselves and some
do not answer. Every part has a name, a skill and a key that follow from the line alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from protocols.errors import UsageError
from protocols.keys import Keypair

__all__ = ["MINERS", "Part", "VALIDATORS", "parse"]

MINERS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "good": (0.95, 0.75),
        "weak": (0.5, 0.3),
        "copier": (0.0, 0.0),
        "sybil": (0.9, 0.9),
        "constant": (0.0, 0.0),
        "silent": (0.0, 0.0),
    }
)
"""The characters of miners, with the skill of the first and the last of several; copiers have none of their own."""

VALIDATORS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType({"honest": (1.0, 1.0)})
"""The characters of validators."""

_MOST: Final = 255


@dataclass(frozen=True, slots=True)
class Part:
    """One miner or validator of the cast."""

    kind: str
    """`miner` or `validator`."""
    role: str
    number: int
    """Its place among those of its role, from 1."""
    skill: float

    @property
    def name(self) -> str:
        """What it is called: `good-1`."""
        return f"{self.role}-{self.number}"

    @property
    def hotkey(self) -> Keypair:
        """Its key, which everybody knows."""
        return Keypair.from_uri(f"//{self.kind}//{self.name}")

    @property
    def coldkey(self) -> Keypair:
        """The key that owns it."""
        return Keypair.from_uri(f"//{self.kind}//{self.name}//cold")


def parse(kind: str, line: str) -> tuple[Part, ...]:
    """The parts that a line asks for, in its order; a name without a number stands for one."""
    known = MINERS if kind == "miner" else VALIDATORS
    parts: list[Part] = []
    seen: set[str] = set()
    for word in filter(None, (word.strip() for word in line.split(","))):
        role, _, count = word.partition(":")
        if role not in known:
            near = difflib.get_close_matches(role, known, n=1)
            raise UsageError(
                f"there is no {kind} {role!r}, expected one of {', '.join(known)}",
                help=f"did you mean: {near[0]}" if near else None,
            )
        if role in seen:
            raise UsageError(f"{role!r} is named twice in {line!r}", help=f"name it once: {role}:2")
        seen.add(role)
        parts += _several(kind, role, _number(word, count or "1"), known[role])
    if not parts or len(parts) > _MOST:
        raise UsageError(f"{line!r} makes {len(parts)} {kind}s, expected 1 to {_MOST}", help=f"{next(iter(known))}:3")
    return tuple(parts)


def _several(kind: str, role: str, count: int, skills: tuple[float, float]) -> list[Part]:
    first, last = skills
    step = (last - first) / max(count - 1, 1)
    return [Part(kind, role, at + 1, round(first + at * step, 4)) for at in range(count)]


def _number(word: str, count: str) -> int:
    if not count.isascii() or not count.isdigit() or not 0 < int(count) <= _MOST:
        raise UsageError(f"{word!r} does not say how many, expected name:number", help="good:3,weak:1")
    return int(count)
