# SPDX-License-Identifier: Apache-2.0
"""The thread that writes log lines, so that nobody who logs ever waits for whoever reads.

A pipe whose reader has stopped takes 64 KiB and then blocks. What is still to be written is therefore bounded; what
comes beyond that is lost, and counted. Bytes go to the descriptor itself: a lock of Python's that a blocked thread
holds would keep the process from ending.
"""

from __future__ import annotations

import copy
import io
import logging
import os
import queue
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

__all__ = ["Writer"]

_WAITING: Final = 10_000
_FLUSH_S: Final = 1.0


class Writer(logging.Handler):
    """A handler that only puts lines in a line; started when it is made, closed with logging."""

    def __init__(
        self, stream: IO[str], formatter: logging.Formatter, veil: Callable[[str], str], *, waiting: int = _WAITING
    ) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.dropped = 0
        """Lines that were lost because nobody read, or because there was nothing to write to."""
        self._veil = veil
        self._write = _into(stream)
        self._queue: queue.Queue[logging.LogRecord | threading.Event | None] = queue.Queue(waiting)
        self._told = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line, or count it as lost."""
        taken = copy.copy(record)
        # Arguments may change before the thread comes to them.
        taken.msg, taken.args = record.getMessage(), ()
        try:
            self._queue.put_nowait(taken)
        except queue.Full:
            self.dropped += 1

    def flush(self) -> None:
        """Wait until what was taken is written, for a second at most."""
        written = threading.Event()
        try:
            self._queue.put(written, timeout=_FLUSH_S)
        except queue.Full:
            return
        written.wait(_FLUSH_S)

    def close(self) -> None:
        """Write what was taken, if somebody reads it within a second, and end the thread."""
        self.flush()
        with suppress(queue.Full):
            self._queue.put_nowait(None)
        super().close()

    def _run(self) -> None:
        while (taken := self._queue.get()) is not None:
            if isinstance(taken, threading.Event):
                taken.set()
            else:
                self._put(taken)

    def _put(self, record: logging.LogRecord) -> None:
        if self.dropped > self._told:
            lost, self._told = self.dropped - self._told, self.dropped
            self._put(_said(f"{lost} log lines were lost, nobody read them in time"))
        try:
            line = self.format(record)
        except Exception as error:
            line = self.format(_said(f"a line of {record.name} cannot be written: {type(error).__name__}"))
        try:
            self._write(f"{self._veil(line)}\n".encode(errors="backslashreplace"))
        except (OSError, ValueError):
            self.dropped += 1


def _said(message: str) -> logging.LogRecord:
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, message, None, None)


def _into(stream: IO[str]) -> Callable[[bytes], None]:
    try:
        descriptor = stream.fileno()
    except (io.UnsupportedOperation, OSError, AttributeError):
        return lambda data: _written(stream, data)
    return lambda data: _pushed(descriptor, data)


def _written(stream: IO[str], data: bytes) -> None:
    stream.write(data.decode())
    stream.flush()


def _pushed(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            # Somebody who shares the terminal has made it so.
            select.select([], [descriptor], [])
