# SPDX-License-Identifier: Apache-2.0
"""When blocks are made: by the clock, at once for whoever submits something, both, or only when asked.

Slots lie on a grid of the monotonic clock, so that blocks do not drift. A block that takes too long skips the slots
that it ran over, and the next one is on time again.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocols.clock import Clock
from protocols.errors import ChainWriteFailed

__all__ = ["Author", "Mode", "Sealing"]

_LOG: Final = logging.getLogger(__name__)
_RETRY_S: Final = 1.0
# Clocks count in whole nanoseconds, slots in seconds: a slot that is nearer than this has begun.
_NEAR_S: Final = 1e-6


class Mode(StrEnum):
    """What makes a block."""

    INTERVAL = "interval"
    INSTANT = "instant"
    MANUAL = "manual"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """How blocks are made; `block_time` is the seconds between slots, and what a block that is asked for lasts."""

    mode: Mode = Mode.INTERVAL
    block_time: float = 12.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.block_time) and self.block_time >= 0.001):
            raise ValueError(f"a block lasts {self.block_time} s, expected at least 0.001")


class Author:
    """Calls for a block whenever one is due; `run` is its life."""

    def __init__(self, seal: Callable[[], object], clock: Clock, sealing: Sealing) -> None:
        self._seal = seal
        self._clock = clock
        self._sealing = sealing
        self._event = asyncio.Event()
        self._called = False
        self._due = math.inf

    @property
    def sealing(self) -> Sealing:
        """How blocks are made."""
        return self._sealing

    @sealing.setter
    def sealing(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._due = self._clock.monotonic() + sealing.block_time
        self._event.set()

    def call(self) -> None:
        """Something is ready for a block."""
        self._called = True
        if self._sealing.mode in {Mode.INSTANT, Mode.MIXED}:
            self._event.set()

    async def run(self) -> None:
        """Make blocks until cancelled; one that cannot be written is tried again."""
        self._due = self._clock.monotonic() + self._sealing.block_time
        while True:
            self._event.clear()
            if self._called and self._sealing.mode in {Mode.INSTANT, Mode.MIXED}:
                # Whatever else is submitted in this turn of the loop goes into the same block.
                await self._clock.sleep(0)
                self._called = False
                self._called = not await self._make()
                # The chain has moved: the clock's next block is a whole interval away.
                self._due = self._clock.monotonic() + self._sealing.block_time
            elif self._late() > -_NEAR_S:
                await self._make()
                self._due += self._sealing.block_time * (1 + max(0, self._late() // self._sealing.block_time))
            else:
                await self._wait()

    def _late(self) -> float:
        if self._sealing.mode in {Mode.INSTANT, Mode.MANUAL}:
            return -math.inf
        return self._clock.monotonic() - self._due

    async def _make(self) -> bool:
        try:
            self._seal()
        except ChainWriteFailed as fault:
            _LOG.error("no block was made: %s; %s", fault, fault.help)
            await self._clock.sleep(_RETRY_S)
            return False
        return True

    async def _wait(self) -> None:
        left = -self._late()
        if math.isinf(left):
            await self._event.wait()
            return
        waits = [asyncio.ensure_future(self._clock.sleep(left)), asyncio.ensure_future(self._event.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
