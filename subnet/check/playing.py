# SPDX-License-Identifier: Apache-2.0
"""Playing both parts of a definition in one process: its tasks are drawn, and its answers given, without a network.

Nobody waits for a clock that a definition sleeps on: the sleeper is woken at once, at the moment it asked for. How long
an answer held the event loop is measured from beside it, so that what it spawns counts as well.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

import numpy as np

from protocols.errors import InvalidSubnet
from protocols.spec import Subnet
from protocols.synapse import Reply, Synapse
from protocols.task import AnswerContext, Task, TaskContext

__all__ = ["Answer", "HurriedClock", "Items", "answer", "draw"]

Items: TypeAlias = tuple[Reply, ...]
"""What a miner returns for a task: one reply, or those of a stream."""

_START_NS: Final = 1_700_000_000 * 10**9
_BEAT_S: Final = 0.005


class HurriedClock:
    """A clock on which sleep takes no time: it starts at the same moment each time and adds what was slept."""

    def __init__(self, watch: Callable[[], float] = lambda: 0.0) -> None:
        self._watch = watch
        self._start = watch()
        self._slept_s = 0.0

    def time_ns(self) -> int:
        """Nanoseconds since 1970, on a day in 2023."""
        return _START_NS + round(self.monotonic() * 1e9)

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._watch() - self._start + self._slept_s

    async def sleep(self, seconds: float) -> None:
        """Let others have a turn; afterwards it is so many seconds later."""
        self._slept_s += max(seconds, 0.0)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What `answer` gave, how long it took, and how long at a stretch it let nothing else run."""

    items: Items
    elapsed_s: float
    held_s: float


async def draw(definition: Subnet, seed: int, count: int) -> list[Task]:
    """The first tasks of a seed; a generator that ends is started again, as a validator does."""
    ctx, drawn = TaskContext(rng=np.random.default_rng(seed), clock=HurriedClock()), list[Task]()
    while len(drawn) < count:
        before = len(drawn)
        async with aclosing(cast("AsyncGenerator[object, None]", definition.tasks(ctx))) as source:
            async for task in source:
                drawn.append(_task(definition, task))
                if len(drawn) == count:
                    break
        if len(drawn) == before:
            raise InvalidSubnet("tasks ended without a task", help=f"yield Task({definition.synapse.__name__}(...))")
    return drawn


async def answer(definition: Subnet, ask: Synapse, ctx: AnswerContext) -> Answer:
    """Do the miner's work once; `InvalidSubnet` where what comes is no reply, or comes late."""
    start = ctx.clock.monotonic()
    pulse = _Pulse()
    try:
        items = await _items(definition, ask, ctx)
    finally:
        held_s = pulse.stop()
    for item in items:
        if not isinstance(item, definition.synapse.Reply):
            wanted = f"{definition.synapse.__name__}.Reply"
            raise InvalidSubnet(f"answer gave {type(item).__name__}, expected {wanted}", help=f"return {wanted}(...)")
    if not items:
        raise InvalidSubnet("answer ended without an item", help=f"yield {definition.synapse.__name__}.Reply(...)")
    if ctx.remaining_s < 0:
        limit_s, late_s = ctx.deadline - start, ctx.clock.monotonic() - start
        raise InvalidSubnet(f"answer took {late_s:.1f} s, limit {limit_s:.3g} s", help="stop while ctx.remaining_s > 0")
    return Answer(items, ctx.clock.monotonic() - start, held_s)


async def _items(definition: Subnet, ask: Synapse, ctx: AnswerContext) -> Items:
    given = definition.answer(ask, ctx)
    if not definition.is_streaming:
        return (await cast("Awaitable[Reply]", given),)
    async with aclosing(cast("AsyncGenerator[Reply, None]", given)) as stream:
        return tuple([item async for item in stream])


class _Pulse:
    """Beats on the running loop, and knows how long a beat was kept waiting."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._longest_s = 0.0
        self._last = time.perf_counter()
        self._timer = self._loop.call_later(_BEAT_S, self._beat)

    def _beat(self) -> None:
        now = time.perf_counter()
        self._longest_s = max(self._longest_s, now - self._last - _BEAT_S)
        self._last = now
        self._timer = self._loop.call_later(_BEAT_S, self._beat)

    def stop(self) -> float:
        """End, and say for how long at most nothing else could run."""
        self._timer.cancel()
        return max(self._longest_s, time.perf_counter() - self._last - _BEAT_S)


def _task(definition: Subnet, task: object) -> Task:
    if isinstance(task, Task) and isinstance(task.ask, definition.synapse):
        return task
    given = type(task.ask if isinstance(task, Task) else task).__name__
    wanted = f"Task({definition.synapse.__name__}(...))"
    raise InvalidSubnet(f"tasks gave {given}, expected {wanted}", help=f"yield {wanted}")
