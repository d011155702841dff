# SPDX-License-Identifier: Apache-2.0
"""When blocks are made, and what time it is on the chain whatever the wall clock says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from protocols.clock import VirtualClock
from protocols.errors import ChainWriteFailed, LedgerError
from subnet.chain.node.author import Author, Mode, Sealing
from subnet.chain.node.chaintime import ChainTime
from tests.subnet.chain.node.founded import purse_node
from tests.subnet.chain.node.purse import ALICE, BOB, CAROL, give


@asynccontextmanager
async def running(author: Author) -> AsyncIterator[None]:
    """The author at work."""
    task = asyncio.create_task(author.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def times(clock: VirtualClock, made: list[float]) -> Callable[[], object]:
    """A seal that notes when it was called."""
    return lambda: made.append(round(clock.monotonic(), 6))


async def test_blocks_lie_on_a_grid_and_do_not_drift() -> None:
    clock, made = VirtualClock(), list[float]()
    async with running(Author(times(clock, made), clock, Sealing(block_time=0.3))):
        for _ in range(1000):
            await clock.advance(0.3)
    assert made == [round(0.3 * slot, 6) for slot in range(1, 1001)]


async def test_a_slow_block_skips_the_slots_it_ran_over_and_the_next_is_on_time() -> None:
    class Stalling(VirtualClock):
        """A clock whose process was held up."""

        stalled = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.stalled

    clock, made = Stalling(), list[float]()

    def seal() -> None:
        made.append(round(clock.monotonic(), 6))
        if len(made) == 2:
            clock.stalled = 2.4  # the block of slot 2 is done at 4.4

    async with running(Author(seal, clock, Sealing(block_time=1.0))):
        await clock.advance(2.0)
        await clock.advance(0.5)
        assert made == [1.0, 2.0]
        await clock.advance(0.2)
        assert made == [1.0, 2.0, 5.0]


async def test_instant_blocks_hold_what_was_submitted_in_one_turn_of_the_loop() -> None:
    node = purse_node(clock=VirtualClock(), sealing=Sealing(mode=Mode.INSTANT))
    async with running(node.author):
        watches = [node.watch(give(who, 0)) for who in (ALICE, BOB, CAROL)]
        kinds = [[status.kind async for status in watch] for watch in watches]
        assert kinds == [["ready", "inBlock", "finalized"]] * 3
        assert node.head.number == 1
        await node.submit(give(ALICE, 1))
        await asyncio.sleep(0.01)
        assert node.head.number == 2
        await node.submit(give(ALICE, 9))
        await asyncio.sleep(0.01)
        assert node.head.number == 2, "what waits for its turn needs no block"


async def test_a_manual_chain_stands_still() -> None:
    clock = VirtualClock()
    node = purse_node(clock=clock)
    async with running(node.author):
        await node.submit(give(ALICE, 0))
        await clock.advance(3600.0)
        assert node.head.number == 0
        assert node.seal().number == 1


async def test_a_mixed_chain_is_instant_and_when_idle_goes_by_the_clock() -> None:
    clock, made = VirtualClock(), list[float]()
    author = Author(times(clock, made), clock, Sealing(mode=Mode.MIXED, block_time=10.0))
    async with running(author):
        await clock.advance(4.0)
        author.call()
        await clock.advance(9.0)
        assert made == [4.0]
        await clock.advance(1.0)
        assert made == [4.0, 14.0]
        await clock.advance(10.0)
        assert made == [4.0, 14.0, 24.0]


async def test_sealing_can_be_changed_while_it_runs() -> None:
    clock, made = VirtualClock(), list[float]()
    author = Author(times(clock, made), clock, Sealing(mode=Mode.MANUAL))
    async with running(author):
        await clock.advance(5.0)
        author.sealing = Sealing(block_time=2.0)
        await clock.advance(4.0)
    assert made == [7.0, 9.0]


async def test_a_block_that_cannot_be_written_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    clock, tries = VirtualClock(), list[float]()

    def seal() -> None:
        tries.append(clock.monotonic())
        if len(tries) < 3:
            raise ChainWriteFailed("the disk is full")

    author = Author(seal, clock, Sealing(mode=Mode.INSTANT))
    async with running(author):
        author.call()
        await clock.advance(10.0)
    assert tries == [0.0, 1.0, 2.0]
    assert "the disk is full; check that the disk has room" in caplog.text


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
async def test_chain_time_goes_on_as_before_when_the_wall_clock_is_set(jump: float) -> None:
    clock = VirtualClock(start_ns=1_700_000_000 * 10**9)
    node = purse_node(clock=clock, sealing=Sealing(block_time=12.0))
    stamps = []
    node.listen(lambda told: stamps.append(node.runtime.timestamp.Now.value))  # type: ignore[attr-defined]
    async with running(node.author):
        await clock.advance(36.0)
        clock.jump(jump)
        await clock.advance(36.0)
    assert stamps == [1_700_000_000_000 + 12_000 * slot for slot in range(1, 7)]


async def test_blocks_within_one_millisecond_still_have_later_and_later_timestamps() -> None:
    time = ChainTime(VirtualClock(), 0)
    first = time.next()
    assert [time.next() for _ in range(3)] == [first + 1, first + 2, first + 3]


async def test_a_restart_with_the_wall_clock_set_back_goes_on_after_the_newest_block() -> None:
    clock = VirtualClock(start_ns=1_000 * 10**9)
    time = ChainTime(clock, 5_000_000)
    assert time.next() == 5_000_001
    await clock.advance(2.0)
    assert time.next() == 5_002_001


async def test_the_clock_can_be_put_forth_and_not_back() -> None:
    clock = VirtualClock(start_ns=1_000 * 10**9)
    time = ChainTime(clock, 0)
    time.set(2_000_000)
    assert time.next() == 2_000_000
    await clock.advance(1.5)
    assert time.next() == 2_001_500
    with pytest.raises(LedgerError, match="cannot be at 1999999 ms, the newest one is at 2001500 ms"):
        time.set(1_999_999)
    assert [time.skip(12_000), time.skip(12_000), time.next()] == [2_013_500, 2_025_500, 2_025_501]


def test_a_block_time_that_no_clock_has_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected at least 0\.001"):
        Sealing(block_time=0)
