# SPDX-License-Identifier: Apache-2.0
"""Our local node as a process that is measured: served over a real port, or commanded to make blocks and count.

`python -m tests.bench.node GENESIS MODE BLOCK_TIME [FILE]` serves; its first line says on which port. The commands that
follow on its standard input do in the process what a client would only see the network's share of.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.dev import Dev
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import read_genesis
from subnet.chain.node.node import Node
from subnet.chain.node.rpc import RpcServer
from subnet.chain.node.rpc.dev import DevMethods
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from tests.bench.harness.child import Channel
from tests.bench.harness.machine import resident_bytes

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Serve until the other end closes."""
    genesis, mode, block_time, *file = arguments
    store = Store(Path(file[0]) if file else None)
    ensure_founded(store, Runtime, read_genesis(Path(genesis)).beginning)
    node = Node(store, Runtime, sealing=Sealing(mode=Mode(mode), block_time=float(block_time)))
    try:
        asyncio.run(_serve(node))
    finally:
        store.close()


async def _serve(node: Node) -> None:
    server = RpcServer(methods_of(node, DevMethods(Dev(node))))
    port = await server.start()
    author = asyncio.create_task(node.author.run())
    channel = Channel()
    channel.say({"port": port})
    work: dict[str, Callable[[int], dict[str, Any]]] = {
        "blocks": lambda count: _blocks(node, count),
        "forward": lambda count: _forward(node, count),
    }
    async for command in channel.commands():
        channel.say(work[command["do"]](command["count"]))
    author.cancel()
    await server.stop()


def _blocks(node: Node, count: int) -> dict[str, Any]:
    """Make blocks one by one: milliseconds of processor time and of the clock, those with an epoch by themselves."""
    idle, epochs, walls = [], [], []
    subtensor = node.runtime.subtensor  # type: ignore[attr-defined]  # a Machine here, and a Runtime above
    for _ in range(count):
        before, wall, cpu = subtensor.SubnetEpochIndex[1], time.perf_counter(), time.process_time()
        node.seal()
        spent = (time.process_time() - cpu) * 1e3
        if subtensor.SubnetEpochIndex[1] == before:
            idle.append(spent)
        else:
            epochs.append(spent)
            walls.append((time.perf_counter() - wall) * 1e3)
    return {
        "idle_cpu_ms": statistics.median(idle),
        "epoch_cpu_ms": statistics.median(epochs),
        "epoch_ms": statistics.median(walls),
        "epochs": len(epochs),
    }


def _forward(node: Node, count: int) -> dict[str, Any]:
    """Make blocks as if their time had passed."""
    gc.collect()
    resident, wall, cpu = resident_bytes(os.getpid()), time.perf_counter(), time.process_time()
    node.skip(count)
    spent = {"s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    gc.collect()
    return {**spent, "grown_mb": (resident_bytes(os.getpid()) - resident) / 2**20, "head": node.head.number}


if __name__ == "__main__":
    main(sys.argv[1:])
