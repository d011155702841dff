# SPDX-License-Identifier: Apache-2.0
"""What time it is on the chain, which only ever goes on.

It runs with the monotonic clock from where it was set once, so that a wall clock which is put back or forth does not
reach into the chain; a developer may put it forth.
"""

from __future__ import annotations

from typing import Final

from protocols.clock import Clock
from protocols.errors import LedgerError

__all__ = ["ChainTime"]

_MS: Final = 1_000
_NS_A_MS: Final = 1_000_000


class ChainTime:
    """Hands out the timestamps of blocks, in milliseconds since 1970, each later than the one before."""

    def __init__(self, clock: Clock, newest: int) -> None:
        """Go on after `newest`, the timestamp of the head."""
        self._clock = clock
        self.newest = newest
        self._set(max(clock.time_ns() // _NS_A_MS, newest + 1))

    def next(self) -> int:
        """The timestamp for a block that is made now."""
        self.newest = max(self.now(), self.newest + 1)
        return self.newest

    def skip(self, milliseconds: int) -> int:
        """The timestamp for a block that is made as if so much time had passed since the one before."""
        self.newest += max(1, milliseconds)
        if self.newest > self.now():
            self._set(self.newest)
        return self.newest

    def back_to(self, newest: int) -> None:
        """Forget timestamps that were handed out after this one."""
        self.newest = newest

    def set(self, milliseconds: int) -> None:
        """Let the next block have this timestamp, and time go on from there; raises `LedgerError` for the past."""
        if milliseconds <= self.newest:
            raise LedgerError(
                f"the next block cannot be at {milliseconds} ms, the newest one is at {self.newest} ms",
                help=f"give a time after {self.newest}",
            )
        self._set(milliseconds)

    def now(self) -> int:
        """What time it is, in milliseconds since 1970."""
        return self._origin + round(self._clock.monotonic() * _MS)

    def _set(self, milliseconds: int) -> None:
        self._origin = milliseconds - round(self._clock.monotonic() * _MS)
