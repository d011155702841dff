# SPDX-License-Identifier: Apache-2.0
"""What a server logs because of a request: bounded, because requests are not.

Whoever may call can also find the query that makes a handler raise, and send it a thousand times a second. The first
reports say everything there is to know; of the rest only the number is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from protocols.clock import Clock

_LOG = logging.getLogger(__name__)
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class Complaints:
    """Errors of one server, so many in a burst and then so many a minute."""

    def __init__(self, clock: Clock, burst: int, per_minute: float) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._per_s = per_minute / 60.0
        self._left = self._burst
        self._since = clock.monotonic()
        self._unsaid = 0

    def report(self, what: str, error: BaseException, about: Mapping[str, object] = _NOTHING) -> None:
        """Log an error with its traceback and the fields that say what it was about, or only count it."""
        now = self._clock.monotonic()
        self._left = min(self._burst, self._left + (now - self._since) * self._per_s)
        self._since = now
        if self._left < 1.0:
            self._unsaid += 1
            return
        self._left -= 1.0
        if self._unsaid:
            _LOG.error("%d more errors were not logged one by one", self._unsaid)
            self._unsaid = 0
        _LOG.error("%s", what, exc_info=error, extra=about)


__all__ = ["Complaints"]
