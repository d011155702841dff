# SPDX-License-Identifier: Apache-2.0
"""How those who wait for a block learn of it: woken when one is sealed, or told that none came in time."""

from __future__ import annotations

import asyncio

from protocols.clock import Clock

__all__ = ["Bell"]


class Bell:
    """Wakes everyone who waits, each time it is rung."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listening: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake whoever waits."""
        for listener in self._listening:
            if not listener.done():  # cancelled, and not gone yet
                listener.set_result(None)
        self._listening = set()

    async def heard_within(self, seconds: float) -> bool:
        """Wait for the next ring, at most so long; tell whether it came."""
        listener: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening.add(listener)
        timer = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({listener, timer}, return_when=asyncio.FIRST_COMPLETED)
            return listener.done()
        finally:
            self._listening.discard(listener)
            timer.cancel()
