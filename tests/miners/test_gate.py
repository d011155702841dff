# SPDX-License-Identifier: Apache-2.0
"""The gate before work done elsewhere: the greatest goes first, nobody starves or waits in vain, no place is lost."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

from miners.gate import Gate
from protocols.clock import VirtualClock
from protocols.errors import DeadlineExceeded, Draining, Overloaded


async def settle() -> None:
    """Let everybody who can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


class Visits:
    """Who came in, in which order, and when they may leave."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.came: list[str] = []
        self.inside = 0
        self.most = 0
        self.leave = asyncio.Event()

    async def visit(self, name: str, priority: float = 0.0, deadline: float = math.inf) -> None:
        """Come in, and stay until all may leave."""
        async with self.gate.slot(priority, deadline):
            self.came.append(name)
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.leave.wait()
            self.inside -= 1

    async def start(self, name: str, priority: float = 0.0, deadline: float = math.inf) -> asyncio.Task[None]:
        """Have somebody come, and wait until they are in or in line."""
        task = asyncio.create_task(self.visit(name, priority, deadline))
        await settle()
        return task


async def test_the_greatest_goes_first_and_equals_go_as_they_came() -> None:
    visits = Visits(Gate(slots=1, waiting=8, clock=VirtualClock()))
    names = [("first", 0.0), ("a", 1.0), ("b", 1000.0), ("c", math.nan), ("d", 1000.0)]
    tasks = [await visits.start(name, priority) for name, priority in names]
    visits.leave.set()
    await asyncio.gather(*tasks)
    assert visits.came == ["first", "b", "d", "a", "c"]
    assert visits.most == 1


async def test_whoever_waits_long_enough_goes_before_the_greatest() -> None:
    clock = VirtualClock()
    visits = Visits(Gate(slots=1, waiting=8, clock=clock))
    tasks = [await visits.start("first"), await visits.start("small")]
    await clock.advance(31.0)
    tasks.append(await visits.start("great", math.inf))
    visits.leave.set()
    await asyncio.gather(*tasks)
    assert visits.came == ["first", "small", "great"]
    assert visits.gate.seen.wait.total == 31.0
    assert visits.gate.seen.wait.buckets()[-1] == ("+Inf", 3)


async def test_no_more_than_the_slots_are_inside_and_all_are_used_again() -> None:
    visits = Visits(Gate(slots=3, waiting=100))
    tasks = [await visits.start(str(at)) for at in range(20)]
    assert (visits.inside, visits.gate.running, visits.gate.waiting) == (3, 3, 17)
    visits.leave.set()
    await asyncio.gather(*tasks)
    assert (len(visits.came), visits.most, visits.gate.running, visits.gate.waiting) == (20, 3, 0, 0)


async def test_a_full_line_turns_away_the_last_in_it() -> None:
    visits = Visits(Gate(slots=1, waiting=2, clock=VirtualClock()))
    tasks = [await visits.start(name, stake) for name, stake in (("in", 0.0), ("x", 8.0), ("y", 3.0), ("z", 5.0))]
    with pytest.raises(Overloaded) as raised:
        await tasks[2]
    assert raised.value.retry_after_s
    with pytest.raises(Overloaded):
        await visits.visit("w", 1.0)
    visits.leave.set()
    await asyncio.gather(tasks[0], tasks[1], tasks[3])
    assert visits.came == ["in", "x", "z"]


async def test_whoever_waits_is_told_at_the_deadline_though_nobody_leaves() -> None:
    visits = Visits(Gate(slots=1, waiting=2))
    inside = await visits.start("in")
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await visits.visit("late", deadline=began + 0.05)
    assert 0.04 < time.monotonic() - began < 1.0
    assert visits.gate.waiting == 0
    visits.leave.set()
    await inside


@pytest.mark.parametrize("slots", [1, 2])
async def test_whoever_comes_after_the_deadline_does_not_come_in(slots: int) -> None:
    visits = Visits(Gate(slots=slots, waiting=2))
    inside = await visits.start("in")
    with pytest.raises(DeadlineExceeded):
        await visits.visit("late", deadline=time.monotonic() - 1.0)
    visits.leave.set()
    await inside
    assert visits.came == ["in"]


async def test_whoever_gives_up_waiting_leaves_the_line() -> None:
    visits = Visits(Gate(slots=1, waiting=1))
    inside, waiter = await visits.start("in"), await visits.start("gone")
    waiter.cancel()
    await settle()
    assert visits.gate.waiting == 0
    other = await visits.start("other")
    visits.leave.set()
    await asyncio.gather(inside, other)
    assert visits.came == ["in", "other"]


async def test_a_place_is_not_lost_with_one_who_leaves_in_the_moment_of_getting_it() -> None:
    gate = Gate(slots=1, waiting=4)
    await gate.enter(0.0, math.inf)
    waiter, other = (asyncio.create_task(gate.enter(0.0, math.inf)) for _ in range(2))
    await settle()
    gate.leave()  # the place is given to the waiter, who is cancelled before noticing
    waiter.cancel()
    await asyncio.wait([waiter])
    async with asyncio.timeout(1):
        await other
    gate.leave()
    assert gate.waiting == 0


async def test_an_error_inside_frees_the_place() -> None:
    gate = Gate(slots=1, waiting=1)
    with pytest.raises(ZeroDivisionError):
        async with gate.slot(0.0, math.inf):
            raise ZeroDivisionError
    async with asyncio.timeout(1), gate.slot(0.0, math.inf):
        pass


async def test_a_closed_gate_turns_everybody_away_but_those_inside() -> None:
    visits = Visits(Gate(slots=1, waiting=4))
    inside, waiter = await visits.start("in"), await visits.start("waiter")
    visits.gate.close()
    with pytest.raises(Draining):
        await waiter
    with pytest.raises(Draining):
        await visits.visit("newcomer")
    visits.leave.set()
    await inside
    assert visits.came == ["in"]
