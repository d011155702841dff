# SPDX-License-Identifier: Apache-2.0
"""A whole network in a process of its own, and what it cost: `python -m tests.subnet.localnet.crowd MINERS VALIDATORS`.

Peak memory belongs to a process and is never given back, so a measurement of it needs a fresh one. What is printed at
the end is one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final, TypedDict

import psutil

from protocols.types import Block
from subnet.localnet import Localnet, LocalnetOptions
from subnet.templates.text.text import Text

__all__ = ["CROWD", "Cost", "cost"]

CROWD: Final = ("good:32,weak:16,copier:8,constant:4,silent:4", "honest:8")
"""64 miners and 8 validators."""
_ROOT: Final = Path(__file__).parents[3]


class Cost(TypedDict):
    """What a network took."""

    rounds: int
    mean_step_s: float
    """Of all validators' rounds but each one's first."""
    worst_step_s: float
    first_weights_s: float
    """From the start of the process until every validator has weights on the chain."""
    peak_mb: float
    threads: int


def cost(miners: str, validators: str, *, epochs: int, lockstep: bool = False) -> Cost:
    """Run a network of the bundled subnet in a fresh process for so many epochs."""
    words = [miners, validators, str(epochs), *(["lockstep"] if lockstep else [])]
    done = subprocess.run(
        [sys.executable, "-m", "tests.subnet.localnet.crowd", *words],
        cwd=_ROOT,
        check=True,
        stdout=subprocess.PIPE,
        timeout=100,
    )
    measured: Cost = json.loads(done.stdout)
    return measured


async def _run(miners: str, validators: str, epochs: int, is_lockstep: bool) -> Cost:
    async with Localnet(Text(), LocalnetOptions(miners=miners, validators=validators, lockstep=is_lockstep)) as network:
        weights = asyncio.create_task(_first_weights(network))
        async for _ in network.epochs(epochs):
            continue
        first_weights_s, steps, threads = await weights, network.steps_s, threading.active_count()
    return Cost(
        rounds=len(steps),
        mean_step_s=statistics.mean(steps),
        worst_step_s=max(steps),
        first_weights_s=first_weights_s,
        peak_mb=_peak_mb(),
        threads=threads,
    )


async def _first_weights(network: Localnet) -> float:
    while min((await network.summary()).weight_updates.values()) < 1:
        await network.chain.wait_for_block(Block(await network.chain.block() + 1))
    return time.time() - float(psutil.Process().create_time())


def _peak_mb() -> float:
    # Not `getrusage`: its peak outlives exec, so a child of a large process would report its parent's.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    measured = asyncio.run(_run(sys.argv[1], sys.argv[2], int(sys.argv[3]), "lockstep" in sys.argv))
    sys.stdout.write(json.dumps(measured) + "\n")
