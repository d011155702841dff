# SPDX-License-Identifier: Apache-2.0
"""Sparse rows say the same as the matrix that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LedgerError
from protocols.sparse import SparseRows
from protocols.types import Uid

N = 6
U16 = st.integers(0, 65_535)
ROWS = st.dictionaries(
    st.integers(0, N - 1), st.dictionaries(st.integers(0, N - 1), U16).map(lambda row: list(row.items()))
)


@given(ROWS)
def test_rows_and_matrix_agree(rows: dict[int, list[tuple[int, int]]]) -> None:
    sparse = SparseRows.from_rows(N, rows)
    matrix = np.zeros((N, N), np.uint16)
    for uid, row in rows.items():
        for target, value in row:
            matrix[uid, target] = value
    assert (sparse.dense() == matrix).all()
    for uid in range(N):
        targets, values = sparse.row(Uid(uid))
        assert list(zip(targets.tolist(), values.tolist(), strict=True)) == rows.get(uid, [])


def test_a_subnet_without_neurons_has_an_empty_matrix() -> None:
    assert SparseRows.from_rows(0, {}).dense().shape == (0, 0)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({2: [(0, 1)]}, "row for uid 2, expected below 2"),
        ({0: [(2, 1)]}, "names uid 2, expected below 2"),
        ({0: [(1, 65_536)]}, "65536, expected 0 to 65535"),
        ({0: [(1, -1)]}, "-1 and 1, expected 0 to 65535"),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows: dict[int, list[tuple[int, int]]], message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        SparseRows.from_rows(2, rows)


@pytest.mark.parametrize("starts", [[], [0, 2], [1, 1, 1], [0, 2, 1], [0, 1, 2]])
def test_starts_that_do_not_divide_the_entries_are_refused(starts: list[int]) -> None:
    with pytest.raises(LedgerError, match="row starts do not divide 1 entries"):
        SparseRows(np.array(starts, np.int64), np.zeros(1, np.uint16), np.zeros(1, np.uint16))


def test_a_row_that_is_not_there_is_refused_and_one_that_is_cannot_be_changed() -> None:
    sparse = SparseRows.from_rows(2, {0: [(1, 7)]})
    with pytest.raises(LedgerError, match="no row for uid -1"):
        sparse.row(Uid(-1))
    with pytest.raises(ValueError, match="read-only"):
        sparse.row(Uid(0))[1][0] = 8
