# SPDX-License-Identifier: Apache-2.0
"""How far two sequences agree in order: their edit distance and their longest common subsequence.

The tables of dynamic programming hold a cell for each pair of elements. Here whole blocks of a column are the bits of
one integer and advance with a few operations (Myers, J. ACM 46, 1999; Hyyrö, 2003), so that a stranger's long answer
costs little, and blocks keep the memory for a text of many different characters from growing with its square.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

__all__ = ["common_length", "levenshtein", "optimal_alignment"]

_BLOCK: Final = 4096


def common_length(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """The length of the longest sequence that is left of both when elements are struck out.

    >>> common_length("the cat sat", "a cat at")
    7
    """
    short, long, shared = _trimmed(a, b)
    carries = bytearray(len(long))
    for start in range(0, len(short), _BLOCK):
        block = short[start : start + _BLOCK]
        places, width = _places(block), len(block)
        full = (1 << width) - 1
        unmatched = full
        for j, element in enumerate(long):
            found = unmatched & places.get(element, 0)
            total = unmatched + found + carries[j]
            carries[j] = total >> width
            unmatched = (total & full) | (unmatched - found)
        shared += width - unmatched.bit_count()
    return shared


def levenshtein(a: Sequence[Hashable], b: Sequence[Hashable], limit: int | None = None) -> int:
    """How many insertions, deletions and substitutions make one sequence of the other.

    Only distances up to the limit are worked out: a longer one comes out as `limit + 1`.

    >>> levenshtein("kitten", "sitting")
    3
    """
    return _distance(a, b, limit, swaps=0)


def optimal_alignment(a: Sequence[Hashable], b: Sequence[Hashable], limit: int | None = None) -> int:
    """Like `levenshtein`, and two neighbours may change places as one edit, if no part is edited twice.

    >>> optimal_alignment("from", "form")
    1
    """
    return _distance(a, b, limit, swaps=1)


def _distance(a: Sequence[Hashable], b: Sequence[Hashable], limit: int | None, swaps: int) -> int:
    short, long, _ = _trimmed(a, b)
    m, n = len(short), len(long)
    reach = n if limit is None else limit
    if n - m > reach:
        return reach + 1
    # Differences along the last row done, per column: up by one, down by one, and where a swap may go on below it.
    row = (bytearray(b"\x01" * n), bytearray(n), bytearray(n))
    corner = left = 0
    for start in range(0, m, _BLOCK):
        block = short[start : start + _BLOCK]
        # Cells further than the reach from the diagonal can only lie on longer ways; a swap looks two cells back.
        first, last = max(0, start - reach - 2), min(n, start + len(block) + reach + 2)
        corner += sum(row[0][left:first]) - sum(row[1][left:first]) + len(block)
        left = first
        _advance(block, long, range(first, last), row, swaps)
    distance = corner + sum(row[0][left:]) - sum(row[1][left:])
    return distance if limit is None else min(distance, limit + 1)


def _advance(
    block: Sequence[Hashable],
    long: Sequence[Hashable],
    columns: range,
    row: tuple[bytearray, bytearray, bytearray],
    swaps: int,
) -> None:
    """Moves the row from above the block to below it; the names are Hyyrö's."""
    places, width = _places(block), len(block)
    rise, fall, swap = row
    full, top = (1 << width) - 1, width - 1
    swappable = full * swaps
    vp, vn, d0, pm_before = full, 0, 0, 0
    for j in columns:
        pm = places.get(long[j], 0)
        turned = ~d0 & pm
        tr = ((turned << 1) | swap[j]) & pm_before
        swap[j] = turned >> top
        x = pm | fall[j]
        d0 = ((((x & vp) + vp) ^ vp) | x | vn | tr) & full
        hp = (vn | ~(d0 | vp)) & full
        hn = d0 & vp
        hp, hn = (hp << 1) | rise[j], (hn << 1) | fall[j]
        rise[j], fall[j] = hp >> width, hn >> width
        vp = (hn | ~(d0 | hp)) & full
        vn = hp & d0
        pm_before = pm & swappable


def _places(block: Sequence[Hashable]) -> dict[Hashable, int]:
    """For each element the bits of the places where the block has it."""
    places: dict[Hashable, int] = {}
    for i, element in enumerate(block):
        places[element] = places.get(element, 0) | (1 << i)
    return places


def _trimmed(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[Sequence[Hashable], Sequence[Hashable], int]:
    """The shorter and the longer, without the start and the end that they share, and the length of those."""
    short, long = (a, b) if len(a) <= len(b) else (b, a)
    head = next((i for i, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    short, long = short[head:], long[head:]
    tail = next(
        (i for i, (x, y) in enumerate(zip(reversed(short), reversed(long), strict=False)) if x != y), len(short)
    )
    return short[: len(short) - tail], long[: len(long) - tail], head + tail
