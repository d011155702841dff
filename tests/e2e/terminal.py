# SPDX-License-Identifier: Apache-2.0
"""The command line on a terminal: a pseudo-terminal that the process takes for its own, and what a reader sees on it.

Bytes say little about a screen that is drawn again and again; an emulator keeps what stands where. A key is typed as a
person types it, so Ctrl-C comes from the terminal and reaches whoever is in front of it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyte

__all__ = ["PRELUDE", "ROOT", "Terminal"]

ROOT: Final = Path(__file__).parents[2]
PRELUDE: Final = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
"""Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that."""
_OURS: Final = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
_STRANGERS: Final = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE")


class Terminal:
    """A Python program in a terminal of so many columns and lines."""

    def __init__(self, program: str, columns: int = 80, lines: int = 24, env: Mapping[str, str] | None = None) -> None:
        """Start it; `env` is added to the environment."""
        self._screen = pyte.HistoryScreen(columns, lines, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """Everything that was written."""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        inherited = {name: value for name, value in os.environ.items() if name not in _STRANGERS}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + _OURS + program],
            cwd=ROOT,
            env=inherited | {"TERM": "xterm-256color"} | dict(env or {}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without the empty lines at its end."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip().split("\n")

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor is shown."""
        return not self._screen.cursor.hidden

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def wait(self, until: Callable[[list[str]], bool], seconds: float = 40.0) -> None:
        """Watch until the screen shows it."""
        end = time.monotonic() + seconds
        while not until(self.lines):
            assert time.monotonic() < end, "\n".join(["not seen:", *self.lines])
            assert self._read(), "\n".join(["it ended:", *self.lines])

    def finish(self, seconds: float = 40.0) -> int:
        """Watch until the program has ended; its exit code."""
        end = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < end, "\n".join(["still running:", *self.lines])
        return self.process.wait(max(0.0, end - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> bool:
        """Take in what was written; False at its end."""
        if not select.select([self._ours], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(self._ours, 65_536)
        except OSError:  # a terminal that nobody holds any more
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)
