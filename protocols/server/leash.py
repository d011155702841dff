# SPDX-License-Identifier: Apache-2.0
"""Work that may be cut short: at its deadline, when the caller leaves, or when the server stops.

Most queries end within milliseconds and need neither a timeout nor somebody who watches the connection. So one timer is
set, and only work that outlives it gets a watcher.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from protocols.errors import DeadlineExceeded, Draining, WireError

_WATCH_AFTER_S = 0.02


class CallerLeft(Exception):
    """The caller closed the connection; nobody waits for a reply."""


class Leash:
    """`async with Leash(...)`: the body is cancelled at the deadline or when the caller leaves, and says why."""

    def __init__(self, limit_s: float, receive: Callable[[], Awaitable[Any]]) -> None:
        self._limit_s = limit_s
        self._receive = receive
        self._cause: WireError | CallerLeft | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Leash:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._loop = task.get_loop()
        self._started = self._loop.time()
        self._timer = self._loop.call_later(min(_WATCH_AFTER_S, self._limit_s), self._outlived)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._cause is None:
            return
        cancelled_by_others = self._task.uncancel() > self._cancelling
        # Work that swallows its cancellation, or fails while it cleans up, was cut all the same.
        if kind is None or (not cancelled_by_others and issubclass(kind, asyncio.CancelledError | Exception)):
            raise self._cause from None

    def drain(self) -> None:
        """Cut the work because the server stops."""
        self._cut(Draining("the server stopped before the work was done"))

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline."""
        return self._limit_s - (self._loop.time() - self._started)

    def _outlived(self) -> None:
        if self._watcher is None and self._limit_s > _WATCH_AFTER_S:
            self._watcher = self._loop.create_task(self._watch())
            self._timer = self._loop.call_later(max(0.0, self.remaining_s), self._outlived)
        else:
            self._cut(DeadlineExceeded(f"work took longer than {self._limit_s:g} s and was cancelled"))

    async def _watch(self) -> None:
        message = await self._receive()
        while message["type"] != "http.disconnect":
            message = await self._receive()
        self._cut(CallerLeft())

    def _cut(self, cause: WireError | CallerLeft) -> None:
        if self._cause is None:
            self._cause = cause
            self._task.cancel()


__all__ = ["CallerLeft", "Leash"]
