# SPDX-License-Identifier: Apache-2.0
"""The official client's own reads, over a real port: what it asks the chain for, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from bittensor.cli.helpers import wallet_balance_row
from bittensor.client import Client

from protocols.keys import Keypair
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import Genesis, GenesisNetwork, GenesisNeuron
from subnet.chain.node.node import Node
from subnet.chain.node.rpc import RpcServer
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from tests.subnet.chain.node.apis.town import NET, TAO

_ALICE, _BOB, _MINER = (Keypair.from_uri(uri).ss58_address for uri in ("//Alice", "//Bob", "//miner"))
_LOCK: Final = 1_000 * TAO
_GENESIS: Final = Genesis(
    name="Two neurons",
    accounts={_ALICE: 10_000, _BOB: 1_000},
    storage={"SubtensorModule": {"NetworkMinLockCost": _LOCK, "NetworkLastLockCost": _LOCK}},
    networks=(
        GenesisNetwork(owner=_ALICE, hotkey=_ALICE, neurons=(GenesisNeuron(hotkey=_MINER, coldkey=_BOB, stake=10),)),
    ),
)


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Client]:
    """The official client of a chain with one network; what it remembers goes into a folder of its own."""
    monkeypatch.setenv("BITTENSOR_RUNTIME_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("BTCLI_TOKEN_SYMBOLS_CACHE", str(tmp_path / "symbols.json"))
    store = Store(None)
    ensure_founded(store, Runtime, _GENESIS.beginning)
    node = Node(store, Runtime, sealing=Sealing(mode=Mode.MANUAL))
    node.skip(2)
    server = RpcServer(methods_of(node))
    port = await server.start()
    made = Client(f"ws://127.0.0.1:{port}")
    try:
        async with asyncio.timeout(60):
            await made.connect()
            yield made
            await made.close()
    finally:
        await server.stop()
        store.close()


async def test_the_official_client_reads_networks_and_neurons(client: Client) -> None:
    graph: Any = await client.read("metagraph", netuid=NET)
    neurons = await client.read("neurons", netuid=NET)
    rules = await client.read("subnet_hyperparameters", netuid=NET)
    assert (graph["netuid"], graph["hotkeys"]) == (NET, [_ALICE, _MINER])
    assert [(neuron.uid, neuron.hotkey) for neuron in neurons] == [(0, _ALICE), (1, _MINER)]
    assert rules["tempo"] == 10
    assert await client.read("next_epoch_start_block", netuid=NET) > 2
    assert (await client.read("subnet_registration_cost")).rao >= _LOCK


async def test_the_official_client_reads_what_a_wallet_is_worth(client: Client) -> None:
    (position,) = await client.read("stake_for_coldkey", coldkey_ss58=_BOB)
    price: Any = await client.read("alpha_price", netuid=NET)
    quote = await client.read("quote_unstake", netuid=NET, amount_alpha=1)
    free = await client.read("stake_availability", coldkey_ss58=_BOB, netuid=NET)
    row: Any = await wallet_balance_row(client, "bob", _BOB)
    assert (position.hotkey, position.netuid) == (_MINER, NET)
    assert free["available"].rao == position.stake.rao > 9 * TAO
    assert 0 < quote.tao.rao < price["price_rao"]
    assert row["stake_value"].rao == pytest.approx(position.stake.rao * price["tao_per_alpha"], rel=1e-6)
    assert row["total_value"].rao > row["stake_value"].rao
