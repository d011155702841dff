# SPDX-License-Identifier: Apache-2.0
"""`subnet run`: a whole network on this machine, a table after each epoch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from protocols.clock import SystemClock
from protocols.errors import UsageError
from protocols.registry import load
from protocols.types import Block
from subnet.cli.answer import Answer, View
from subnet.localnet import Localnet, LocalnetOptions, Summary
from subnet.localnet.board import Board
from subnet.localnet.port import Port
from subnet.localnet.table import table
from subnet.settings import LocalSettings

__all__ = ["run"]


async def run(
    app: Annotated[str, Parameter(help="The subnet: a name, or a file with its class (app.py:Class).")] = "text",
    /,
    *,
    local: LocalSettings,
    lockstep: Annotated[bool, Parameter(help="Take turns, so that equal seeds give equal numbers.")] = False,
    state: Annotated[Path | None, Parameter(help="Folder to keep the chain and scores in, and to go on from.")] = None,
) -> AsyncGenerator[Answer | View, None]:
    """Run a whole network on this machine: a chain, miners of every character, validators; a table each epoch.

    Wallets, explorers and `subnet chain` reach the chain at the address that it prints; in lockstep nobody does. Stop
    it with Ctrl-C. The keys are public ones: use them for nothing else.
    """
    if lockstep and not local.epochs:
        raise UsageError("a network in lockstep would never stop", help="say how long: --epochs 20")
    options = LocalnetOptions(
        miners=local.miners,
        validators=local.validators,
        seed=local.seed,
        tempo=local.tempo,
        block_time=local.block_time,
        model=local.model,
        host=local.host,
        lockstep=lockstep,
        state=state,
        rpc_port=None if lockstep else local.rpc_port,
    )
    network = Localnet(load(app)(), options)
    board = Board(network.definition.ref(), SystemClock(), None if lockstep else local.block_time)
    yield board
    async with network:
        board.reached_at(network.port.said if network.port else None)
        following = asyncio.create_task(_follow(network, board))
        try:
            async for summary in network.epochs(local.epochs or None):
                board.update(summary, (await network.chain.epoch(network.netuid)).next)
                yield _answer(summary, network.port)
        finally:
            board.stopping()
            following.cancel()


def _answer(summary: Summary, port: Port | None) -> Answer:
    """A table, and where the chain is that it was read from."""
    title, _, rows = table(summary).partition("\n")
    if port is None:
        return Answer(f"{title}\n{rows}\n", summary.to_dict())
    return Answer(f"{title}  {port.said}\n{rows}\n", {**summary.to_dict(), "endpoint": port.url})


async def _follow(network: Localnet, board: Board) -> None:
    """Tell a board of every block."""
    while True:
        summary, epoch = await network.summary(), await network.chain.epoch(network.netuid)
        board.update(summary, epoch.next)
        await network.chain.wait_for_block(Block(summary.block + 1))
