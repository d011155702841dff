# SPDX-License-Identifier: Apache-2.0
"""A million calls, and neither side has grown; half an hour of mixed load and faults, and neither has a miner.

What a server must remember of recent calls (nonces, until they can no longer be replayed) fills up first; so the
baseline is taken after more than that time, and calls come at one steady rate. `SOAK_CALLS` shortens the first part,
`SOAK_SECONDS` the second; 0 leaves it out.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.bench.harness.figure import Bar, Figure, effort, middle
from tests.bench.harness.machine import resident_bytes
from tests.bench.ordeal import Held, Ordeal
from tests.bench.parties import OURS, Stack, watch
from tests.e2e.mining import MINER, MODEL, chain, miner, ready

__all__ = ["figures"]

_RATE: Final = 2500
_CHUNK: Final = 10_000
_WIDTH: Final = 64
_WARM_S: Final = 90
_SAMPLES: Final = 5
_SECONDS: Final = 1800
_MEMORY_SAMPLES: Final = 60
_LEAST_WARM_S: Final = 20.0
_FLOODS: Final = 90
"""How many floods there are in a soak of a miner; other faults come less often, in proportion."""


def figures() -> Iterator[Figure]:
    """Both parts."""
    if calls := int(os.environ.get("SOAK_CALLS", effort(1_000_000, 4_000))):
        yield from _wire(calls)
    if seconds := int(os.environ.get("SOAK_SECONDS", effort(_SECONDS, 20))):
        yield from asyncio.run(_miner(seconds))


async def _miner(seconds: int) -> list[Figure]:
    """What a miner with a real model holds, after over before; a first sixth of the time is its warm-up."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        network = stack.enter_context(chain(folder / "chain"))
        served = stack.enter_context(miner(network.url, folder / "miner", MINER, *MODEL, "--refresh", "2"))
        ordeal = Ordeal(served, network, await ready(served), pace_s=max(2.0, seconds / _FLOODS))
        await ordeal.suffer(max(_LEAST_WARM_S, seconds / 6), 1)
        before = await ordeal.held()
        memory = await ordeal.suffer(seconds * 5 / 6, _MEMORY_SAMPLES)
        after = await ordeal.held()
    return list(_grown(memory, before, after, dict(ordeal.seen)))


def _grown(memory: Sequence[int], before: Held, after: Held, seen: dict[str, int]) -> Iterator[Figure]:
    first, last = _ends(memory)
    detail: dict[str, object] = {
        "before": asdict(before),
        "after": asdict(after),
        "mib": [round(sample / 2**20, 1) for sample in memory],
        "seen": seen,
    }
    yield Figure("soak_miner_memory_growth", middle([last / first]), Bar("<=", 1.05), detail)
    yield Figure("soak_miner_handles_left", after.handles - before.handles, Bar("<=", 0))
    yield Figure("soak_miner_tasks_left", after.tasks - before.tasks, Bar("<=", 0))
    yield Figure("soak_miner_threads_left", after.threads - before.threads, Bar("<=", 0))


def _wire(calls: int) -> Iterator[Figure]:
    """Resident memory of the server and of the client, after over before."""
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
