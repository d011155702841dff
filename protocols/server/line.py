# SPDX-License-Identifier: Apache-2.0
"""The end of a connection: the peer gets to read the last words, but not for ever.

A socket that is closed over unread data resets the connection, so that a peer whose request was refused half-way would
see a broken connection and never the reason. A socket that is closed over unsent data stays open for as long as the
peer does not read. So a connection is ended in one direction first, what still comes is thrown away, and both waits
are short.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final

_LINGER_S: Final = 0.5
_LEAST_BYTES: Final = 4_096
"""What a peer must at least read in each of these waits."""
_LATE_S: Final = 0.1
_DROPPED_BYTES: Final = 1 << 20
"""What a peer may send after it was told to stop."""


class Line:
    """A transport as uvicorn uses it, whose `close` is patient within bounds."""

    __slots__ = ("_dropped", "_loop", "_timer", "_transport", "abort", "closing", "pause_reading", "write")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.closing = False
        # Bound once: what happens for each response costs nothing more than before.
        self.write = transport.write
        self.abort = transport.abort
        self.pause_reading = transport.pause_reading
        self._transport = transport
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0

    @property
    def unsent(self) -> int:
        """Bytes that wait to be read by the peer."""
        return self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """Whether nothing more is to be written."""
        return self.closing or self._transport.is_closing()

    def close(self) -> None:
        """Write nothing more, and let go as soon as the peer has read or given up."""
        if self.closing:
            return
        self.closing = True
        if self._transport.get_write_buffer_size():
            self._transport.close()
            self._flush(math.inf, self._loop.time())
            return
        try:
            self._transport.resume_reading()
            self._transport.write_eof()
        except OSError:
            self.abort()
            return
        self._timer = self._loop.call_later(_LINGER_S, self.abort)

    def drop(self, size: int) -> None:
        """Throw away what came after the end."""
        self._dropped += size
        if self._dropped > _DROPPED_BYTES:
            self.abort()

    def lost(self) -> None:
        """The connection is gone."""
        self.closing = True
        if self._timer is not None:
            self._timer.cancel()

    def _flush(self, allowed: float, due: float) -> None:
        left, now = self._transport.get_write_buffer_size(), self._loop.time()
        # A late timer means that we were busy, and had no time to send either.
        if left > allowed and now - due < _LATE_S:
            self.abort()
        elif left:
            due = now + _LINGER_S
            self._timer = self._loop.call_at(due, self._flush, max(0, left - _LEAST_BYTES), due)


__all__ = ["Line"]
