# SPDX-License-Identifier: Apache-2.0
"""A million calls, and neither side has grown.

What a server must remember of recent calls (nonces, until they can no longer be replayed) fills up first; so the
baseline is taken after more than that time, and calls come at one steady rate. `SOAK_CALLS` shortens the run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Final

from tests.bench.harness.figure import Bar, Figure, effort, middle
from tests.bench.harness.machine import resident_bytes
from tests.bench.parties import OURS, Stack, watch

__all__ = ["figures"]

_RATE: Final = 2500
_CHUNK: Final = 10_000
_WIDTH: Final = 64
_WARM_S: Final = 90
_SAMPLES: Final = 5


def figures() -> Iterator[Figure]:
    """Resident memory of the server and of the client, after over before."""
    calls = int(os.environ.get("SOAK_CALLS", effort(1_000_000, 4_000)))
    with Stack(OURS) as ours:
        quiet = watch(ours)
        failed = _warm(ours)
        samples: list[tuple[int, int]] = []
        chunk = min(_CHUNK, max(1, calls // (2 * _SAMPLES)))
        for _ in range(max(1, calls // chunk)):
            failed += _chunk(ours, chunk)
            samples.append((resident_bytes(ours.server.pid), resident_bytes(ours.client.pid)))
        detail: dict[str, object] = {"calls": calls, "failed": failed, "rate": _RATE, "foreign_load": quiet.foreign()}
    growth = {}
    for side, name in enumerate(("server", "client")):
        before, after = _ends([sample[side] for sample in samples])
        growth[name] = after / before
        detail[f"{name}_mib"] = {"before": middle([before / 2**20]), "after": middle([after / 2**20])}
    value = None if failed else middle([max(growth.values())])
    yield Figure("soak_memory_growth", value, Bar("<=", 1.05), {**detail, "growth": growth})


def _ends(samples: Sequence[int]) -> tuple[float, float]:
    """Memory at the beginning and at the end, each the median of a few samples."""
    few = max(1, min(_SAMPLES, len(samples) // 2))
    return middle(samples[:few]), middle(samples[-few:])


def _warm(ours: Stack) -> int:
    failed, end = 0, time.monotonic() + effort(_WARM_S, 1)
    while time.monotonic() < end:
        failed += _chunk(ours, effort(_CHUNK, 1_000))
    return failed


def _chunk(ours: Stack, calls: int) -> int:
    command = {"do": "soak", "port": ours.ports[0], "calls": calls, "width": _WIDTH, "rate": _RATE}
    return int(ours.client.ask(command)["failed"])
