# SPDX-License-Identifier: Apache-2.0
"""One name leads to the chain that it means, or to an error that lists the names."""

from __future__ import annotations

import pytest

from protocols.errors import LedgerError
from subnet.chain.client import PUBLIC_GENESES, Deadlines, SubstrateChain
from subnet.chain.connect import NETWORKS, connect
from subnet.chain.memory import MemoryChain
from tests.subnet.chain.client.scripted import GENESIS, ScriptedNode, running

QUICK = Deadlines(connect_s=1.0, request_s=1.0)


async def test_memory_is_a_chain_within_this_process() -> None:
    chain = await connect("memory")
    assert isinstance(chain, MemoryChain)
    assert chain.is_local


async def test_a_url_leads_to_the_node_there_and_several_to_the_first_that_answers() -> None:
    async with running(ScriptedNode()) as node:
        for target in (node.url, f"ws://127.0.0.1:1, {node.url}"):
            chain = await connect(target, deadlines=QUICK)
            assert isinstance(chain, SubstrateChain)
            async with chain:
                assert (chain.genesis, await chain.block()) == (GENESIS, 7)


@pytest.mark.parametrize("target", ["mainnet", "", "http://127.0.0.1:9944", "127.0.0.1:9944"])
async def test_a_name_that_means_nothing_is_answered_with_those_that_do(target: str) -> None:
    with pytest.raises(LedgerError, match="local, test, finney, memory") as caught:
        await connect(target)
    assert "local" in caught.value.help


def test_a_public_network_is_known_by_its_genesis_and_the_local_one_is_everybodys_own() -> None:
    assert {name: network.genesis for name, network in NETWORKS.items()} == {"local": None, **PUBLIC_GENESES}
    for name in PUBLIC_GENESES:
        assert all(url.startswith("wss://") for url in NETWORKS[name].urls)
