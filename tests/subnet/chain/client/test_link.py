# SPDX-License-Identifier: Apache-2.0
"""A client keeps its deadlines and its chain, whatever the node at the other end of the socket does."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from protocols.balance import Balance
from protocols.calls import Transfer
from protocols.errors import ChainUnreachable, DevKeyRefused, LedgerError
from protocols.keys import Keypair
from protocols.types import Block, Coldkey, NetUid, Ss58
from subnet.chain.client import PUBLIC_GENESES, Deadlines, SubstrateChain
from tests.subnet.chain.client.scripted import GENESIS, Fault, ScriptedNode, running

QUICK = Deadlines(connect_s=1.0, request_s=1.0, block_s=0.4, inclusion_s=2.0)
HEAD = "chain_getHead"
OTHER = f"0x{'cd' * 32}"
ALICE = Keypair.from_uri("//Alice")


@pytest.fixture
async def node() -> AsyncIterator[ScriptedNode]:
    """A node that does no harm until it is told to."""
    async with running(ScriptedNode()) as node:
        yield node


@pytest.fixture
async def chain(node: ScriptedNode) -> AsyncIterator[SubstrateChain]:
    """A client of that node."""
    async with await SubstrateChain.open([node.url], deadlines=QUICK) as chain:
        yield chain


def nobody() -> str:
    """A URL where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"ws://127.0.0.1:{free.getsockname()[1]}"


async def test_the_newest_block_and_the_chain_are_what_the_node_says(chain: SubstrateChain) -> None:
    assert (chain.genesis, chain.is_local) == (GENESIS, True)
    assert await chain.block() == 7


@pytest.mark.parametrize("fault", ["hang", "drip", "cut", "close", "garbage"])
async def test_a_node_that_gives_no_answer_is_given_up_at_the_deadline(
    node: ScriptedNode, chain: SubstrateChain, fault: Fault
) -> None:
    node.faults[HEAD] = [fault]
    began = time.monotonic()
    with pytest.raises(ChainUnreachable, match="1 s") as caught:
        await chain.block()
    assert time.monotonic() - began < 2.5
    assert node.url in caught.value.help


@pytest.mark.parametrize("fault", ["cut", "close", "garbage"])
async def test_a_connection_that_breaks_in_the_middle_of_an_answer_is_made_again(
    node: ScriptedNode, chain: SubstrateChain, fault: Fault
) -> None:
    node.once(HEAD, fault)
    assert await chain.block() == 7
    assert node.connections == 2


async def test_attempts_that_fail_are_told_to_no_reader_of_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChainUnreachable):
        await SubstrateChain.open([nobody()], deadlines=QUICK)
    assert capsys.readouterr().out == ""


async def test_whoever_waits_for_a_node_that_hangs_holds_up_nobody(node: ScriptedNode, chain: SubstrateChain) -> None:
    node.faults[HEAD] = ["hang"]
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(ChainUnreachable):
        await chain.block()
    ticking.cancel()
    assert ticks > 30


async def test_many_requests_at_once_are_all_answered(chain: SubstrateChain) -> None:
    assert await asyncio.gather(*(chain.block() for _ in range(50))) == [7] * 50


async def test_after_a_node_has_hung_the_next_request_is_answered(node: ScriptedNode, chain: SubstrateChain) -> None:
    node.once(HEAD, "hang")
    with pytest.raises(ChainUnreachable):
        await chain.block()
    assert await chain.block() == 7


async def test_an_error_that_the_node_answers_is_not_asked_again(node: ScriptedNode, chain: SubstrateChain) -> None:
    node.faults[HEAD] = ["refuse"]
    with pytest.raises(LedgerError, match="State already discarded") as caught:
        await chain.block()
    assert not isinstance(caught.value, ChainUnreachable)
    assert node.asked[HEAD] == 1


async def test_where_one_endpoint_is_away_the_next_one_is_used(node: ScriptedNode) -> None:
    async with await SubstrateChain.open([nobody(), node.url], deadlines=QUICK) as chain:
        assert await chain.block() == 7


async def test_when_one_endpoint_goes_away_the_other_takes_over(node: ScriptedNode) -> None:
    async with (
        running(ScriptedNode(newest=9)) as second,
        await SubstrateChain.open([node.url, second.url], deadlines=QUICK) as chain,
    ):
        assert await chain.block() == 7
        node.faults[HEAD] = ["close"]
        assert await chain.block() == 9


async def test_an_endpoint_of_another_chain_is_refused_by_name(node: ScriptedNode) -> None:
    with pytest.raises(LedgerError, match=f"{node.url} is of the chain with genesis {GENESIS}, expected {OTHER}"):
        await SubstrateChain.open([node.url], genesis=OTHER, deadlines=QUICK)
    async with (
        running(ScriptedNode(genesis=OTHER, newest=9)) as second,
        await SubstrateChain.open([second.url, node.url], genesis=GENESIS, deadlines=QUICK) as chain,
    ):
        assert await chain.block() == 7


async def test_a_chain_is_not_changed_for_another_when_its_node_goes_away(node: ScriptedNode) -> None:
    async with (
        running(ScriptedNode(genesis=OTHER, newest=9)) as second,
        await SubstrateChain.open([node.url, second.url], deadlines=QUICK) as chain,
    ):
        node.faults[HEAD] = ["close"]
        with pytest.raises(ChainUnreachable):
            await chain.block()
        assert second.asked[HEAD] == 0
        del node.faults[HEAD]
        assert await chain.block() == 7


async def test_where_nobody_listens_the_chain_cannot_be_reached(node: ScriptedNode) -> None:
    url = nobody()
    with pytest.raises(ChainUnreachable, match=url):
        await SubstrateChain.open([url], deadlines=QUICK)
    with pytest.raises(LedgerError, match="at least one endpoint"):
        await SubstrateChain.open([], deadlines=QUICK)


async def test_a_closed_connection_answers_nothing_more(chain: SubstrateChain) -> None:
    await chain.close()
    with pytest.raises(LedgerError, match="closed"):
        await chain.block()


async def test_a_block_is_waited_for_until_it_is_there(node: ScriptedNode, chain: SubstrateChain) -> None:
    assert await chain.wait_for_block(Block(5)) == 7
    waiting = asyncio.create_task(chain.wait_for_block(Block(9)))
    for newest in (8, 10):
        await asyncio.sleep(0.2)
        assert not waiting.done()
        node.newest = newest
    assert await waiting == 10


async def test_a_chain_that_stands_still_is_not_waited_for(chain: SubstrateChain) -> None:
    with pytest.raises(ChainUnreachable, match="block 7 is still the newest"):
        await chain.wait_for_block(Block(9))


@pytest.mark.parametrize(
    ("kind", "genesis", "is_local"),
    [
        ("Development", GENESIS, True),
        ("Local", GENESIS, True),
        ("Live", GENESIS, False),
        ("Development", PUBLIC_GENESES["finney"], False),
        ("Local", PUBLIC_GENESES["test"], False),
    ],
)
async def test_a_chain_is_local_that_says_so_and_is_none_of_the_public_ones(
    kind: str, genesis: str, is_local: bool
) -> None:
    async with (
        running(ScriptedNode(kind=kind, genesis=genesis)) as node,
        await SubstrateChain.open([node.url], deadlines=QUICK) as chain,
    ):
        assert chain.is_local is is_local


async def test_a_development_key_signs_nothing_for_a_chain_that_is_not_local() -> None:
    async with (
        running(ScriptedNode(kind="Live")) as node,
        await SubstrateChain.open([node.url], deadlines=QUICK) as chain,
    ):
        asked = sum(node.asked.values())
        with pytest.raises(DevKeyRefused):
            await chain.submit(Transfer(Coldkey(Ss58(ALICE.ss58_address)), Balance.tao(1)), ALICE)
        assert sum(node.asked.values()) == asked


async def test_an_answer_that_makes_no_sense_is_an_error_of_the_chain(chain: SubstrateChain) -> None:
    # This node knows nothing of metadata, so a metagraph cannot be had from it.
    with pytest.raises(LedgerError):
        await chain.metagraph(NetUid(1))
