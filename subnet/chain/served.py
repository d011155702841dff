# SPDX-License-Identifier: Apache-2.0
"""A local node that others can reach: its file, its author and its RPC port, opened together and closed together.

The order of closing matters: first nobody new comes in, then no block is made any more, and last the file is let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Self

from subnet.chain.node.author import Sealing
from subnet.chain.node.dev import Dev
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.node import Node
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.dev import DevMethods
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.rpc.server import RpcServer
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import KEEP, Store

__all__ = ["ServedNode", "Terms"]

_DRAIN_S = 0.5
_QUIET_S = 0.5
"""How long after its start a node loads what it needs later: whoever waited for it is answered first."""
_LARGE = 100
"""Neurons; from 128 on, with as many voters, epochs run as machine code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a node is served."""

    host: str = "127.0.0.1"
    port: int = 0
    origins: tuple[str, ...] = ()
    """Pages of other machines that a browser may let in."""
    sealing: Sealing = field(default_factory=Sealing)
    path: Path | None = None
    """The file that the chain is in; without one it is in memory."""
    archive: bool = False
    """Whether the state of every block is kept."""
    controls: bool = True
    """Whether the methods `dev_*` are there."""


class ServedNode:
    """A node with an author at work and a port open, as a context.

    async with ServedNode(genesis, Terms(port=9944)) as served:
        print(served.port)
    """

    def __init__(self, genesis: Genesis, terms: Terms) -> None:
        """Open or found the chain; raises `ChainFileRefused`."""
        self._terms = terms
        self._store = Store(terms.path, keep=None if terms.archive else KEEP)
        try:
            self.founding = ensure_founded(self._store, Runtime, genesis.beginning)
            self.node = Node(self._store, Runtime, sealing=terms.sealing)
        except BaseException:
            self._store.close()
            raise
        bounds = Bounds(drain_s=_DRAIN_S)
        rooms = [DevMethods(Dev(self.node))] if terms.controls else []
        self._server = RpcServer(methods_of(self.node, *rooms), bounds=bounds, origins=terms.origins)
        self.port = 0
        self._author: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            self.port = await self._server.start(self._terms.host, self._terms.port)
        except BaseException:
            self._store.close()
            raise
        self._author = asyncio.create_task(self.node.author.run())
        self._loading = asyncio.create_task(self._load())
        self.node.listen(lambda _: self._prepare())
        self._prepare()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._server.stop()
            for task in (self._loading, self._author):
                if task is not None:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
        finally:
            self._store.close()

    def _prepare(self) -> None:
        """Load machine code in a thread once a network nears the size that runs on it: no epoch waits for it then."""
        if self._warming is None and max(self._neurons(), default=0) >= _LARGE:
            self._warming = asyncio.create_task(asyncio.to_thread(_warm))

    async def _load(self) -> None:
        """Load in a thread what the first vote, call and epoch would otherwise wait for."""
        await self.node.clock.sleep(_QUIET_S)
        await asyncio.to_thread(_load)

    def _neurons(self) -> list[int]:
        runtime = self.node.runtime
        return [count for _, count in runtime.subtensor.SubnetworkN.items()] if isinstance(runtime, Runtime) else []

    def when_broken(self, call: Callable[[BaseException], None]) -> None:
        """Call somebody should the making of blocks end by itself."""

        def ended(author: asyncio.Task[None]) -> None:
            if not author.cancelled() and (fault := author.exception()) is not None:
                call(fault)

        assert self._author is not None
        self._author.add_done_callback(ended)


def _warm() -> None:
    from subnet.chain.node.pallets.subtensor.warming import warm

    warm()


def _load() -> None:
    for name in ("incentive.consensus.mechanisms", "incentive.quantise", "subnet.chain.receipts"):
        import_module(name)
