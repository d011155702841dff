# SPDX-License-Identifier: Apache-2.0
"""Our end of a measured process: start it on its core, command it, read its processor time, and be sure that it ends.

Every command has a deadline: a rival that hangs is killed, and the figure says so, instead of a benchmark that never
returns.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.bench.harness import machine

__all__ = ["Peer", "PeerFailed"]

_ROOT = Path(__file__).resolve().parents[3]
_START_S = 60.0


class PeerFailed(RuntimeError):
    """A measured process died or did not answer in time."""


class Peer:
    """One measured process, pinned to `core`; `hello` is the first thing it said."""

    def __init__(self, name: str, command: Sequence[str], core: int) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process that writes to it
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        # Before the interpreter is up, so that every thread it starts inherits the core.
        machine.pin(self.pid, core)
        try:
            self.hello = self.answer(_START_S)
        except PeerFailed:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, command: Mapping[str, object], within: float = 120.0) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self.tell(command)
        return self.answer(within)

    def tell(self, command: Mapping[str, object]) -> None:
        """Send one command, whose answer is fetched with `answer`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def cpu_seconds(self) -> float:
        """Processor time it has used so far."""
        return machine.cpu_seconds(self.pid)

    def answer(self, within: float) -> dict[str, Any]:
        """Wait for the answer to the last command."""
        assert self._process.stdout is not None
        alarm = threading.Timer(within, self._process.kill)
        alarm.start()
        try:
            line = self._process.stdout.readline()
        finally:
            alarm.cancel()
        if not line:
            raise PeerFailed(f"{self.name} gave no answer within {within:g} s: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-500:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; servers here have nothing to save."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()
