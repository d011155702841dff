# SPDX-License-Identifier: Apache-2.0
"""How a chain in memory makes its blocks: by hand or by the clock, and what readers and callers see of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from protocols.balance import Balance
from protocols.calls import Register, RegisterNetwork, StartSubnet, Transfer
from protocols.chain import Receipt
from protocols.clock import VirtualClock
from protocols.errors import ChainUnreachable, ExtrinsicFailed, LedgerError, NoPrivateKey
from protocols.keys import Keypair, Scheme
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58
from subnet.chain.memory import Genesis, GenesisNetwork, MemoryChain

ALICE, BOB = Keypair.from_uri("//Alice"), Keypair.from_uri("//Bob")
NET = NetUid(1)
NOBODY = Ss58(Keypair.from_uri("//nobody").ss58_address)
GIFT = Transfer(Coldkey(NOBODY), Balance.tao(1))


def hot(uri: str) -> Hotkey:
    """The address of a secret URI."""
    return Hotkey(Ss58(Keypair.from_uri(uri).ss58_address))


def network(number: int = 1) -> GenesisNetwork:
    """A subnet of Alice's."""
    return GenesisNetwork(owner=Coldkey(Ss58(ALICE.ss58_address)), hotkey=hot(f"//owner/{number}"))


@asynccontextmanager
async def running(chain: MemoryChain) -> AsyncIterator[asyncio.Task[None]]:
    """The chain, making blocks by its clock."""
    task = asyncio.create_task(chain.run())
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_call_is_seen_when_its_block_is_sealed_and_not_before() -> None:
    chain = MemoryChain()
    receipt = await chain.submit(GIFT, ALICE)
    assert (receipt.block, receipt.finalised) == (1, False)
    assert await chain.block() == 0
    assert await chain.balance(NOBODY) == Balance(0)
    assert chain.seal() == 1
    assert await chain.balance(NOBODY) == Balance.tao(1)


async def test_calls_of_one_block_see_each_other() -> None:
    chain = MemoryChain()
    hotkey = hot("//hot")
    (await chain.submit(RegisterNetwork(hotkey), ALICE)).raise_for_error()
    (await chain.submit(StartSubnet(NET), ALICE)).raise_for_error()
    twice = await chain.submit(Register(NET, hotkey), ALICE)
    assert "HotKeyAlreadyRegisteredInSubNet" in str(twice.error)
    assert twice.block == 1


async def test_many_blocks_are_made_at_once_and_the_last_ones_can_be_read() -> None:
    chain = MemoryChain(Genesis.local(networks=(network(),)))
    assert chain.seal(1000) == 1000
    assert (await chain.metagraph(NET, Block(745))).block == 745
    with pytest.raises(LedgerError, match="the state of block 744 is not kept, expected 745 to 1000"):
        await chain.metagraph(NET, Block(744))


async def test_blocks_come_by_the_clock_without_drift() -> None:
    clock = VirtualClock()
    chain = MemoryChain(clock=clock, block_time=0.3)
    async with running(chain):
        for _ in range(1000):
            await clock.advance(0.3)
        await clock.advance(0.01)
        assert await chain.block() == 1000
        await clock.advance(0.2)
        assert await chain.block() == 1000
        await clock.advance(0.09)
        assert await chain.block() == 1001


async def test_a_block_that_would_come_too_late_is_left_out_and_the_next_one_is_on_time() -> None:
    class Stalling(VirtualClock):
        """A clock whose process was held up for a while after it woke."""

        stalled = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.stalled

    clock = Stalling()
    chain = MemoryChain(clock=clock, block_time=1.0)
    async with running(chain):
        await clock.advance(1.0)
        clock.stalled = 3.4  # at 4.4 the block of 2 comes late; those of 3 and 4 are left out
        await clock.advance(1.0)
        assert await chain.block() == 2
        await clock.advance(0.5)
        assert await chain.block() == 2
        await clock.advance(0.1)
        assert await chain.block() == 3


async def test_while_the_clock_makes_blocks_a_call_returns_when_its_block_is_sealed() -> None:
    clock = VirtualClock()
    chain = MemoryChain(clock=clock, block_time=12.0)
    async with running(chain):
        sending = asyncio.create_task(chain.submit(GIFT, ALICE))
        await clock.advance(11.0)
        assert not sending.done()
        await clock.advance(1.0)
        receipt: Receipt = await sending
        assert (receipt.block, receipt.finalised) == (1, True)
        assert await chain.balance(NOBODY) == Balance.tao(1)


async def test_a_call_whose_block_never_comes_raises_and_is_in_the_block_that_comes_later() -> None:
    clock = VirtualClock()
    chain = MemoryChain(clock=clock, patience_s=30.0)
    async with running(chain):
        sending = asyncio.create_task(chain.submit(GIFT, ALICE))
        await asyncio.sleep(0)
    await clock.advance(30.0)
    with pytest.raises(ChainUnreachable, match=r"block 0 is still the newest after 30.0 s, 1 was waited for"):
        await sending
    chain.seal()
    assert await chain.balance(NOBODY) == Balance.tao(1)


async def test_who_waits_is_woken_by_the_block_and_gives_up_where_none_comes() -> None:
    clock = VirtualClock()
    chain = MemoryChain(clock=clock, patience_s=5.0)
    waiting = [asyncio.create_task(chain.wait_for_block(Block(block))) for block in (2, 3, 4)]
    await clock.advance(4.0)
    chain.seal()
    await clock.advance(4.0)  # every block gives new patience
    chain.seal(2)
    await clock.advance(4.9)
    assert [task.done() for task in waiting] == [True, True, False]
    assert [await task for task in waiting[:2]] == [3, 3]
    await clock.advance(0.1)
    with pytest.raises(ChainUnreachable, match="4 was waited for"):
        await waiting[2]


async def test_who_waits_and_is_cancelled_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    chain = MemoryChain(clock=VirtualClock())
    waiting = asyncio.create_task(chain.wait_for_block(Block(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert chain.seal() == 1


async def test_the_clock_makes_blocks_once_and_again_after_it_was_stopped() -> None:
    clock = VirtualClock()
    chain = MemoryChain(clock=clock)
    async with running(chain):
        with pytest.raises(LedgerError, match="runs already"):
            await chain.run()
        await clock.advance(2.5)
    await clock.advance(10.0)
    assert await chain.block() == 2
    async with running(chain):
        await clock.advance(1.0)
    assert await chain.block() == 3


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_times_that_would_never_pass_are_refused(seconds: float) -> None:
    with pytest.raises(LedgerError, match="block_time is"):
        MemoryChain(block_time=seconds)
    with pytest.raises(LedgerError, match="patience_s is"):
        MemoryChain(patience_s=seconds)


async def test_a_call_needs_the_key_that_it_is_signed_by() -> None:
    class Impostor:
        """Bob, who says that he is Alice."""

        ss58_address = ALICE.ss58_address
        scheme: Scheme = "sr25519"

        def sign(self, message: bytes) -> bytes:
            return BOB.sign(message)

    chain = MemoryChain()
    with pytest.raises(ExtrinsicFailed, match="BadProof"):
        await chain.submit(GIFT, Impostor())
    with pytest.raises(NoPrivateKey):
        await chain.submit(GIFT, Keypair.from_address(ALICE.ss58_address))
    chain.seal()
    assert await chain.balance(NOBODY) == Balance(0)


async def test_the_same_calls_make_the_same_chain() -> None:
    async def story(seed: int) -> tuple[list[Receipt], bytes]:
        chain = MemoryChain(Genesis.local(networks=(network(),), seed=seed))
        receipts = [await chain.submit(Register(NET, hot(f"//{number}")), BOB) for number in range(3)]
        chain.seal(30)
        return receipts, chain.snapshot()

    assert await story(1) == await story(1)
    assert await story(1) != await story(2)


async def test_no_more_epochs_run_in_a_block_than_fit_and_the_others_run_in_the_next() -> None:
    # Three subnets of a tempo that all their netuids divide, so that all are due at once.
    chain = MemoryChain(Genesis.local(networks=tuple(map(network, range(3))), hyperparameters={"tempo": 6}))
    chain.seal(6)
    assert [(await chain.epoch(NetUid(netuid))).last for netuid in (1, 2, 3)] == [6, 6, 0]
    assert (await chain.epoch(NetUid(3))).next == 7
    chain.seal()
    assert (await chain.epoch(NetUid(3))).last == 7
