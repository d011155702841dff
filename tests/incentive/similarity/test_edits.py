# SPDX-License-Identifier: Apache-2.0
"""Alignment against its tables of dynamic programming, difflib and known distances; similarity by edits."""

from __future__ import annotations

import difflib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.similarity import Damerau, Levenshtein
from incentive.similarity import alignment as bits
from incentive.similarity.alignment import common_length, levenshtein, optimal_alignment
from protocols.errors import OutOfRange


def table_distance(a: str, b: str, swaps: int) -> int:
    """The textbook recurrence, cell by cell."""
    d = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
            if swaps and i > 1 and j > 1 and a[i - 2 : i] == b[j - 1] + b[j - 2]:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
    return int(d[-1, -1])


def table_common(a: str, b: str) -> int:
    """The textbook recurrence, cell by cell."""
    c = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            c[i + 1, j + 1] = c[i, j] + 1 if x == y else max(c[i, j + 1], c[i + 1, j])
    return int(c[-1, -1])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts of few letters, half of the time the second an edited copy of the first."""
    text = st.text(st.sampled_from("abc"), max_size=20)
    a = draw(text)
    if draw(st.booleans()):
        return a, draw(text)
    b = list(a)
    for at in draw(st.lists(st.integers(0, 20), max_size=5)):
        b[at : at + 2] = draw(st.sampled_from([b[at : at + 2][::-1], ["c"], [*b[at : at + 2], "a"]]))
    return a, "".join(b)


@settings(deadline=None, max_examples=150)
@given(pairs(), st.integers(0, 12))
def test_bits_give_what_the_table_gives(pair: tuple[str, str], limit: int) -> None:
    a, b = pair
    edits, swapped = table_distance(a, b, 0), table_distance(a, b, 1)
    assert levenshtein(a, b) == edits
    assert optimal_alignment(a, b) == swapped
    assert levenshtein(a, b, limit) == min(edits, limit + 1)
    assert optimal_alignment(a, b, limit) == min(swapped, limit + 1)
    assert common_length(a, b) == table_common(a, b)


def test_blocks_and_bands_join_without_a_seam() -> None:
    # Longer than two blocks; the rows of the table are worked out with numpy, a row at a time.
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 9000).tolist()
    b = a.copy()
    for at in rng.integers(0, 9000, 300).tolist():
        b[at : at + 2] = [b[at : at + 2][::-1], [9], [*b[at : at + 2], 9]][at % 3]
    expected = row_distance(a, b)
    assert levenshtein(a, b) == expected
    assert levenshtein(a, b, expected) == expected
    assert levenshtein(a, b, expected - 1) == expected
    assert optimal_alignment(a, b, 400) == optimal_alignment(a, b) <= expected
    insertions_only = len(a) + len(b) - 2 * common_length(a, b)
    assert expected <= insertions_only <= 2 * expected


def row_distance(a: list[int], b: list[int]) -> int:
    """Levenshtein's distance by rows: the cost of insertions is a running minimum of what is left of the column."""
    column = np.arange(len(b) + 1)
    row, other = column.copy(), np.array(b)
    for i, x in enumerate(a, start=1):
        down = np.concatenate([[i], np.minimum(row[1:] + 1, row[:-1] + (other != x))])
        row = np.minimum.accumulate(down - column) + column
    return int(row[-1])


@settings(deadline=None)
@given(pairs())
def test_the_common_length_is_never_less_than_difflib_finds(pair: tuple[str, str]) -> None:
    matcher = difflib.SequenceMatcher(None, *pair, autojunk=False)
    assert common_length(*pair) >= sum(block.size for block in matcher.get_matching_blocks())


@pytest.mark.parametrize(
    ("a", "b", "edits", "swapped"),
    [
        ("kitten", "sitting", 3, 3),
        ("Saturday", "Sunday", 3, 3),
        ("", "abc", 3, 3),
        ("from", "form", 2, 1),
        ("CA", "ABC", 3, 3),  # 2 if a swapped pair could be edited again
        ("🎉é\ud800\0", "🎉e\ud800\0", 1, 1),
    ],
)
def test_known_distances(a: str, b: str, edits: int, swapped: int) -> None:
    longer = max(len(a), len(b))
    assert Levenshtein().distance(a, b) == edits
    assert Damerau().distance(a, b) == swapped
    assert Levenshtein().sim(a, b) == pytest.approx(1 - edits / longer)
    assert Damerau().sim(a, b) == pytest.approx(1 - swapped / longer)


def test_two_empty_texts_are_the_same_text() -> None:
    assert Levenshtein().sim("", "") == 1.0


def test_beyond_the_limit_texts_are_not_alike() -> None:
    assert Levenshtein(limit=2).sim("kitten", "sitting") == 0.0
    assert Levenshtein(limit=3).sim("kitten", "sitting") == pytest.approx(4 / 7)
    assert Levenshtein(limit=0).sim("same", "same") == 1.0
    with pytest.raises(OutOfRange, match="limit is -1"):
        Levenshtein(limit=-1)


def test_a_text_of_all_different_characters_takes_little_memory_and_time() -> None:
    a = "".join(chr(0x10000 + i) for i in range(100_000))
    assert Levenshtein(limit=50).distance(a, a[::-1]) == 51
    assert Levenshtein(limit=50).distance("x" + a[:50_000] + "y" + a[50_000:], a) == 2
    assert len(bits._places(a[:4096])) == 4096
