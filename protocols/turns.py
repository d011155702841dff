# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is where work waits: priority as a head start in time, so that rank counts and nobody starves.

Who waits is served in the order of arrival, except that a caller of priority p counts as having come `lead(p)` seconds
before it did. The order of two who wait never changes, so a queue needs no re-sorting, and after `MOST_LEAD_S` even
the least of them comes before every newcomer.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["MOST_LEAD_S", "lead"]

MOST_LEAD_S: Final = 30.0


def lead(priority: float) -> float:
    """Seconds of head start: none for 0, less or NaN, then one more for each doubling of the priority.

    >>> [lead(stake) for stake in (0, 1, 1023, float("inf"))]
    [0.0, 1.0, 10.0, 30.0]
    """
    return min(math.log2(1.0 + priority), MOST_LEAD_S) if priority > 0.0 else 0.0
