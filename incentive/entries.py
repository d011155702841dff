# SPDX-License-Identifier: Apache-2.0
"""What a score book keeps of each miner, as plain values that outlive the process.

A validator that restarts must not forget, and what it reads back may be old, cut short or forged. So a stored book says
its format and its rule, and every value in it is checked as if a stranger had sent it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from operator import index
from typing import Any, Final, Self, SupportsIndex

from protocols.errors import NotFinite, OutOfRange, UnreadableCase, WrongShape

__all__ = ["Entry", "FORMAT", "Stored", "number", "whole"]

FORMAT: Final = 1
"""Raised when a stored book would be read differently."""

_LARGEST: Final = 2**63 - 1
_ADVICE: Final = "start from an empty book, or read this one with the release that wrote it"


@dataclass(frozen=True, slots=True)
class Entry:
    """One miner's line: the numbers its score is the mean of, on how many rewards they rest, and of when."""

    marks: tuple[float, ...]
    count: int
    last: int
    registered_at: int | None = None

    @classmethod
    def newcomer(cls, width: int, at: int) -> Self:
        """The line of a miner that nothing is known of."""
        return cls((0.0,) * width, 0, at)


@dataclass(frozen=True, slots=True)
class Stored:
    """A book between memory and a file: its rule, what it was made with, and its lines."""

    rule: str
    settings: Mapping[str, Any]
    latest: int
    entries: Mapping[str, Entry]

    def to_dict(self) -> dict[str, Any]:
        """The book as plain values, with the format they are written in."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, content: object, rule: str, settings: tuple[str, ...]) -> Self:
        """What `to_dict` wrote for a book of this rule with settings of these names, or the reason why it is not."""
        book = _fields("the book", content, ("format", "rule", "settings", "latest", "entries"))
        if isinstance(book["format"], bool) or book["format"] != FORMAT:
            raise UnreadableCase(f"format is {book['format']!r}, expected {FORMAT}", help=_ADVICE)
        if book["rule"] != rule:
            raise UnreadableCase(f"rule is {book['rule']!r}, expected {rule!r}", help=_ADVICE)
        given = _fields("settings", book["settings"], settings)
        lines = _mapping("entries", book["entries"])
        if "" in lines:
            raise WrongShape("entries: a hotkey is empty")
        latest = whole("latest", book["latest"])
        made_with = {name: None if value is None else number(name, value) for name, value in given.items()}
        entries = {hotkey: _entry(f"entries[{hotkey!r}]", line, latest) for hotkey, line in lines.items()}
        return cls(rule, made_with, latest, entries)


def number(name: str, value: object) -> float:
    """The value, if it is a finite number and no truth value; an int stays one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongShape(f"{name} is {value!r:.60}, expected a number")
    # Compared first: a huge whole number cannot even be asked whether it is finite.
    if not -_LARGEST <= value <= _LARGEST:
        raise (NotFinite if isinstance(value, float) and not math.isfinite(value) else OutOfRange)(
            f"{name} is {value!r:.60}, expected a finite number"
        )
    return value


def whole(name: str, value: object) -> int:
    """The value as an int, if it is a whole number from 0 to 2**63 - 1."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise WrongShape(f"{name} is {value!r:.60}, expected a whole number")
    if not 0 <= index(value) <= _LARGEST:
        raise OutOfRange(f"{name} is {value!r:.60}, expected 0 to {_LARGEST}")
    return index(value)


def _entry(name: str, line: object, latest: int) -> Entry:
    values = _fields(name, line, ("marks", "count", "last", "registered_at"))
    marks = values["marks"]
    if not isinstance(marks, list | tuple):
        raise WrongShape(f"{name}.marks is {marks!r:.60}, expected a list of numbers")
    numbers = tuple(float(number(f"{name}.marks[{place}]", mark)) for place, mark in enumerate(marks))
    if any(not 0.0 <= mark <= 1.0 for mark in numbers):
        raise OutOfRange(f"{name}.marks is {numbers!r:.60}, expected 0 to 1")
    last, block = whole(f"{name}.last", values["last"]), values["registered_at"]
    if last > latest:
        raise OutOfRange(f"{name}.last is {last}, after the book's latest {latest}")
    registered_at = None if block is None else whole(f"{name}.registered_at", block)
    return Entry(numbers, whole(f"{name}.count", values["count"]), last, registered_at)


def _fields(name: str, content: object, names: tuple[str, ...]) -> Mapping[str, Any]:
    mapping = _mapping(name, content)
    if set(mapping) != set(names):
        raise UnreadableCase(f"{name} has {sorted(mapping)!r:.200}, expected {sorted(names)}", help=_ADVICE)
    return mapping


def _mapping(name: str, content: object) -> Mapping[str, Any]:
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise UnreadableCase(f"{name} is {content!r:.60}, expected named values", help=_ADVICE)
    return content
