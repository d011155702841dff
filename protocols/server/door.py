# SPDX-License-Identifier: Apache-2.0
"""What all connections of one server share: its limits, and how many connections each network holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from uvicorn.server import ServerState

from protocols.server.limits import Limits
from protocols.server.meters import Meters


class Door:
    """What all connections of one server share: limits, meters, and how many each network holds."""

    def __init__(self, limits: Limits, meters: Meters) -> None:
        self.limits = limits
        self.meters = meters
        self.by_network: Counter[str] = Counter()
        self.state = ServerState()
        self.closed = False
        self._empty = asyncio.Event()

    def left(self, network: str) -> None:
        """One connection is gone."""
        self.meters.connections -= 1
        self.by_network[network] -= 1
        if not self.by_network[network]:
            del self.by_network[network]
        if not self.state.connections:
            self._empty.set()

    async def emptied(self, limit_s: float) -> None:
        """Wait until no connection is left, for a while."""
        self._empty.clear()
        if self.state.connections:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await self._empty.wait()


__all__ = ["Door"]
