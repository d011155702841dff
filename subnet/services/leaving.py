# SPDX-License-Identifier: Apache-2.0
"""The end of a process that cannot end by itself: a thread that never returns, or code that lets no other thread run.

Python waits for its threads before it leaves, and the `score` of a definition may hang for ever. Whoever was told to
stop has had time to close its files by then; what is durable was so before.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from typing import Final

from subnet.telemetry import Writer

__all__ = ["Leave"]

_PATIENCE_S: Final = 10.0


class Leave:
    """Ends this process, with the lines of its log written; made by a command, never by a program that embeds us."""

    def __init__(self, lines: Writer, *, patience_s: float = _PATIENCE_S) -> None:
        self._lines = lines
        self._patience_s = patience_s

    def __call__(self, code: int) -> None:
        """End with this exit code, unless the process has ended by itself by then; may be called from any thread."""
        self.unless_within(3 * self._patience_s)  # in place of a shorter time that was set before
        threading.Thread(target=self._end, args=(code,), name="leave", daemon=True).start()

    def unless_within(self, seconds: float) -> None:
        """End with 1 and all stacks on stderr unless this is called again: also where nothing else of us can run."""
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.stderr)

    def stay(self) -> None:
        """Take that back."""
        faulthandler.cancel_dump_traceback_later()

    def _end(self, code: int) -> None:
        time.sleep(self._patience_s)
        self._lines.flush()
        os._exit(code)
