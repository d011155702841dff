# SPDX-License-Identifier: Apache-2.0
"""A streamed reply: items as they come, and their times.

The items are provisional until the stream ends well: only the last frame carries the miner's signature over all of
them. Leaving the block early closes the connection, which cancels the work at the miner.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Any, Final

from protocols.client.attempt import Attempt, Deadline
from protocols.dialect import StreamReader
from protocols.errors import BrokenStream, TimedOut
from protocols.seal import StreamEvidence
from protocols.synapse import Reply
from protocols.transport import Arrival, Transport

# Items that already lie in memory are taken without waiting; after this many, others get a turn.
_AT_ONCE: Final = 64
# Where we ourselves were busy until the time was over, what has meanwhile arrived is read: for as long again, or this.
_GRACE_S: Final = 0.01
_IN_ALL: Final = "its time in all is over"


class Stream:
    """One streamed reply; use it with `async with`, then iterate once."""

    def __init__(
        self, attempt: Attempt, deadline: Deadline, transport: Transport, *, idle_s: float, kept_bytes: int = 0
    ) -> None:
        self._attempt = attempt
        self._deadline = deadline
        self._transport = transport
        self._idle_s = idle_s
        self._kept_bytes = kept_bytes
        self._reader: StreamReader | None = None
        self._arrival: Arrival | None = None
        self._items: AsyncIterator[Reply] | None = None
        self._last_s: float | None = None
        self.item_times_s: list[float] = []
        """When each item came, from sending; the first is the time to the first token."""
        self.complete = False
        """Whether the stream came to its signed end; until then nothing of it is proved."""

    @property
    def evidence(self) -> StreamEvidence | None:
        """The proof of what was streamed, once it is complete; none where no bytes were to be kept."""
        return self._reader.evidence if self.complete and self._reader is not None else None

    async def __aenter__(self) -> Stream:
        with self._deadline:
            self._items = await self._attempt.ask(self._transport, self._begin)
        self._sent_at = self._attempt.sent_at or 0.0
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The connection is let go first, so that whatever closing the items does cannot keep it open.
        if self._arrival is not None:
            self._arrival.release()
        if isinstance(self._items, AsyncGenerator):
            await self._items.aclose()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        if self._items is None:
            raise BrokenStream("stream is not open, or has failed before: nothing more of it can be believed")
        if len(self.item_times_s) % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        left_s = self._left_s()
        try:
            with Deadline(min(self._idle_s, left_s), self._deadline.hotkey) as wait:
                wait.start()
                item = await anext(self._items)
        except StopAsyncIteration:
            self.complete = True
            raise
        except BaseException as error:
            self._items = None
            if not isinstance(error, TimedOut):
                raise
            what = f"{self._idle_s:g} s without an item" if left_s > self._idle_s else _IN_ALL
            raise self._timed_out(what) from None
        self.item_times_s.append(self._attempt.now() - self._sent_at)
        return item

    def _left_s(self) -> float:
        left_s = self._deadline.left_s
        if left_s > 0:
            return left_s
        if self._last_s is None:
            self._last_s = left_s - max(_GRACE_S, min(-left_s, self._deadline.limit_s))
        if left_s <= self._last_s:
            self._items = None
            raise self._timed_out(_IN_ALL)
        return left_s - self._last_s

    def _timed_out(self, what: str) -> TimedOut:
        return TimedOut(f"stream stopped after {len(self.item_times_s)} items: {what}")

    async def _begin(self, arrival: Arrival) -> AsyncIterator[Reply]:
        if arrival.head.status != 200:
            await self._attempt.read(arrival)
        try:
            self._reader = self._attempt.asked.stream(arrival.head, self._kept_bytes)
            items = self._reader.items(arrival.chunks())
        except BaseException:
            arrival.release()
            raise
        self._arrival = arrival
        return items


__all__ = ["Stream"]
