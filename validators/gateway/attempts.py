# SPDX-License-Identifier: Apache-2.0
"""Asking one miner for a user, in the very way in which it is asked for a round: it cannot tell the one from the other.

A whole answer is verified before anybody sees it. The items of a stream are read as fast as they come, however slowly
the user reads, so that a slow user is never taken for a slow miner; they are provisional until the stream has come to
its signed end.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from protocols.metagraph import Metagraph
from protocols.task import Returned, Task
from protocols.types import Hotkey
from validators.query import Answer, Asker, Heard

__all__ = ["Attempt", "Inquiry", "Missed", "Stream", "Whole"]


class Missed(Exception):
    """A miner gave nothing that counts; `answer` is what a round would make of it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.miss)
        self.answer = answer


class Attempt(Protocol):
    """One miner that is asked one question."""

    hotkey: Hotkey
    took_s: float
    """How long the miner took to answer, or to begin; from when it was sent the question."""

    async def begin(self) -> None:
        """Ask, and wait for a good answer or the beginning of one; raises `Missed`. Cancelled, it leaves nothing."""
        ...

    async def close(self) -> None:
        """Let go of an answer that has begun, which cancels the work at the miner."""
        ...


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked for a user, how, and what is an answer to it."""

    asker: Asker
    task: Task
    metagraph: Metagraph
    is_good: Callable[[Returned], bool]
    """Whether it is anything to show: a miner that answers nothing, however fast, has not answered."""
    most_bytes: int
    """Of a stream."""

    def is_free(self, hotkey: Hotkey) -> bool:
        """Whether a miner can be asked now, and need not wait for what others of ours have asked it."""
        return bool(self.asker.load.free(hotkey))

    def miss(self, hotkey: Hotkey, code: str) -> Answer:
        """What a round makes of a miner that gave nothing."""
        return Answer(Returned(hotkey, asked=self.task), code)


class Whole:
    """A miner that is asked for a whole answer."""

    def __init__(self, inquiry: Inquiry, hotkey: Hotkey) -> None:
        self.hotkey = hotkey
        self.took_s = math.inf
        self.answer: Answer | None = None
        """The verified answer, once it is there."""
        self._inquiry = inquiry

    async def begin(self) -> None:
        """Ask, and wait for the verified answer."""
        asked = self._inquiry
        answer = _only(await asked.asker.ask([asked.task], [self.hotkey], asked.metagraph))
        if answer.miss or not asked.is_good(answer.returned):
            raise Missed(answer)
        self.answer, self.took_s = answer, answer.returned.elapsed_s

    async def close(self) -> None:
        """Nothing is left under way."""


class Stream:
    """A miner that is asked for a stream."""

    def __init__(self, inquiry: Inquiry, hotkey: Hotkey) -> None:
        self.hotkey = hotkey
        self.took_s = math.inf
        self.answer: Answer | None = None
        """What a round would make of the stream, once it has ended."""
        self._inquiry = inquiry
        self._items: list[Any] = []
        self._come = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Ask, and wait for the first item that says something."""
        self._reading = asyncio.create_task(self._read())
        try:
            while not self._has_begun() and self.answer is None:
                await self._change()
        except BaseException:
            self._reading.cancel()
            raise
        if not self._has_begun() and self.answer is not None:
            raise Missed(self.answer)

    async def items(self) -> AsyncGenerator[Any, None]:
        """The items from the first; raises `Missed` where the stream breaks."""
        at = 0
        while self.answer is None or at < len(self._items):
            if at == len(self._items):
                await self._change()
                continue
            yield self._items[at]
            at += 1
        if self.answer.miss:
            raise Missed(self.answer)

    async def close(self) -> None:
        """Close the connection."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _has_begun(self) -> bool:
        return bool(self._items) and self._inquiry.is_good(Returned(self.hotkey, tuple(self._items)))

    async def _change(self) -> None:
        self._come.clear()
        await self._come.wait()

    async def _read(self) -> None:
        asked = self._inquiry
        try:
            peer = asked.asker.peer(asked.metagraph.by_hotkey(self.hotkey))
            if peer is None:
                self.answer = asked.miss(self.hotkey, "no_endpoint")
            else:
                self.answer = await asked.asker.stream(peer, asked.task, asked.most_bytes, self._came)
        finally:
            self._come.set()

    def _came(self, item: Any, at_s: float) -> None:
        self.took_s = min(self.took_s, at_s)
        self._items.append(item)
        self._come.set()


def _only(heard: Heard) -> Answer:
    return Answer(heard.replies[0], heard.misses[0], heard.evidence[0])
