# SPDX-License-Identifier: Apache-2.0
"""Columns of numbers and of repeated values as few bytes, so that ten thousand rounds fit a small disk.

Most of a round repeats itself: the same question for all, neighbouring times, equal codes. What is alike is put side by
side, where even the fastest compression finds it; nothing is rounded.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

__all__ = ["Column", "floats", "numbers", "packed_floats", "packed_numbers", "squeezed", "unsqueezed"]

_T = TypeVar("_T")
_LEVEL: Final = 1
_WORD: Final = 8


class Column(msgspec.Struct, frozen=True, array_like=True):
    """Values of a column, each different one once."""

    values: list[Any]
    rows: bytes
    """Which value each row has; empty where each row has the value of its own number."""

    @staticmethod
    def of(rows: Sequence[Any]) -> Column:
        """The column with these rows, which can be hashed."""
        places: dict[Any, int] = {}
        at = [places.setdefault(row, len(places)) for row in rows]
        return Column(list(places), packed_numbers(at) if len(places) < len(rows) else b"")

    def unpacked(self) -> list[Any]:
        """The rows as they were."""
        return [self.values[at] for at in numbers(self.rows)] if self.rows else self.values


def packed_floats(values: Iterable[float]) -> bytes:
    """Each number exactly, the bytes of equal weight together."""
    return _sorted_bytes(np.fromiter(values, dtype="<f8"))


def floats(data: bytes) -> list[float]:
    """The inverse of `packed_floats`."""
    numbers: list[float] = _whole(data, "<f8").tolist()
    return numbers


def packed_numbers(values: Iterable[int]) -> bytes:
    """Whole numbers of 64 bits as differences, the bytes of equal weight together."""
    column = np.fromiter(values, dtype="<i8")
    column[1:] -= column[:-1].copy()
    return _sorted_bytes(column)


def numbers(data: bytes) -> list[int]:
    """The inverse of `packed_numbers`."""
    values: list[int] = np.cumsum(_whole(data, "<i8")).tolist()
    return values


def squeezed(value: object) -> bytes:
    """A value of the types that MessagePack knows, compressed."""
    return zlib.compress(msgspec.msgpack.encode(value), _LEVEL)


def unsqueezed(data: bytes, kind: type[_T]) -> _T:
    """The inverse of `squeezed`."""
    return msgspec.msgpack.decode(zlib.decompress(data), type=kind)


def _sorted_bytes(values: np.ndarray[Any, Any]) -> bytes:
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, _WORD).T.tobytes()


def _whole(data: bytes, kind: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(data, np.uint8).reshape(_WORD, -1).T.copy().view(kind).reshape(-1)
