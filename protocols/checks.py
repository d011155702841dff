# SPDX-License-Identifier: Apache-2.0
"""The single checks that `fields` puts together: how long a text is, whether a number is finite, and where they sit.

A check takes a value and returns what is wrong with it, or None. It says so rather than raising, so that each level can
add where it is, which costs nothing as long as all is well.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from protocols.errors import BodyTooLarge, InvalidMessage, MessageError

_UTF8_BYTES_PER_CHARACTER: Final = 4


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a value, and where."""

    error: type[MessageError]
    what: str
    path: str = ""

    def inside(self, step: str) -> Problem:
        """The same problem, seen from one level further out."""
        return Problem(self.error, self.what, step + self.path)

    def __str__(self) -> str:
        return f"field {self.path.lstrip('.') or 'at the top'} {self.what}"


Check = Callable[[Any], Problem | None]


def by_key(value: dict[str, Any], name: str) -> Any:
    """A value of a dict in which every key is optional."""
    return value.get(name)


def text_check(limit: int) -> Check:
    """Text that takes at most so many bytes in UTF-8."""
    surely_short = limit // _UTF8_BYTES_PER_CHARACTER

    def check(value: str) -> Problem | None:
        if len(value) <= surely_short:
            return None
        size = len(value) if value.isascii() else len(value.encode())
        return _too_large(size, limit) if size > limit else None

    return check


def binary_check(limit: int) -> Check:
    """At most so many bytes."""

    def check(value: bytes | bytearray | memoryview) -> Problem | None:
        return _too_large(len(value), limit) if len(value) > limit else None

    return check


def finite(value: float) -> Problem | None:
    """A number that is neither NaN nor infinite."""
    return None if math.isfinite(value) else Problem(InvalidMessage, f"is {value}, expected a finite number")


def finite_decimal(value: Decimal) -> Problem | None:
    """A decimal that is neither NaN nor infinite."""
    return None if value.is_finite() else Problem(InvalidMessage, f"is {value}, expected a finite number")


def optional(check: Check) -> Check:
    """The check of a field that may be left out."""
    return lambda value: None if value is None or value is msgspec.UNSET else check(value)


def each_field(fields: tuple[tuple[Any, str, Check], ...], pick: Callable[[Any, Any], Any]) -> Check:
    """The checks of an object, each for one of its fields."""

    def check(value: Any) -> Problem | None:
        for name, step, field in fields:
            problem = field(pick(value, name))
            if problem is not None:
                return problem.inside(step)
        return None

    return check


def each_item(item: Check | None) -> Check | None:
    """A check of every item of a list, set or tuple."""
    if item is None:
        return None

    def check(values: Any) -> Problem | None:
        # A sum is finite only if every number is, and costs a fraction of asking each.
        if item is finite and math.isfinite(sum(values)):
            return None
        for at, value in enumerate(values):
            problem = item(value)
            if problem is not None:
                return problem.inside(f"[{at}]")
        return None

    return check


def each_position(items: list[Check | None]) -> Check | None:
    """The checks of a tuple, each for one position."""
    checks = [(at, item) for at, item in enumerate(items) if item is not None]
    return each_field(tuple((at, f"[{at}]", check) for at, check in checks), operator.getitem) if checks else None


def each_pair(key: Check | None, value: Check | None) -> Check | None:
    """A check of every key and one of every value of a dict."""
    if key is None and value is None:
        return None

    def check(mapping: dict[Any, Any]) -> Problem | None:
        for name, item in mapping.items():
            if key is not None and (problem := key(name)) is not None:
                return problem.inside("{key}")
            if value is not None and (problem := value(item)) is not None:
                return problem.inside(f"[{str(name)[:32]!a}]")
        return None

    return check


def anything_check(text: Check, binary: Check) -> Check:
    """For `Any`: nothing is declared, so that what arrived decides."""

    def check(value: Any) -> Problem | None:
        known = table.get(type(value))
        return None if known is None else known(value)

    table: dict[type, Check | None] = {
        str: text,
        bytes: binary,
        float: finite,
        msgspec.msgpack.Ext: lambda value: binary(value.data),
        list: each_item(check),
        tuple: each_item(check),
        dict: each_pair(check, check),
    }
    return check


def _too_large(size: int, limit: int) -> Problem:
    return Problem(BodyTooLarge, f"has {size} bytes, limit {limit}")


__all__ = [
    "Check",
    "Problem",
    "anything_check",
    "binary_check",
    "by_key",
    "each_field",
    "each_item",
    "each_pair",
    "each_position",
    "finite",
    "finite_decimal",
    "optional",
    "text_check",
]
