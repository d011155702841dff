# SPDX-License-Identifier: Apache-2.0
"""The node's chain in process: when blocks are made, who shares one, what survives, and that it is the node's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from protocols.balance import Balance
from protocols.calls import Register, RegisterNetwork, ServeAxon, SetCommitment, Transfer
from protocols.clock import VirtualClock
from protocols.endpoint import Endpoint
from protocols.errors import ChainFileRefused, ChainUnreachable, ExtrinsicFailed, LedgerError
from protocols.keys import Keypair
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58
from subnet.chain.local import LocalChain
from subnet.chain.node.extrinsic import parse
from subnet.chain.presets import PRESETS, holders, preset

ALICE, BOB, EVE = (Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Eve"))
FIRST = NetUid(1)


def give(key: Keypair, tao: int = 1) -> Transfer:
    """A transfer to somebody."""
    return Transfer(Coldkey(Ss58(key.ss58_address)), Balance.tao(tao))


def hot(uri: str) -> Hotkey:
    """The address of a key."""
    return Hotkey(Ss58(Keypair.from_uri(uri).ss58_address))


async def test_a_call_makes_its_block_at_once_and_calls_of_the_same_turn_share_one() -> None:
    chain = LocalChain()
    assert (await chain.submit(give(BOB), ALICE)).block == 1
    together = await asyncio.gather(*(chain.submit(give(EVE), ALICE) for _ in range(5)), chain.submit(give(EVE), BOB))
    assert {receipt.block for receipt in together} == {2}
    assert all(receipt.finalised and receipt.error is None for receipt in together)
    assert await chain.block() == 2


async def test_what_is_done_together_is_in_one_block_however_long_each_takes() -> None:
    chain = LocalChain()

    async def late(tao: int, signer: Keypair) -> Block:
        await asyncio.sleep(tao / 50)
        (receipt, again) = [await chain.submit(give(EVE, tao), signer) for _ in range(2)]
        return Block(100 * receipt.block + again.block)

    assert await chain.together(late(tao, signer) for tao, signer in enumerate((ALICE, BOB))) == [102, 102]
    assert await chain.block() == 2
    assert (await chain.submit(give(BOB), ALICE)).block == 3, "then each makes its own again"


async def test_who_fails_among_others_does_not_leave_them_at_work() -> None:
    chain, begun = LocalChain(), asyncio.Event()

    async def fail() -> None:
        raise LedgerError("no")

    async def sleep() -> None:
        begun.set()
        await asyncio.sleep(0.05)

    tasks = asyncio.all_tasks()
    with pytest.raises(LedgerError, match="no"):
        await chain.together([fail(), sleep()])
    assert begun.is_set()
    assert asyncio.all_tasks() == tasks


async def test_a_miner_of_this_machine_can_publish_where_it_answers() -> None:
    chain = LocalChain()
    (await chain.submit(Register(FIRST, hot("//m")), BOB)).raise_for_error()
    here = Endpoint("127.0.0.1", 8091)
    (await chain.submit(ServeAxon(FIRST, here), Keypair.from_uri("//m"))).raise_for_error()
    assert (await chain.metagraph(FIRST)).endpoints[-1] == here


async def test_what_is_submitted_is_a_signed_transaction_of_the_node() -> None:
    chain = LocalChain()
    receipt = await chain.submit(give(BOB), ALICE)
    block = chain.node.block(bytes.fromhex(receipt.block_hash[2:]))
    assert block is not None
    _, transfer = block.extrinsics
    parsed = parse(transfer)
    assert parsed.signature is not None
    assert parsed.signature.nonce == 0
    assert parsed.call.fields[0].name == "transfer_keep_alive"


async def test_while_it_runs_a_call_waits_for_the_clocks_next_block() -> None:
    clock = VirtualClock()
    chain = LocalChain(clock=clock, block_time=2.0)
    running = asyncio.create_task(chain.run())
    await clock.advance(5)
    assert await chain.block() == 2
    waiting = asyncio.create_task(chain.submit(give(BOB), ALICE))
    await clock.advance(0.5)
    assert not waiting.done()
    await clock.advance(1)
    assert (await waiting).block == 3
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await chain.submit(give(BOB), ALICE)).block == 4, "then nobody else makes blocks"


async def test_one_clock_runs_it_and_no_second_one() -> None:
    clock = VirtualClock()
    chain = LocalChain(clock=clock)
    running = asyncio.create_task(chain.run())
    await clock.advance(0)
    with pytest.raises(LedgerError, match="runs already"):
        await chain.run()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_who_waits_for_a_block_is_woken_by_it_or_told_that_none_comes() -> None:
    clock = VirtualClock()
    chain = LocalChain(clock=clock, patience_s=3.0)
    waiting = asyncio.create_task(chain.wait_for_block(Block(2)))
    await clock.advance(2)
    chain.seal(2)
    assert await waiting == 2
    waiting = asyncio.create_task(chain.wait_for_block(Block(3)))
    await clock.advance(3)
    with pytest.raises(ChainUnreachable, match="block 2 is still the newest"):
        await waiting


async def test_blocks_by_hand_lie_a_block_time_apart_on_the_chain() -> None:
    chain = LocalChain(clock=VirtualClock(), block_time=4.0)
    chain.seal()
    before = chain.node.time.newest
    chain.seal(10)
    assert chain.node.time.newest == before + 40_000


async def test_a_metagraph_of_a_past_block_is_what_it_was() -> None:
    chain = LocalChain()
    before = await chain.block()
    (await chain.submit(Register(FIRST, hot("//m")), BOB)).raise_for_error()
    assert (await chain.metagraph(FIRST, before)).n == 1
    assert (await chain.metagraph(FIRST)).n == 2
    assert await chain.metagraph(FIRST) is await chain.metagraph(FIRST), "it is not made twice for one block"


async def test_a_call_that_no_block_takes_costs_nothing() -> None:
    chain = LocalChain()
    pauper = Keypair.from_uri("//pauper")
    with pytest.raises(ExtrinsicFailed, match=r"InvalidTransaction\.Payment"):
        await chain.submit(give(BOB), pauper)
    with pytest.raises(ExtrinsicFailed, match="SpaceLimitExceeded"):
        await chain.submit(SetCommitment(FIRST, bytes(513)), ALICE)
    assert await chain.block() == 0


async def test_a_chain_in_a_file_goes_on_and_belongs_to_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    with LocalChain(path=path) as chain:
        netuid = (await chain.submit(RegisterNetwork(hot("//h")), BOB)).event("NetworkAdded").fields["netuid"]
        genesis, spent = chain.genesis, await chain.balance(Ss58(BOB.ss58_address))
        with pytest.raises(ChainFileRefused, match="in use"):
            LocalChain(path=path)
    with LocalChain(path=path) as chain:
        assert (chain.genesis, await chain.block()) == (genesis, 1)
        assert await chain.balance(Ss58(BOB.ss58_address)) == spent
        assert netuid in [info.netuid for info in await chain.subnets()]


@pytest.mark.parametrize("name", PRESETS)
async def test_each_preset_begins_a_chain_whose_holders_have_what_it_says(name: str) -> None:
    beginning = preset(name)
    chain = LocalChain(beginning)
    rich = {row.uri: row for row in holders(beginning)}
    assert await chain.balance(Ss58(rich["//Bob"].address)) == rich["//Bob"].balance
    assert await chain.subnets()


def test_times_that_make_no_sense_are_refused() -> None:
    with pytest.raises(LedgerError, match="block_time is 0"):
        LocalChain(block_time=0.0)
    with pytest.raises(LedgerError, match="patience_s is inf"):
        LocalChain(patience_s=float("inf"))
