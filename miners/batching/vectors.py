# SPDX-License-Identifier: Apache-2.0
"""Vectors of texts in small batches: whoever comes first decides the length, and others of that length come along.

A batch is padded to its longest text, so texts of one length share it, and what is longer waits for a batch of its own
without holding anybody up. Nobody is waited for: while a batch is computed, the next gathers by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from miners.batching.capacity import Capacity
from miners.batching.worker import Reason, Work, Worker
from miners.gate import Seen
from miners.queue import Place, WaitingLine
from protocols.clock import Clock
from protocols.columns import Floats
from protocols.errors import SubnetError

__all__ = ["Vectors"]

Embed: TypeAlias = Callable[[list[Sequence[int]]], Floats]

_SPREAD: Final = 1.5
"""How many times longer the longest text of a batch may be than the first."""


@dataclass(slots=True, eq=False)
class _Text:
    ids: Sequence[int]
    vector: asyncio.Future[Floats]


class Vectors(Work):
    """Computes vectors until it is closed; started once, on the loop whose tasks wait."""

    def __init__(self, embed: Embed, capacity: Capacity, clock: Clock) -> None:
        self._embed = embed
        self._capacity = capacity
        self._clock = clock
        self._line = WaitingLine[_Text](capacity.waiting)
        self._under_way: list[_Text] = []
        self.seen = Seen()
        self._worker = Worker(self, "vectors")

    @property
    def waiting(self) -> int:
        """How many texts wait."""
        return len(self._line)

    @property
    def running(self) -> int:
        """How many texts are in the batch that is computed."""
        return len(self._under_way)

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    async def close(self) -> None:
        """Tell everybody that it is over, and end the thread."""
        await self._worker.close()

    async def of(self, texts: Sequence[Sequence[int]], priority: float, deadline: float) -> Floats:
        """A vector for each text, given as tokens, (N, D); no caller fills the line alone."""
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        share = max(1, min(self._capacity.texts, self._capacity.waiting // 4))
        found: dict[int, Floats] = {}
        for start in range(0, len(order), share):
            part = order[start : start + share]
            made = await self._part([texts[at] for at in part], priority, deadline)
            found.update(zip(part, made, strict=True))
        return np.stack([found[at] for at in range(len(texts))]) if texts else np.empty((0, 0))

    async def _part(self, texts: list[Sequence[int]], priority: float, deadline: float) -> list[Floats]:
        loop = asyncio.get_running_loop()
        places = [self._place(_Text(ids, loop.create_future()), priority, deadline) for ids in texts]
        try:
            with self._worker.awake():
                for place in places:
                    self._line.join(place, self._clock.monotonic())
            return await asyncio.gather(*(place.item.vector for place in places))
        finally:
            for place in places:
                self._line.leave(place)
                place.item.vector.cancel()

    def _place(self, text: _Text, priority: float, deadline: float) -> Place[_Text]:
        def refuse(error: SubnetError) -> None:
            self._worker.call(lambda: _settle([(text, error)]))

        return Place(text, refuse, priority=priority, deadline=deadline)

    def is_waiting(self) -> bool:
        """Whether there is anything to do."""
        return bool(len(self._line))

    def turn(self) -> None:
        """Compute one batch: the first in line, and others of its length."""
        now, batch = self._clock.monotonic(), list[_Text]()
        longest = 0

        def fits(text: _Text) -> bool:
            size = (len(batch) + 1) * max(longest, len(text.ids))
            alike = not batch or len(text.ids) <= _SPREAD * len(batch[0].ids) + 8
            return not batch or (alike and size <= self._capacity.tokens)

        while len(batch) < self._capacity.texts and (place := self._line.take(now, fits)) is not None:
            batch.append(place.item)
            self.seen.wait.add(place.waited_s(now))
            longest = max(longest, len(place.item.ids))
        batch = [text for text in batch if not text.vector.done()]
        if batch:
            self.seen.batch.add(len(batch))
            self._under_way = batch
            made = list(zip(batch, self._embed([text.ids for text in batch]), strict=True))
            self._under_way = []
            self._worker.call(lambda: _settle(made))

    def give_up(self, reason: Reason) -> None:
        """Tell everybody whose vector is under way that it will not come."""
        lost, self._under_way = [(text, reason()) for text in self._under_way], []
        self._worker.call(lambda: _settle(lost))

    def turn_away(self, reason: Reason) -> None:
        """Tell everybody who waits that nothing will come."""
        self._line.close(reason)


def _settle(results: Sequence[tuple[_Text, Floats | SubnetError]]) -> None:
    for text, result in results:
        if text.vector.done():
            continue
        if isinstance(result, SubnetError):
            text.vector.set_exception(result)
        else:
            text.vector.set_result(result)
