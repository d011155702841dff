# SPDX-License-Identifier: Apache-2.0
"""Columns of numbers that came from a chain, or from a file, and are about to be computed with.

One NaN in a stake, or one raw 16-bit number taken for a fraction, becomes a wrong weight vector without any error. So a
column is checked once, where it enters, and cannot be changed afterwards.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from protocols.errors import LedgerError

__all__ = ["Flags", "Floats", "Ints", "U16s", "column", "fractions", "from_bytes", "to_bytes"]

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
U16s: TypeAlias = npt.NDArray[np.uint16]

_U16: Final = 65_535


def fractions(values: npt.ArrayLike) -> Floats:
    """The fractions in [0, 1] that the chain's 16-bit numbers stand for."""
    raw = np.asarray(values)
    if raw.size and (raw.dtype.kind not in "ui" or int(raw.min()) < 0 or int(raw.max()) > _U16):
        raise LedgerError(f"16-bit numbers are {raw.dtype} from {raw.min()} to {raw.max()}, expected 0 to {_U16}")
    return raw.astype(np.float64) / _U16


def column(name: str, given: npt.ArrayLike, dtype: npt.DTypeLike, n: int) -> npt.NDArray[Any]:
    """A read-only copy of a column of `n` rows: integers from 0 up, fractions from 0 to 1, or flags."""
    array, wanted = np.asarray(given), np.dtype(dtype)
    if array.ndim != 1 or len(array) != n:
        raise LedgerError(f"column {name} has shape {array.shape}, expected {n} rows")
    # A float is never silently cut to an integer, nor a raw 16-bit number taken for the fraction that it stands for.
    if n and array.dtype.kind != wanted.kind and (array.dtype.kind, wanted.kind) != ("u", "i"):
        raise LedgerError(f"column {name} holds {array.dtype}, expected {wanted}")
    result = array.astype(wanted)
    if wanted.kind != "b":
        _check_range(name, result, 1 if wanted.kind == "f" else None)
    result.setflags(write=False)
    return result


def to_bytes(values: npt.NDArray[Any]) -> bytes:
    """A column as little-endian bytes, whatever this machine's order."""
    return values.astype(values.dtype.newbyteorder("<")).tobytes()


def from_bytes(data: bytes, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The inverse of `to_bytes`; raises `ValueError` where the bytes are not a whole number of rows."""
    wanted = np.dtype(dtype)
    if wanted.kind == "b":  # a byte that is neither 0 nor 1 would make a flag that equals nothing
        flags: Flags = np.frombuffer(data, np.uint8) != 0
        return flags
    return np.frombuffer(data, wanted.newbyteorder("<"))


def _check_range(name: str, values: npt.NDArray[Any], highest: int | None) -> None:
    good = values >= 0  # false for NaN
    if highest is not None:
        good &= values <= highest
    if not good.all():
        row = int(np.argmin(good))
        bounds = "0 or more" if highest is None else f"0 to {highest}"
        raise LedgerError(f"column {name} is {values[row]} at row {row}, expected {bounds}")
