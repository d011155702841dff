# SPDX-License-Identifier: Apache-2.0
"""The world of the chain contract over our own node: a real port, real extrinsics, and the client in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from protocols.calls import RegisterNetwork
from protocols.hyperparameters import TABLE, Value
from protocols.keys import Keypair
from protocols.types import NetUid
from subnet.chain.client import Deadlines, SubstrateChain
from subnet.chain.memory import LOCAL_HYPERPARAMETERS
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.dev import Dev
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.node import Node
from subnet.chain.node.rpc import RpcServer
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from tests.contracts.test_chain import OWNER, OWNERS_HOTKEY, World, hot
from tests.subnet.chain.client.scripted import ScriptedNode, running

__all__ = ["NodeWorld", "over_node"]

_RICH = 100_000
_DEVELOPERS = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie")
_DEADLINES = Deadlines(connect_s=10.0, request_s=20.0, block_s=5.0, inclusion_s=20.0)
_RULES = {
    "AdminFreezeWindow": 0,
    "NetworkLockReductionInterval": 10,
    "NetworkRateLimit": 0,
    "OwnerHyperparamRateLimit": 0,
    "TxRateLimit": 0,
}


@dataclass
class NodeWorld(World):
    """A world whose new subnets get the values of a local chain, as those of a chain in memory do."""

    dev: Dev = field(kw_only=True)

    async def subnet(self, **dials: Value) -> NetUid:
        """A new subnet of `OWNER`'s, started, with these hyperparameters."""
        created = await self.do(RegisterNetwork(hot(OWNERS_HOTKEY)), OWNER)
        netuid = created.event("NetworkAdded").fields["netuid"]
        assert isinstance(netuid, int)
        self.dev.node.amend(lambda: self._write(netuid))
        return await self.started(NetUid(netuid), **dials)

    def _write(self, netuid: int) -> None:
        for name, value in LOCAL_HYPERPARAMETERS.items():
            bits = int(value * 2**64) if name == "burn_increase_mult" else value
            self.dev.items.find("SubtensorModule", TABLE[name].storage).put(netuid, bits)


def _node() -> Node:
    """A node whose developers are rich, and which makes a block for each call."""
    accounts = {Keypair.from_uri(f"//{name}").ss58_address: _RICH for name in _DEVELOPERS}
    sudo = Keypair.from_uri("//Alice").ss58_address
    genesis = Genesis(name="contract", sudo=sudo, accounts=accounts, storage={"SubtensorModule": _RULES})
    store = Store(None)
    ensure_founded(store, Runtime, genesis.beginning)
    return Node(store, Runtime, sealing=Sealing(mode=Mode.INSTANT))


@asynccontextmanager
async def over_node() -> AsyncIterator[World]:
    """A world over a node of its own, and a chain that is nobody's own beside it."""
    node = _node()
    server = RpcServer(methods_of(node))
    url = f"ws://127.0.0.1:{await server.start()}"
    author = asyncio.create_task(node.author.run())

    async def pass_blocks(blocks: int) -> None:
        for _ in range(blocks):
            node.seal()

    try:
        async with (
            running(ScriptedNode(kind="Live")) as live,
            await SubstrateChain.open([live.url], deadlines=_DEADLINES) as public,
            await SubstrateChain.open([url], deadlines=_DEADLINES) as chain,
        ):
            yield NodeWorld(chain, pass_blocks, public, dev=Dev(node))
    finally:
        author.cancel()
        await server.stop()
        node.store.close()
