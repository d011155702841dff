# SPDX-License-Identifier: Apache-2.0
"""How many of our own queries are under way at each miner, rounds and users together, and that it is not too many.

A miner whose place in its own queue we fill ourselves answers late, and would be scored for it. So whoever wants to ask
waits here first, before its question is sent and its time is taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

from protocols.errors import OutOfRange, Unreachable
from protocols.keys import short
from protocols.types import Hotkey

__all__ = ["Load"]


class Load:
    """Turns at miners, first come first served.

    async with load.at(hotkey):
        outcome = await client.outcome(peer, query)
    """

    def __init__(self, most_at_once: int = 2, wait_s: float = 12.0) -> None:
        if most_at_once < 1:
            raise OutOfRange(f"most_at_once is {most_at_once}, expected 1 or more")
        self._most = most_at_once
        self._wait_s = wait_s
        self.singles: frozenset[Hotkey] = frozenset()
        """Who is sent one query at a time: axons of bittensor 10 refuse those that overtake each other."""
        self._under_way: dict[Hotkey, int] = {}
        self._waiting: dict[Hotkey, deque[asyncio.Future[None]]] = {}

    def free(self, hotkey: Hotkey) -> int:
        """How many more queries this miner may be sent now."""
        most = 1 if hotkey in self.singles else self._most
        return 0 if hotkey in self._waiting else max(0, most - self._under_way.get(hotkey, 0))

    @asynccontextmanager
    async def at(self, hotkey: Hotkey) -> AsyncIterator[Callable[[], None]]:
        """A turn at this miner; raises `Unreachable` where none comes in time, and then nothing was sent.

        What it gives ends the turn before the block does; a second call does nothing.
        """
        if self.free(hotkey):
            self._under_way[hotkey] = self._under_way.get(hotkey, 0) + 1
        else:
            await self._turn(hotkey)
        turn = ExitStack()
        turn.callback(self._leave, hotkey)
        with turn:
            yield turn.close

    async def _turn(self, hotkey: Hotkey) -> None:
        """Wait until somebody hands its turn over."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(hotkey, deque()).append(mine)
        try:
            async with asyncio.timeout(self._wait_s):
                await mine
        except BaseException as error:
            self._give_up(hotkey, mine)
            if not isinstance(error, TimeoutError):
                raise
            raise Unreachable(
                f"{self._most} of our queries are under way at {short(hotkey)}, and none ended in {self._wait_s:g} s",
                help="let more be sent to one miner at once: most_at_once",
            ) from None

    def _give_up(self, hotkey: Hotkey, mine: asyncio.Future[None]) -> None:
        if mine.done() and not mine.cancelled():  # the turn came together with the cancellation: on to the next
            self._leave(hotkey)
        elif mine in (waiting := self._waiting.get(hotkey, deque())):
            waiting.remove(mine)
            if not waiting:
                del self._waiting[hotkey]

    def _leave(self, hotkey: Hotkey) -> None:
        waiting = self._waiting.get(hotkey, deque())
        while waiting:
            following = waiting.popleft()
            if not waiting:
                del self._waiting[hotkey]
            if not following.done():
                following.set_result(None)
                return
        self._under_way[hotkey] -= 1
        if not self._under_way[hotkey]:
            del self._under_way[hotkey]
