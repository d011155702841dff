# SPDX-License-Identifier: Apache-2.0
"""Rows of weights and bonds as arrays: what consensus and readers work on, made without a list for each entry."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from incentive.consensus import Lists
from subnet.chain.memory.state import Row

__all__ = ["lists"]


def lists(rows: Sequence[Row]) -> Lists:
    """The rows end to end."""
    starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    numbers = chain.from_iterable(chain.from_iterable(rows))
    flat = np.fromiter(numbers, dtype=np.int64, count=2 * int(starts[-1])).reshape(-1, 2)  # (E, 2)
    return Lists(starts, flat[:, 0], flat[:, 1])
