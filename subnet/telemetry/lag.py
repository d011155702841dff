# SPDX-License-Identifier: Apache-2.0
"""How late the event loop is: the first thing to look at when everything is slow, since one blocking call slows all.

That it was late, the loop itself can tell, afterwards. Who held it only a thread can see, while it is held.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from protocols.clock import Clock

__all__ = ["LoopLag"]

_LOG: Final = logging.getLogger(__name__)
_EVERY_S: Final = 0.25
_KEPT: Final = 240
_NOTICED_S: Final = 0.5
_FRAMES: Final = 24


class LoopLag:
    """Measures by how much a short sleep is too long; the worst of the last minute is what operators see."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: deque[float] = deque([0.0], maxlen=_KEPT)
        self._due = 0.0
        self.tasks = 0
        """How many tasks the loop had when it was last looked at."""

    @property
    def worst_s(self) -> float:
        """The worst delay of the last minute, in seconds."""
        return max(self._recent)

    async def run(self) -> None:
        """Measure until cancelled."""
        self._due = self._clock.monotonic() + _EVERY_S
        with self._watched():
            while True:
                await self._clock.sleep(_EVERY_S)
                now = self._clock.monotonic()
                late = max(0.0, now - self._due)
                self._due = now + _EVERY_S
                self._recent.append(late)
                self.tasks = len(asyncio.all_tasks())
                if late > _NOTICED_S:
                    _LOG.warning(
                        "the event loop was held for %.2f s", late, extra={"lag_s": round(late, 3), "tasks": self.tasks}
                    )

    @contextmanager
    def _watched(self) -> Iterator[None]:
        over, loops = threading.Event(), threading.get_ident()
        threading.Thread(target=self._watch, args=(loops, over), name="loop-watch", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _watch(self, loops: int, over: threading.Event) -> None:
        seen, said = self._clock.monotonic(), 0.0
        while not over.wait(_EVERY_S):
            now, before = self._clock.monotonic(), seen
            seen, due = now, self._due
            # Where this thread was late itself, the whole process stood still, and no line of it is to blame.
            if due != said and now - due > _NOTICED_S and now - before < 2 * _EVERY_S:
                said = due
                _tell(loops, now - due)


def _tell(thread: int, held_s: float) -> None:
    frame = sys._current_frames().get(thread)
    if frame is None:
        return
    code = frame.f_code
    _LOG.warning(
        "the event loop has been held for %.2f s by %s, line %d of %s",
        held_s,
        code.co_qualname,
        frame.f_lineno,
        code.co_filename,
        extra={"lag_s": round(held_s, 3), "stack": "".join(traceback.format_stack(frame, _FRAMES)).rstrip()},
    )
