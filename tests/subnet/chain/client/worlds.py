# SPDX-License-Identifier: Apache-2.0
"""The world of the chain contract over our own node: a real port, real extrinsics, and the client in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from protocols.chain import Chain
from protocols.keys import Keypair
from subnet.chain.client import Deadlines, SubstrateChain
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.node import Node
from subnet.chain.node.rpc import RpcServer
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from tests.contracts.test_chain import NODE_DIALS, World
from tests.subnet.chain.client.scripted import ScriptedNode, running

__all__ = ["over_node", "serving", "world_of"]

_RICH = 100_000
_DEVELOPERS = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")
_DEADLINES = Deadlines(connect_s=10.0, request_s=20.0, block_s=5.0, inclusion_s=20.0)
_RULES = {
    "AdminFreezeWindow": 0,
    "CommitRevealWeightsEnabled": {"0": False},
    "NetworkLockReductionInterval": 10,
    "NetworkRateLimit": 0,
    "OwnerHyperparamRateLimit": 0,
    "TxRateLimit": 0,
}


def _node() -> Node:
    """A node whose developers are rich, and which makes a block for each call."""
    accounts: dict[str, int | float | str] = {Keypair.from_uri(f"//{name}").ss58_address: _RICH for name in _DEVELOPERS}
    sudo = Keypair.from_uri("//Alice").ss58_address
    genesis = Genesis(name="contract", sudo=sudo, accounts=accounts, storage={"SubtensorModule": _RULES})
    store = Store(None)
    ensure_founded(store, Runtime, genesis.beginning)
    return Node(store, Runtime, sealing=Sealing(mode=Mode.INSTANT))


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Node, str]]:
    """A node, and the URL where it listens."""
    node = _node()
    server = RpcServer(methods_of(node))
    url = f"ws://127.0.0.1:{await server.start()}"
    author = asyncio.create_task(node.author.run())
    try:
        yield node, url
    finally:
        author.cancel()
        await server.stop()
        node.store.close()


def world_of(node: Node, chain: Chain, public: Chain | None = None) -> World:
    """A world that sees a node through a client."""

    async def pass_blocks(blocks: int) -> None:
        for _ in range(blocks):
            node.seal()

    return World(chain, pass_blocks, seals_at_once=True, dials=NODE_DIALS, public=public)


@asynccontextmanager
async def over_node() -> AsyncIterator[World]:
    """A world over a node of its own, and a chain that is nobody's own beside it."""
    async with (
        serving() as (node, url),
        running(ScriptedNode(kind="Live")) as live,
        await SubstrateChain.open([live.url], deadlines=_DEADLINES) as public,
        await SubstrateChain.open([url], deadlines=_DEADLINES) as chain,
    ):
        yield world_of(node, chain, public)
