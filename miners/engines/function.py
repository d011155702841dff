# SPDX-License-Identifier: Apache-2.0
"""The engine that calls an operator's own function: a text in, a text out.

def answer(prompt): return prompt.upper()                  # in a thread: it may block, and may compute
async def answer(prompt): return await ask(prompt)         # on the event loop: it may only wait
async def answer(prompt): yield "word by "; yield "word"   # pieces
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Final, Self

from miners.engines.engine import Engine, Job
from miners.engines.named import named
from miners.engines.opening import EngineOptions
from miners.gate import Gate
from protocols.clock import Clock, SystemClock
from protocols.errors import DeadlineExceeded, Draining, EngineFailed, ModelUnloadable, SubnetError
from protocols.histogram import Histogram

__all__ = ["Function"]

_LOG: Final = logging.getLogger(__name__)

_HELP: Final = "def answer(prompt: str) -> str: ..., or async def, which may yield pieces"


class Function(Engine):
    """Calls `function(prompt)`, at most `batch` at once."""

    name = "function"

    def __init__(self, options: EngineOptions, clock: Clock | None = None) -> None:
        self._reference = options.model
        self._clock = clock or SystemClock()
        self._gate = Gate(options.batch, options.waiting, self._clock)
        self._pool = ThreadPoolExecutor(options.batch, thread_name_prefix="function")
        self._digest = ""
        self._function: Callable[[str], Any] | None = None
        self._call: Callable[[Callable[[str], Any], Job], AsyncGenerator[object, None]] = self._threaded

    @classmethod
    def opened(cls, options: EngineOptions) -> Self:
        """An engine for the function that `model` names: `app.py:function`, or `module:function`."""
        return cls(options)

    async def start(self) -> None:
        """Import the function; raises `ModelUnloadable`."""
        loaded = await asyncio.to_thread(named, self._reference)
        function = loaded.found
        if not callable(function) or isinstance(function, type) or _is(inspect.isgeneratorfunction, function):
            raise ModelUnloadable(
                f"{self._reference} is {type(function).__name__}, expected a function of a prompt", help=_HELP
            )
        if _is(inspect.isasyncgenfunction, function):
            self._call = self._pieces
        elif _is(inspect.iscoroutinefunction, function):
            self._call = self._awaited
        self._function, self._digest = function, loaded.digest

    async def close(self) -> None:
        """Turn away whoever waits; calls under way in threads end by themselves, and nobody gets what they return."""
        self._gate.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def facts(self) -> Mapping[str, Any]:
        """The function's name, and the digest of the file that it is from."""
        return {"model": self._reference.rpartition("/")[2], "digest": self._digest}

    def gauges(self) -> Mapping[str, float]:
        """Who waits for a place, and who has one."""
        return {"waiting": self._gate.waiting, "running": self._gate.running}

    def histograms(self) -> Mapping[str, Histogram]:
        """How long jobs have waited for a place."""
        return {"wait": self._gate.seen.wait}

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """What the function returns, or yields."""
        if self._function is None:
            raise EngineFailed(f"{self._reference} is not imported, expected a started engine")
        async with aclosing(self._call(self._function, job)) as pieces:
            async for piece in pieces:
                if not isinstance(piece, str):
                    raise EngineFailed(f"{self._reference} gave {type(piece).__name__}, expected str")
                if piece:
                    yield piece

    async def _threaded(self, function: Callable[[str], Any], job: Job) -> AsyncGenerator[object, None]:
        await self._gate.enter(job.priority, job.deadline)
        try:
            call = asyncio.get_running_loop().run_in_executor(self._pool, _in_thread, function, job.prompt)
        except RuntimeError:
            self._gate.leave()
            raise Draining("the engine is closing") from None
        # A thread cannot be stopped: a call that nobody waits for holds its place until it returns.
        call.add_done_callback(self._returned)
        yield await self._within(job, asyncio.shield(call))

    async def _awaited(self, function: Callable[[str], Any], job: Job) -> AsyncGenerator[object, None]:
        async with self._gate.slot(job.priority, job.deadline):
            yield await self._within(job, function(job.prompt))

    async def _pieces(self, function: Callable[[str], Any], job: Job) -> AsyncGenerator[object, None]:
        end = object()
        async with self._gate.slot(job.priority, job.deadline), aclosing(function(job.prompt)) as pieces:
            while (piece := await self._within(job, anext(pieces, end))) is not end:
                yield piece

    def _returned(self, call: asyncio.Future[Any]) -> None:
        self._gate.leave()
        # Looked at, for else asyncio complains of an error that nobody was left to hear of.
        call.cancelled() or call.exception()

    async def _within(self, job: Job, work: Awaitable[Any]) -> object:
        left_s = job.deadline - self._clock.monotonic()
        try:
            async with asyncio.timeout(None if left_s == math.inf else max(0.0, left_s)) as limit:
                return await work
        except SubnetError:
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, TimeoutError) and limit.expired():
                raise DeadlineExceeded(f"{self._reference} took longer than the time that was left") from None
            _LOG.exception("%s failed", self._reference)
            raise EngineFailed(f"{self._reference} raised {type(error).__name__}") from error


def _is(kind: Callable[[Any], bool], function: Callable[..., Any]) -> bool:
    """Whether a function, or an object that is called like one, is of a kind."""
    return kind(function) or kind(type(function).__call__)


def _in_thread(function: Callable[[str], Any], prompt: str) -> Any:
    try:
        return function(prompt)
    except (StopIteration, SystemExit) as error:
        # Neither can be handed from a thread to the loop as it is.
        raise RuntimeError(f"{type(error).__name__} from a function") from error
