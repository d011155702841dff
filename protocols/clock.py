# SPDX-License-Identifier: Apache-2.0
"""What time it is, as a parameter.

Signatures expire by the wall clock, deadlines and waits run on the monotonic one, and the two disagree whenever
somebody sets the wall clock. Code that takes a `Clock` can be run in a test through hours of protocol in milliseconds,
in the same order every time, and against a wall clock that lies.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "VirtualClock"]

_NS = 1_000_000_000
# A woken task passes through a few event loop turns (a TaskGroup's exit, a queue, a callback) before it sleeps again.
_TURNS = 20


class Clock(Protocol):
    """The wall clock, the monotonic clock, and waiting."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970 by the wall clock, which may be set back or forth."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock; zero or less only gives way to other tasks."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    def time_ns(self) -> int:
        """Nanoseconds since 1970 by the wall clock, which may be set back or forth."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the monotonic clock; zero or less only gives way to other tasks."""
        await asyncio.sleep(seconds)


class VirtualClock:
    """Clocks that move only when told to.

    `advance` stops at each sleeper's moment, so a task that sleeps a second in a loop runs sixty times in a minute and
    sees the right time each time. It lets woken tasks run on the event loop; it cannot wait for threads or sockets.
    """

    __slots__ = ("_elapsed_ns", "_order", "_sleepers", "_wall_ns")

    def __init__(self, *, start_ns: int = 1_700_000_000 * _NS) -> None:
        self._elapsed_ns = 0
        self._wall_ns = start_ns  # what the wall clock showed, or would have shown, when nothing had elapsed
        self._order = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def time_ns(self) -> int:
        """Nanoseconds since 1970 by the wall clock, which `jump` may have set back or forth."""
        return self._wall_ns + self._elapsed_ns

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._elapsed_ns / _NS

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed this moment; zero or less only gives way to other tasks."""
        duration_ns = _nanoseconds(seconds)
        if duration_ns <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._order += 1  # equal moments wake in the order in which they were asked for
        heapq.heappush(self._sleepers, (self._elapsed_ns + duration_ns, self._order, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let time pass on both clocks, waking every sleeper at its own moment, earliest first."""
        if not seconds >= 0:
            raise ValueError(f"time passes forwards only: got {seconds} seconds; jump() sets the wall clock back")
        until_ns = self._elapsed_ns + _nanoseconds(seconds)
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= until_ns:
            moment_ns, _, woken = heapq.heappop(self._sleepers)
            if woken.done():  # cancelled while it slept
                continue
            self._elapsed_ns = max(self._elapsed_ns, moment_ns)
            woken.set_result(None)
            await _settle()
        self._elapsed_ns = max(self._elapsed_ns, until_ns)
        await _settle()

    def jump(self, seconds: float) -> None:
        """Set the wall clock forth or back, as an operator or a time server does; nothing wakes."""
        self._wall_ns += _nanoseconds(seconds)


def _nanoseconds(seconds: float) -> int:
    if not math.isfinite(seconds):
        raise ValueError(f"a duration is a finite number of seconds, got {seconds}")
    return round(seconds * _NS)


async def _settle() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
