# SPDX-License-Identifier: Apache-2.0
"""The thread in which a language model works for everybody: who is read, who steps, and who is told.

There are two lanes. Most rows step together in the common one; a row whose priority is well above that of the others
steps in the express lane, which gets most of the turns as long as somebody is in it. So a step of a high stake stays
short while many low ones wait, and those are slowed down but never halted. Nothing here runs on the event loop.
"""

from __future__ import annotations

import statistics
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

from miners.batching.capacity import Capacity
from miners.batching.generation import Generation
from miners.batching.lane import Lane
from miners.batching.slab import Decoder
from miners.batching.worker import Reason, Work, Worker
from miners.gate import Seen
from miners.queue import Place, WaitingLine
from protocols.clock import Clock
from protocols.errors import DeadlineExceeded, SubnetError
from protocols.turns import lead

__all__ = ["Batcher"]

_ABOVE_S: Final = 3.0
"""A head start that is so much longer than the others' is one for the express lane: eight times their stake."""


class _News(NamedTuple):
    row: Generation
    tokens: tuple[int, ...]
    over: bool
    error: SubnetError | None


class Batcher(Work):
    """Works on generations until it is closed; started once, on the loop whose tasks read."""

    def __init__(self, decoder: Decoder, capacity: Capacity, clock: Clock) -> None:
        self._capacity = capacity
        self._clock = clock
        self._line = WaitingLine[Generation](capacity.waiting)
        self._common, self._express = Lane(decoder), Lane(decoder)
        self._turns = 0
        self.seen = Seen()
        self._worker = Worker(self, "batcher")

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._line)

    @property
    def running(self) -> int:
        """How many answers are in the making."""
        return len(self._common) + len(self._express)

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    async def close(self) -> None:
        """Tell everybody that it is over, and end the thread."""
        await self._worker.close()

    async def tokens(self, generation: Generation, priority: float) -> AsyncGenerator[list[int], None]:
        """The tokens of an answer as they are made; closing this frees the row by the next turn."""

        def refuse(error: SubnetError) -> None:
            self._worker.call(lambda: generation.inbox.put((), error=error))

        generation.lead = lead(priority)
        place = Place(generation, refuse, priority=priority, deadline=generation.deadline)
        try:
            with self._worker.awake():
                self._line.join(place, self._clock.monotonic())
            async with aclosing(generation.inbox.read()) as arriving:
                async for tokens in arriving:
                    yield tokens
        finally:
            generation.left = True
            self._line.leave(place)

    def is_waiting(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.running or len(self._line))

    def turn(self) -> None:
        """Let go of who is gone, let in who fits, and have a lane read or step."""
        now = self._clock.monotonic()
        for lane in (self._express, self._common):
            for row in lane.drop(lambda row: row.left or row.deadline <= now):
                late = DeadlineExceeded("the deadline passed before the answer was whole")
                self._tell([_News(row, (), True, late)])
        self._admit(now)
        lane, tokens = self._next()
        if len(lane):
            self.seen.batch.add(len(lane))
            made = lane.work(tokens)
            self._tell([_News(row, () if token in row.ends else (token,), not more, None) for row, token, more in made])
            self._sort()

    def give_up(self, reason: Reason) -> None:
        """Tell everybody whose answer is in the making that it will not be finished."""
        self._tell([_News(row, (), True, reason()) for lane in (self._express, self._common) for row in lane.clear()])

    def turn_away(self, reason: Reason) -> None:
        """Tell everybody who waits that nothing will come."""
        self._line.close(reason)

    def _next(self) -> tuple[Lane, int]:
        """Whose turn it is, and how much of a prompt it may read."""
        if not len(self._express):
            return self._common, self._capacity.tokens
        self._turns = (self._turns + 1) % (self._capacity.express_turns + 1)
        if self._turns or not len(self._common):
            return self._express, self._capacity.tokens
        return self._common, max(1, self._capacity.tokens // 4)

    def _admit(self, now: float) -> None:
        if not len(self._line):
            return
        self._line.purge(now)
        above = self._above()
        room = self._capacity.express_rows - len(self._express)
        if above is not None and room > 0 and not self._express.joining:
            self._join(self._express, room, now, lambda row: row.lead >= above)
        room = self._capacity.rows - len(self._common)
        if room > 0 and not self._common.joining:
            self._join(self._common, room, now, lambda _: True)

    def _join(self, lane: Lane, room: int, now: float, accept: Callable[[Generation], bool]) -> None:
        """Let the first in line join, and with it others whose prompts can be read at one go."""
        group: list[Generation] = []
        longest = 0

        def fits(row: Generation) -> bool:
            size = (len(group) + 1) * max(longest, len(row.prompt))
            return accept(row) and (not group or size <= self._capacity.tokens)

        while len(group) < room and (place := self._line.take(now, fits)) is not None:
            group.append(place.item)
            self.seen.wait.add(place.waited_s(now))
            longest = max(longest, len(place.item.prompt))
        if group:
            lane.join(group)

    def _above(self) -> float | None:
        """The head start from which on a row is one for the express lane; none while nobody is in the common one."""
        rows = [*self._common.rows, *self._common.joining]
        return statistics.median_low(row.lead for row in rows) + _ABOVE_S if rows else None

    def _sort(self) -> None:
        """Where lesser rows have come, the greater move to the express lane; alone there, they are the common one."""
        if not len(self._common):
            self._common, self._express = self._express, self._common
        above = self._above()
        for at in reversed(range(len(self._common.rows))):
            room = self._capacity.express_rows - len(self._express)
            if above is not None and room > 0 and self._common.rows[at].lead >= above:
                self._common.move(at, self._express)

    def _tell(self, news: list[_News]) -> None:
        # One call for all rows: waking the loop costs more than what it is woken for.
        if news:
            self._worker.call(lambda: _deliver(news))


def _deliver(news: list[_News]) -> None:
    for row, tokens, over, error in news:
        row.inbox.put(tokens, over, error)
