# SPDX-License-Identifier: Apache-2.0
"""A miner in a process of its own, so that its memory can be told from that of who attacks it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import uvloop

from protocols.server import Limits, ServerOptions
from tests.attacks.miner import serving

__all__ = ["Apart", "served_apart"]


class Apart:
    """The running process."""

    def __init__(self, url: str, process: psutil.Process) -> None:
        self.url = url
        self._process = process

    def resident(self) -> int:
        """Bytes of memory that it holds now."""
        resident: int = self._process.memory_info().rss
        return resident


@asynccontextmanager
async def served_apart() -> AsyncIterator[Apart]:
    """Start a miner that forgives everything, so that each bad request is judged in full; stopped afterwards."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(30.0):
        url = (await process.stdout.readline()).decode().strip()
    try:
        yield Apart(url, psutil.Process(process.pid))
    finally:
        process.stdin.close()
        await process.wait()


async def serve() -> None:
    """Serve until standard input is closed."""
    limits = Limits(failures_burst=10_000_000, failures_per_s=1e7)
    async with serving(options=ServerOptions(limits=limits)) as target:
        sys.stdout.write(f"{target.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve())
