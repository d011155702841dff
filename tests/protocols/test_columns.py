# SPDX-License-Identifier: Apache-2.0
"""No column that could poison a computation comes in, and none that is in can be changed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.columns import column, fractions, from_bytes, to_bytes
from protocols.errors import LedgerError

DTYPES = (np.int64, np.float64, np.bool_)


@pytest.mark.parametrize(
    ("given_", "dtype", "message"),
    [
        ([1, 2], np.int64, r"shape \(2,\), expected 3 rows"),
        ([[1, 2, 3]], np.int64, r"shape \(1, 3\), expected 3 rows"),
        ([1, -2, 3], np.int64, "-2 at row 1, expected 0 or more"),
        (np.array([1, 2**63, 3], np.uint64), np.int64, "at row 1, expected 0 or more"),
        ([1.0, 2.0, 3.0], np.int64, "holds float64, expected int64"),
        ([0, 1, 1], np.float64, "holds int64, expected float64"),
        (np.array([0, 1, 1], np.uint16), np.float64, "holds uint16, expected float64"),
        ([0.0, np.nan, 0.5], np.float64, "nan at row 1, expected 0 to 1"),
        ([0.0, 0.5, np.inf], np.float64, "inf at row 2, expected 0 to 1"),
        ([0.0, 1.5, 0.5], np.float64, "1.5 at row 1, expected 0 to 1"),
        ([0, 1, 1], np.bool_, "holds int64, expected bool"),
        (["a", "b", "c"], np.int64, "expected int64"),
    ],
)
def test_a_column_that_is_not_what_it_should_be_is_refused(
    given_: npt.ArrayLike, dtype: npt.DTypeLike, message: str
) -> None:
    with pytest.raises(LedgerError, match=f"column stake.*{message}"):
        column("stake", given_, dtype, 3)


def test_a_column_is_a_copy_that_cannot_be_changed() -> None:
    source = np.array([1, 2, 3])
    kept = column("stake", source, np.int64, 3)
    source[0] = 9
    assert kept.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 9


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_empty_column_has_its_type(dtype: npt.DTypeLike) -> None:
    assert column("stake", [], dtype, 0).dtype == dtype


def test_fractions_span_zero_to_one_and_refuse_what_is_not_16_bits() -> None:
    assert fractions([0, 65_535]).tolist() == [0.0, 1.0]
    assert fractions(np.array([13_107], np.uint16)).tolist() == [0.2]
    assert fractions([]).tolist() == []
    for wrong in ([65_536], [-1], [0.5]):
        with pytest.raises(LedgerError, match="expected 0 to 65535"):
            fractions(wrong)


@given(st.integers(0, 65_535))
def test_a_fraction_gives_back_the_number_that_it_came_from(raw: int) -> None:
    assert round(fractions([raw])[0] * 65_535) == raw


@pytest.mark.parametrize("dtype", DTYPES)
def test_bytes_are_little_endian_on_every_machine(dtype: npt.DTypeLike) -> None:
    values = np.array([0, 1, 1], dtype)
    big_endian = values.astype(values.dtype.newbyteorder(">"))
    assert to_bytes(big_endian) == to_bytes(values)
    assert from_bytes(to_bytes(values), dtype).tolist() == values.tolist()


def test_a_stored_flag_is_true_or_false_and_nothing_else() -> None:
    assert (from_bytes(b"\x00\x01\x02", np.bool_) == np.array([False, True, True])).all()
