# SPDX-License-Identifier: Apache-2.0
"""The machine as a measuring instrument: who runs on which core, processor time, memory, and what others do.

Processor time comes from `schedstat`: the ticks of `/proc/PID/stat` miss up to half of short bursts. Foreign load is
the busy time of all cores that none of our processes used, in cores; with more than `QUIET` of it, rates say little
and CPU a request still does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = ["CLIENT_CORE", "EVERY_CORE", "QUIET", "SERVER_CORE", "Watch", "cpu_seconds", "pin", "resident_bytes"]

SERVER_CORE: Final = 0
CLIENT_CORE: Final = 1
EVERY_CORE: Final = 1 << 16
"""No machine has so many, so who is pinned to it stays free."""
QUIET: Final = 0.15

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def pin(pid: int, core: int) -> None:
    """Keep a process on one core; with fewer cores, or where the system forbids it, leave it be."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) > core:
        os.sched_setaffinity(pid, {available[core]})


def cpu_seconds(pid: int) -> float:
    """Processor time that the threads of a process have used so far."""
    return sum(map(_thread_ns, Path(f"/proc/{pid}/task").iterdir())) / 1e9


def _thread_ns(task: Path) -> int:
    try:
        return int(task.joinpath("schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):  # it ended while the others were read
        return 0


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


class Watch:
    """Counts, from its creation on, what the machine did that was not ours."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = (*pids, os.getpid())
        self._wall = time.monotonic()
        self._busy = _busy_seconds()
        self._own = self._own_seconds()

    def foreign(self) -> float:
        """Cores that others kept busy since the creation."""
        wall = time.monotonic() - self._wall
        others = (_busy_seconds() - self._busy) - (self._own_seconds() - self._own)
        return round(max(0.0, others / wall), 2)

    def _own_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._pids)


def _busy_seconds() -> float:
    user, nice, system, _idle, _wait, irq, softirq, steal = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, irq, softirq, steal))) / _TICK
