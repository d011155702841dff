# SPDX-License-Identifier: Apache-2.0
"""Who hears of new blocks: callbacks that are called as a block is announced, and queues that are read later.

A reader who does not keep up loses no change of storage: blocks at the end of its queue are told as one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from subnet.chain.node.header import Head, Header

__all__ = ["Listener", "Listeners", "Told"]

_LOG: Final = logging.getLogger(__name__)
_WAITING: Final = 1_024


class Told(NamedTuple):
    """A block that is the newest now, and which entries of storage are new with it, None for those that are gone."""

    head: Head
    header: Header
    changes: Mapping[bytes, bytes | None]


Listener: TypeAlias = Callable[[Told], None]


class Listeners:
    """Everybody who wants to hear of blocks."""

    def __init__(self) -> None:
        self._known: list[Listener] = []

    def add(self, listener: Listener) -> Callable[[], None]:
        """Call somebody at every block; what is returned ends it."""
        self._known.append(listener)
        return lambda: self._known.remove(listener)

    def tell(self, told: Told) -> None:
        """Announce a block; a listener that fails does not keep it from the others."""
        for listener in list(self._known):
            try:
                listener(told)
            except Exception:
                _LOG.exception("a listener failed at block %d", told.head.number)

    @property
    def is_empty(self) -> bool:
        """Whether nobody listens."""
        return not self._known

    async def blocks(self) -> AsyncIterator[Told]:
        """Every block from now on."""
        waiting: deque[Told] = deque()
        arrived = asyncio.Event()

        def hear(told: Told) -> None:
            if len(waiting) >= _WAITING:
                told = told._replace(changes={**waiting.pop().changes, **told.changes})
            waiting.append(told)
            arrived.set()

        stop = self.add(hear)
        try:
            while True:
                await arrived.wait()
                arrived.clear()
                while waiting:
                    yield waiting.popleft()
        finally:
            stop()
