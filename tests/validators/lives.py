# SPDX-License-Identifier: Apache-2.0
"""Validators that are started as often as one asks: `python -m tests.validators.lives URL FOLDER`, and a line a life.

Each life is a process of its own, forked when everything is imported, so that a test can end many of them. It says on
stdout who it is, and which rounds it has done, with a star where it reached the chain.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

from protocols.errors import ChainUnreachable
from protocols.memory import MemoryNetwork
from protocols.replay import MemoryReplay
from protocols.server import Server, ServerOptions
from subnet.chain.client import Deadlines, SubstrateChain
from tests.validators.world import Guess, World, miner_key, off_by
from validators.options import ValidatorOptions
from validators.round import Round
from validators.store import Store

__all__ = ["MINERS", "live"]

MINERS = 3
_OPTIONS = ValidatorOptions(seed=1, timeout_s=5.0, settle_blocks=2, interval_s=0.01, most_backoff_s=0.2)


async def live(url: str, folder: Path) -> None:
    """One life, until somebody ends it."""
    async with AsyncExitStack() as stack:
        network = MemoryNetwork()
        for at in range(MINERS):
            options = ServerOptions(replay=MemoryReplay.never_served_before())
            server = Server(miner_key(f"m{at}"), {Guess: off_by(at)}, options)
            await stack.enter_async_context(server)
            network.serve(f"127.0.0.1:{9000 + at}", server.app)
        deadlines = Deadlines(connect_s=20.0, request_s=20.0, block_s=20.0, inclusion_s=20.0)
        chain = await stack.enter_async_context(await SubstrateChain.open([url], deadlines=deadlines))
        world = World(folder, cast(Any, chain), stack, network=network)
        validator = world.validator(Store(folder / "validator.db"), chain, options=_OPTIONS)
        await validator.run(until=_told)


def _told(done: Round) -> bool:
    _say(f"round {done.number}{'' if ChainUnreachable.code in done.reason else ' *'}")
    return False


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _births(url: str, folder: Path) -> None:
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            _say(f"alive {os.getpid()}")
            asyncio.run(live(url, folder))
        os.waitpid(child, 0)
        _say("dead")


if __name__ == "__main__":
    _births(sys.argv[1], Path(sys.argv[2]))
