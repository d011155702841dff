# SPDX-License-Identifier: Apache-2.0
"""What becomes of an extrinsic, told to whoever submitted it.

The names are those of a Substrate node. There is no `broadcast`, since the node has no peers to tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from protocols.types import Json

__all__ = ["DROPPED", "FUTURE", "INVALID", "READY", "Status", "Watch"]


class Status(NamedTuple):
    """One step of an extrinsic's life, with the hash that it is about if there is one."""

    kind: str
    hash: bytes | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing can come after it."""
        return self.kind in {"finalized", "usurped", "dropped", "invalid"}

    def to_json(self) -> Json:
        """As a Substrate node notifies of it."""
        return self.kind if self.hash is None else {self.kind: f"0x{self.hash.hex()}"}


FUTURE: Final = Status("future")
READY: Final = Status("ready")
DROPPED: Final = Status("dropped")
INVALID: Final = Status("invalid")


class Watch:
    """The statuses of one extrinsic, until the last: `async for status in watch`."""

    def __init__(self, extrinsic: bytes) -> None:
        self.extrinsic = extrinsic
        """Its hash."""
        # Statuses come with blocks, and a transaction has a handful of them: the queue bounds itself.
        self._queue: asyncio.Queue[Status] = asyncio.Queue()
        self._over = False

    def tell(self, status: Status) -> None:
        """Add a status; after the last one nothing is added."""
        if not self._over:
            self._queue.put_nowait(status)
            self._over = status.is_last

    @property
    def is_over(self) -> bool:
        """Whether the last status has been told."""
        return self._over

    @property
    def is_empty(self) -> bool:
        """Whether every status so far has been taken."""
        return self._queue.empty()

    def take(self) -> Status:
        """The next status, which must have been told already."""
        return self._queue.get_nowait()

    async def __aiter__(self) -> AsyncIterator[Status]:
        while True:
            status = await self._queue.get()
            yield status
            if status.is_last:
                return
