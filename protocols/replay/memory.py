# SPDX-License-Identifier: Apache-2.0
"""The replay window of one process: a set for each second of nonces.

Nothing survives the process, so whoever makes one must say what went before: that is what the two named constructors
are for. About 260 bytes an entry, a quarter of a gigabyte at the default capacity.
"""

from __future__ import annotations

from typing import Self

from protocols.replay.window import CAPACITY, RETENTION_S, SECOND_NS, check_bounds, end_of_second, full, stale

__all__ = ["MemoryReplay"]


class MemoryReplay:
    """Remembers accepted requests for one event loop; made with `after_restart` or `never_served_before`."""

    __slots__ = ("_buckets", "_capacity", "_kept_s", "_pruned_s", "floor_ns", "held", "retention_s", "warm_at_ns")

    def __init__(self, *, floor_ns: int, retention_s: float = RETENTION_S, capacity: int = CAPACITY) -> None:
        self._kept_s = check_bounds(retention_s, capacity)
        self._capacity = capacity
        self._buckets: dict[int, set[tuple[str, int]]] = {}
        self._pruned_s = 0
        self.retention_s = retention_s
        self.warm_at_ns = floor_ns
        self.floor_ns = floor_ns
        self.held = 0

    @classmethod
    def after_restart(
        cls, now_ns: int, skew_s: float = 2.0, *, retention_s: float = RETENTION_S, capacity: int = CAPACITY
    ) -> Self:
        """A window for a hotkey that may have been served before; refuses all that could have been accepted then.

        That is everything signed up to now, by clocks up to `skew_s` ahead. If the wall clock was set back between the
        two runs, requests from the time ahead are not covered; a `SqliteReplay` covers them.
        """
        return cls(floor_ns=now_ns + round(skew_s * SECOND_NS), retention_s=retention_s, capacity=capacity)

    @classmethod
    def never_served_before(cls, *, retention_s: float = RETENTION_S, capacity: int = CAPACITY) -> Self:
        """A window for a hotkey that no server has ever served, as in a test: requests are accepted at once.

        Used at a restart it would accept, a second time, what was accepted in the seconds before.
        """
        return cls(floor_ns=0, retention_s=retention_s, capacity=capacity)

    async def accept(self, hotkey: str, nonce_ns: int, now_ns: int) -> bool:
        """True the first time and False when seen; raises `StaleRequest` up to the floor, `Overloaded` when full."""
        now_s = now_ns // SECOND_NS
        if now_s != self._pruned_s:
            self._prune(now_s)
        if nonce_ns <= self.floor_ns:
            raise stale(nonce_ns, self.floor_ns)
        second, pair = nonce_ns // SECOND_NS, (hotkey, nonce_ns)
        bucket = self._buckets.get(second)
        if bucket is not None and pair in bucket:
            return False
        if self.held >= self._capacity:
            raise full(self.held, self._capacity)
        if bucket is None:
            # Only now: an empty bucket would raise the floor to a second in which nothing was accepted.
            bucket = self._buckets[second] = set()
        bucket.add(pair)
        self.held += 1
        return True

    def close(self) -> None:
        """Nothing is held open; what was accepted stays refused."""

    def _prune(self, now_s: int) -> None:
        oldest_s = now_s - self._kept_s
        for second in [second for second in self._buckets if second < oldest_s]:
            self.floor_ns = max(self.floor_ns, end_of_second(second * SECOND_NS))
            self.held -= len(self._buckets.pop(second))
        self._pruned_s = now_s
