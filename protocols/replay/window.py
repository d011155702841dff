# SPDX-License-Identifier: Apache-2.0
"""What a server must remember so that a captured request is worth nothing: the contract, and why it holds.

A signed request stays fresh for some seconds, and within them whoever saw it could send it again. Nonces are unique,
not rising, so that one caller may have many requests under way; remembering the last nonce would refuse honest ones.
"""

from __future__ import annotations

import math
from typing import Protocol

from protocols.errors import Overloaded, StaleRequest

__all__ = ["CAPACITY", "RETENTION_S", "Replay", "SECOND_NS", "check_bounds", "end_of_second", "full", "stale"]

SECOND_NS = 1_000_000_000
# Fresh means at most 10 s old and 2 s ahead; what remains is how far a wall clock may be set back without harm.
RETENTION_S = 60.0
# 16,000 requests a second for as long as they are kept: more than one machine verifies.
CAPACITY = 1_000_000


class Replay(Protocol):
    """Says of each verified request whether it came before; one contract, in memory or in a file.

    A pair (hotkey, nonce) is accepted when it lies above the floor and is not in the set; it then enters the set. It
    leaves the set only when its whole second of nonces is dropped, and in the same step the floor rises to the end of
    that second. The floor never falls. So each pair that was ever accepted is in the set or at or below the floor, and
    none is accepted twice. That holds whatever `now_ns` says: time decides only when seconds are dropped.

    Time decides who is refused without need. The floor rises to seconds that hold an accepted pair, never to the clock
    itself: a clock that runs ahead and returns refuses nobody, unless a request that was fresh by the wrong clock was
    accepted and then kept for `retention_s` by it; then callers are refused until that second has passed.

    Call it only after the signature verified, or a stranger could use up an honest caller's nonces and fill the set;
    and only with a fresh nonce, or one far ahead would be kept until its time has come.
    """

    retention_s: float
    """How long an accepted pair is kept at least; less than the age and skew of a fresh request refuses honest ones."""
    warm_at_ns: int
    """Wall time from which a request can be told from one accepted before a restart; 0 is at once."""

    async def accept(self, hotkey: str, nonce_ns: int, now_ns: int) -> bool:
        """True the first time and False when seen; raises `StaleRequest` up to the floor, `Overloaded` when full."""
        ...

    def close(self) -> None:
        """Give back what the window holds open; may be called twice."""
        ...


def check_bounds(retention_s: float, capacity: int) -> int:
    """The whole seconds of nonces to keep; raises `ValueError` when a bound is none."""
    if not (math.isfinite(retention_s) and retention_s > 0):
        raise ValueError(f"retention is {retention_s} s, expected a positive number")
    if capacity < 1:
        raise ValueError(f"capacity is {capacity}, expected at least 1")
    return math.ceil(retention_s)


def end_of_second(nonce_ns: int) -> int:
    """The last nanosecond of the second that holds this nonce: where the floor stands once that second is dropped."""
    return nonce_ns - nonce_ns % SECOND_NS + SECOND_NS - 1


def stale(nonce_ns: int, floor_ns: int) -> StaleRequest:
    """The refusal of a nonce that can no longer be told from an accepted one."""
    return StaleRequest(f"nonce {nonce_ns} is not above {floor_ns}, up to which requests are no longer told apart")


def full(held: int, capacity: int) -> Overloaded:
    """The refusal of a request for which there is no room: to forget another would let that one be replayed."""
    return Overloaded(f"{held} of {capacity} recent requests are remembered, no room for one more", retry_after_s=1.0)
