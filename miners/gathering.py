# SPDX-License-Identifier: Apache-2.0
"""Small batches for a library that computes many texts nearly as fast as one, and may run in one thread only.

Nobody is waited for: while a batch is computed, the next gathers by itself. A text on which the library fails takes
nobody along, since those of its batch are then tried one by one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Generic, TypeVar

from miners.gate import Seen, turn_in
from miners.queue import Place, WaitingLine
from protocols.clock import Clock, SystemClock
from protocols.errors import Draining, EngineFailed, SubnetError

__all__ = ["Gathering"]

Result = TypeVar("Result")

_LOG: Final = logging.getLogger(__name__)


class _Asked(Generic[Result]):
    __slots__ = ("answer", "came", "text")

    def __init__(self, text: str, came: float) -> None:
        self.text = text
        self.came = came
        self.answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def fail(self, error: SubnetError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Gathering(Generic[Result]):
    """Computes texts in batches in an executor's thread, the first in line first."""

    def __init__(
        self,
        compute: Callable[[list[str]], Sequence[Result]],
        executor: Executor,
        *,
        batch: int,
        waiting: int,
        clock: Clock | None = None,
        seen: Seen | None = None,
    ) -> None:
        self.seen = seen or Seen()
        self.running = 0
        """How many are of the batch under way."""
        self._compute = compute
        self._executor = executor
        self._batch = batch
        self._waiting = waiting
        self._clock = clock or SystemClock()
        self._line = WaitingLine[_Asked[Result]](waiting)
        self._work: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    async def of(self, text: str, priority: float, deadline: float) -> Result:
        """What is computed of a text; raises `Overloaded`, `DeadlineExceeded`, `EngineFailed` or `Draining`."""
        if self._closed:
            raise _closing()
        asked = _Asked[Result](text, self._clock.monotonic())
        if self._work is None or self._work.done():
            # It begins after this turn of the loop: those who come in the same one are of the same batch.
            self._work = asyncio.get_running_loop().create_task(self._until_empty())
        place = Place(asked, asked.fail, priority=priority, deadline=deadline)
        return await turn_in(self._line, place, asked.answer, self._clock)

    async def of_each(self, texts: Sequence[str], priority: float, deadline: float) -> list[Result]:
        """What is computed of each text, in their order; nobody fills the line alone."""
        share = max(1, min(self._batch, self._waiting // 4))
        found = list[Result]()
        for start in range(0, len(texts), share):
            part = texts[start : start + share]
            tasks = [asyncio.ensure_future(self.of(text, priority, deadline)) for text in part]
            try:
                found += await asyncio.gather(*tasks)
            finally:
                # Of those left when one has failed, nobody waits for an answer.
                for task in tasks:
                    task.cancel()
        return found

    async def close(self) -> None:
        """Turn away everybody who waits or comes, and wait for the batch under way."""
        self._closed = True
        self._line.close(_closing)
        if self._work is not None:
            await self._work

    async def _until_empty(self) -> None:
        while batch := self._next():
            self.running = len(batch)
            if not await self._settled(batch):
                for asked in batch:
                    await self._settled([asked])
            self.running = 0

    async def _settled(self, batch: list[_Asked[Result]]) -> bool:
        try:
            results = await self._computed([asked.text for asked in batch])
        except SubnetError as error:
            if len(batch) == 1:
                batch[0].fail(error)
            return len(batch) == 1
        for asked, result in zip(batch, results, strict=True):
            if not asked.answer.done():
                asked.answer.set_result(result)
        return True

    async def _computed(self, texts: list[str]) -> Sequence[Result]:
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._executor, self._compute, texts)
        except SubnetError:
            raise
        except Exception as error:
            _LOG.exception("the model failed on %d texts", len(texts))
            raise EngineFailed(f"the model failed: {type(error).__name__}") from error
        if len(results) != len(texts):
            raise EngineFailed(f"the model gave {len(results)} results for {len(texts)} texts")
        return results

    def _next(self) -> list[_Asked[Result]]:
        now, batch = self._clock.monotonic(), list[_Asked[Result]]()
        while len(batch) < self._batch and (place := self._line.take(now)) is not None:
            if not place.item.answer.done():
                batch.append(place.item)
                self.seen.wait.add(now - place.item.came)
        if batch:
            self.seen.batch.add(len(batch))
        return batch


def _closing() -> Draining:
    return Draining("the engine is closing")
