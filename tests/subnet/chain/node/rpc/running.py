# SPDX-License-Identifier: Apache-2.0
"""A node with the chain's runtime behind a real port, a client of ours to it, and the official ones in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from substrateinterface import SubstrateInterface

from protocols.keys import Keypair
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.node import Node
from subnet.chain.node.rpc import RpcServer
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store

__all__ = ["ALICE", "BOB", "EVE", "TAO", "Running", "running"]

ALICE: Final = Keypair.from_uri("//Alice").ss58_address
BOB: Final = Keypair.from_uri("//Bob").ss58_address
EVE: Final = Keypair.from_uri("//Eve").ss58_address
TAO: Final = 10**9


class Running(NamedTuple):
    """A node that listens."""

    node: Node
    url: str

    def client(self) -> SubstrateInterface:
        """A py-substrate-interface client, to be used in a thread."""
        return SubstrateInterface(url=self.url, type_registry={"types": {"Balance": "u64"}})


@asynccontextmanager
async def running(path: Path | None = None, mode: Mode = Mode.INSTANT) -> AsyncIterator[Running]:
    """A chain on which Alice and Bob have money."""
    store = Store(path)
    genesis = Genesis(name="Subnet Local", accounts={ALICE: 1_000, BOB: 500})
    ensure_founded(store, Runtime, genesis.beginning)
    node = Node(store, Runtime, sealing=Sealing(mode=mode))
    server = RpcServer(methods_of(node))
    port = await server.start()
    author = asyncio.create_task(node.author.run())
    try:
        async with asyncio.timeout(60):
            yield Running(node, f"ws://127.0.0.1:{port}")
    finally:
        author.cancel()
        await server.stop()
        store.close()
