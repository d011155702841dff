# SPDX-License-Identifier: Apache-2.0
"""Who is served next: a bounded number of slots, and a bounded queue in order of priority.

Priority is real here: whoever waits counts as having come earlier by the head start that `protocols.turns` gives to its
priority, and when the queue is full a newcomer with a larger one takes the place of the last. Equals go in the order in
which they came.
"""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_left, insort
from typing import TypeAlias

from protocols.errors import Overloaded
from protocols.turns import lead

# Sorted, the last is served first; the count makes each unique, so futures are never compared.
_Entry: TypeAlias = tuple[float, int, asyncio.Future[None]]


class Turnstile:
    """Slots that are entered and left."""

    def __init__(self, slots: int, waiting: int) -> None:
        self._free = slots
        self._limit = waiting
        self._order = itertools.count(0, -1)
        self._queue: list[_Entry] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    async def enter(self, priority: float) -> None:
        """Take a slot, waiting for one if need be; `leave` gives it back."""
        if self._free > 0:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        rank = lead(priority) - loop.time()
        if len(self._queue) >= self._limit:
            self._make_room(rank)
        turn: asyncio.Future[None] = loop.create_future()
        entry = (rank, next(self._order), turn)
        insort(self._queue, entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(entry)
            elif turn.exception() is None:
                # The slot was given in the same moment in which the caller left: it goes to the next.
                self.leave()
            raise

    def leave(self) -> None:
        """Give the slot to the first in line, or back."""
        while self._queue:
            turn = self._queue.pop()[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _forget(self, entry: _Entry) -> None:
        place = bisect_left(self._queue, entry)
        if place < len(self._queue) and self._queue[place] is entry:
            del self._queue[place]

    def _make_room(self, rank: float) -> None:
        refusal = Overloaded(f"{len(self._queue)} queries wait, at most {self._limit} may", retry_after_s=1.0)
        if not self._queue:
            raise refusal
        lowest, _, turn = self._queue[0]
        # One who has left and not yet noticed makes room whatever its rank.
        if not turn.done():
            if lowest >= rank:
                raise refusal
            turn.set_exception(refusal)
        del self._queue[0]


__all__ = ["Turnstile"]
