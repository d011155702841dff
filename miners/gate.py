# SPDX-License-Identifier: Apache-2.0
"""The gate before work that the event loop waits for: so much at once, the rest in line, nobody beyond a deadline.

It is the waiting line that the batcher's thread takes work from, for engines whose work is done elsewhere: by another
server, by a pool of threads, by a library.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from miners.queue import Place, WaitingLine
from protocols.clock import Clock, SystemClock
from protocols.errors import DeadlineExceeded, Draining, SubnetError
from protocols.histogram import ROWS, Histogram

__all__ = ["Gate", "Seen", "turn_in"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of those who have had their turn, as `Engine.histograms` tells it."""

    wait: Histogram = field(default_factory=Histogram)
    batch: Histogram = field(default_factory=lambda: Histogram(ROWS))


async def turn_in(line: WaitingLine[Item], place: Place[Item], answer: asyncio.Future[Answer], clock: Clock) -> Answer:
    """Wait until somebody who took the place answers; raises what the place was refused with.

    The `refuse` of the place must fail `answer`. Whoever ends to wait, for whatever reason, has left the line.
    """
    now = clock.monotonic()
    left_s = place.deadline - now
    late = DeadlineExceeded("the deadline passed before the work was done")
    if left_s <= 0.0:
        raise late
    line.join(place, now)
    # Nobody may look at the line again before the deadline.
    due = None if left_s == math.inf else asyncio.get_running_loop().call_later(left_s, place.refuse, late)
    try:
        return await answer
    finally:
        if due is not None:
            due.cancel()
        line.leave(place)


class Gate:
    """So many places to work at, entered in the order of the line.

    gate = Gate(slots=8, waiting=256)
    async with gate.slot(job.priority, job.deadline):
        ...
    """

    def __init__(self, slots: int, waiting: int, clock: Clock | None = None) -> None:
        self.seen = Seen()
        self._slots = self._free = slots
        self._clock = clock or SystemClock()
        self._line = WaitingLine[asyncio.Future[None]](waiting)
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    @property
    def running(self) -> int:
        """How many are inside."""
        return self._slots - self._free

    @asynccontextmanager
    async def slot(self, priority: float, deadline: float) -> AsyncIterator[None]:
        """A slot for as long as the block lasts."""
        await self.enter(priority, deadline)
        try:
            yield
        finally:
            self.leave()

    async def enter(self, priority: float, deadline: float) -> None:
        """Take a slot, `leave` gives it back; raises `Overloaded`, `DeadlineExceeded` or `Draining`."""
        if self._closed:
            raise _closing()
        came = self._clock.monotonic()
        if self._free > 0 and deadline > came:
            self._free -= 1
            self.seen.wait.add(0.0)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def refuse(error: SubnetError) -> None:
            if not turn.done():
                turn.set_exception(error)

        try:
            await turn_in(self._line, Place(turn, refuse, priority=priority, deadline=deadline), turn, self._clock)
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # The slot was given in the same moment in which the caller left: it goes to the next.
                self.leave()
            raise
        self.seen.wait.add(self._clock.monotonic() - came)

    def leave(self) -> None:
        """Give the slot to the first in line, or back."""
        while (place := self._line.take(self._clock.monotonic())) is not None:
            if not place.item.done():
                place.item.set_result(None)
                return
        self._free += 1

    def close(self) -> None:
        """Turn away everybody who waits or comes; who is inside goes on."""
        self._closed = True
        self._line.close(_closing)


def _closing() -> Draining:
    return Draining("the engine is closing")
