# SPDX-License-Identifier: Apache-2.0
"""A virtual clock wakes sleepers in order, each at its own moment, and can be made to lie."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.clock import Clock, SystemClock, VirtualClock


async def test_time_stands_still_until_it_is_advanced() -> None:
    clock = VirtualClock(start_ns=1_000)
    await asyncio.sleep(0.01)
    assert (clock.time_ns(), clock.monotonic()) == (1_000, 0.0)


async def test_both_clocks_advance_together() -> None:
    clock = VirtualClock(start_ns=5)
    await clock.advance(1.5)
    assert (clock.time_ns(), clock.monotonic()) == (1_500_000_005, 1.5)


async def test_sleepers_wake_in_order_of_their_moment_then_of_their_asking() -> None:
    clock, woken = VirtualClock(), list[tuple[str, float]]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3.0), ("early", 1.0), ("second early", 1.0), ("middle", 2.0)):
            group.create_task(sleeper(name, seconds))
        await clock.advance(10)
    assert woken == [("early", 1.0), ("second early", 1.0), ("middle", 2.0), ("late", 3.0)]


async def test_a_loop_that_sleeps_a_second_turns_once_for_each_second_of_one_advance() -> None:
    clock, moments = VirtualClock(), list[float]()

    async def loop() -> None:
        while True:
            await clock.sleep(1)
            moments.append(clock.monotonic())

    task = asyncio.create_task(loop())
    await clock.advance(5)
    task.cancel()
    assert moments == [1.0, 2.0, 3.0, 4.0, 5.0]


async def test_a_sleeper_beyond_the_advance_sleeps_on() -> None:
    clock = VirtualClock()
    task = asyncio.create_task(clock.sleep(2))
    await clock.advance(1.999999999)
    assert not task.done()
    await clock.advance(0.000000001)
    assert task.done()


async def test_a_woken_task_finishes_its_chain_of_awaits_before_time_goes_on() -> None:
    clock, queue, seen = VirtualClock(), asyncio.Queue[float](), list[float]()

    async def produce() -> None:
        await clock.sleep(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(queue.put(clock.monotonic()))

    async def consume() -> None:
        await queue.get()
        seen.append(clock.monotonic())

    tasks = [asyncio.create_task(produce()), asyncio.create_task(consume()), asyncio.create_task(clock.sleep(2))]
    await clock.advance(2)
    assert seen == [1.0]
    await asyncio.gather(*tasks)


async def test_a_cancelled_sleeper_does_not_stop_the_clock() -> None:
    clock = VirtualClock()
    cancelled, other = asyncio.create_task(clock.sleep(1)), asyncio.create_task(clock.sleep(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    await clock.advance(2)
    assert cancelled.cancelled()
    assert other.done()


@pytest.mark.parametrize("seconds", [0, -1])
async def test_sleeping_no_time_gives_way_once_and_needs_no_advance(seconds: float) -> None:
    clock, ran = VirtualClock(), list[str]()

    async def neighbour() -> None:
        ran.append("neighbour")

    task = asyncio.create_task(neighbour())
    await clock.sleep(seconds)
    assert ran == ["neighbour"]
    await task


async def test_a_clock_that_jumps_lies_about_the_wall_only_and_wakes_nobody() -> None:
    clock = VirtualClock(start_ns=10_000_000_000)
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    clock.jump(-8)
    assert (clock.time_ns(), clock.monotonic()) == (2_000_000_000, 0.0)
    clock.jump(3600)
    await clock.advance(4)
    assert not task.done()
    await clock.advance(1)
    assert task.done()


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf")])
async def test_time_cannot_be_advanced_backwards_or_without_end(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        await VirtualClock().advance(seconds)


async def test_two_advances_at_once_never_turn_time_back() -> None:
    clock = VirtualClock()
    await asyncio.gather(clock.advance(5), clock.advance(2))
    assert clock.monotonic() == 5.0


@given(st.lists(st.integers(1, 10**12), max_size=8), st.integers(0, 10**12))
def test_exactly_those_sleepers_wake_whose_moment_has_come(naps_ns: list[int], advance_ns: int) -> None:
    async def run() -> None:
        clock = VirtualClock()
        tasks = [asyncio.create_task(clock.sleep(nap / 1e9)) for nap in naps_ns]
        await clock.advance(advance_ns / 1e9)
        assert [task.done() for task in tasks] == [nap <= advance_ns for nap in naps_ns]
        for task in tasks:
            task.cancel()

    asyncio.run(run())


async def test_the_system_clock_is_the_machines() -> None:
    clock: Clock = SystemClock()
    wall, before = time.time_ns(), clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.009
    assert 0 <= clock.time_ns() - wall < 5e9
