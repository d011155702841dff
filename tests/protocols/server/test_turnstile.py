# SPDX-License-Identifier: Apache-2.0
"""Slots and the queue for them: priority is real, the queue is bounded, and no slot is ever lost or given twice."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import Overloaded
from protocols.server.turnstile import Turnstile


class Crowd:
    """Tasks that enter a turnstile and stay until they are told to go."""

    def __init__(self, slots: int, waiting: int) -> None:
        self.turnstile = Turnstile(slots, waiting)
        self.inside: list[str] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leave: dict[str, asyncio.Event] = {}

    async def come(self, name: str, priority: float = 0.0) -> None:
        """Enter, or begin to wait."""
        self._leave[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._stay(name, priority))
        await settle()

    async def go(self, name: str) -> None:
        """Leave the slot."""
        self._leave[name].set()
        await settle()

    def cancel(self, name: str) -> None:
        """Give up, inside or waiting."""
        self._tasks[name].cancel()

    def refused(self, name: str) -> bool:
        """Whether this one was told that there is no room."""
        task = self._tasks[name]
        return task.done() and not task.cancelled() and isinstance(task.exception(), Overloaded)

    async def disperse(self) -> None:
        """Let everybody finish."""
        for event in self._leave.values():
            event.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _stay(self, name: str, priority: float) -> None:
        await self.turnstile.enter(priority)
        self.inside.append(name)
        try:
            await self._leave[name].wait()
        finally:
            self.inside.remove(name)
            self.turnstile.leave()


async def settle() -> None:
    """Let every task do what it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_slots_are_given_at_once_and_the_next_waits() -> None:
    crowd = Crowd(slots=2, waiting=5)
    for name in "abc":
        await crowd.come(name)
    assert crowd.inside == ["a", "b"]
    assert crowd.turnstile.waiting == 1
    await crowd.go("a")
    assert crowd.inside == ["b", "c"]
    assert crowd.turnstile.waiting == 0
    await crowd.disperse()


async def test_the_highest_priority_goes_first_and_equals_in_the_order_they_came() -> None:
    crowd = Crowd(slots=1, waiting=10)
    await crowd.come("first")
    for name, priority in [("low", -1.0), ("a", 1.0), ("b", 1.0), ("high", 9.0), ("c", 1.0)]:
        await crowd.come(name, priority)
    served = []
    for _ in range(6):
        served.append(crowd.inside[0])
        await crowd.go(crowd.inside[0])
    assert served == ["first", "high", "a", "b", "c", "low"]


async def test_a_full_queue_refuses_an_equal_and_says_when_to_come_back() -> None:
    crowd = Crowd(slots=1, waiting=2)
    for name in "abc":
        await crowd.come(name, 1.0)
    with pytest.raises(Overloaded, match="2 queries wait, at most 2 may") as refusal:
        await crowd.turnstile.enter(1.0)
    assert refusal.value.retry_after_s == 1.0
    assert crowd.turnstile.waiting == 2
    await crowd.disperse()


async def test_a_higher_priority_takes_the_place_of_the_newest_of_the_lowest() -> None:
    crowd = Crowd(slots=1, waiting=3)
    await crowd.come("inside")
    for name, priority in [("old", 0.0), ("new", 0.0), ("middle", 1.0), ("high", 2.0)]:
        await crowd.come(name, priority)
    assert crowd.refused("new")
    assert not crowd.refused("old")
    assert crowd.turnstile.waiting == 3
    await crowd.go("inside")
    assert crowd.inside == ["high"]
    await crowd.disperse()


async def test_without_a_queue_whoever_finds_no_slot_is_refused() -> None:
    crowd = Crowd(slots=1, waiting=0)
    await crowd.come("a")
    await crowd.come("b", math.inf)
    assert crowd.refused("b")
    await crowd.disperse()


async def test_who_gives_up_waiting_leaves_no_trace() -> None:
    crowd = Crowd(slots=1, waiting=2)
    for name in "abc":
        await crowd.come(name)
    crowd.cancel("b")
    await settle()
    assert crowd.turnstile.waiting == 1
    await crowd.come("d")
    await crowd.go("a")
    assert crowd.inside == ["c"]
    await crowd.disperse()


async def test_a_slot_given_to_one_who_leaves_in_that_moment_goes_to_the_next() -> None:
    crowd = Crowd(slots=1, waiting=2)
    for name in "abc":
        await crowd.come(name)
    crowd._leave["a"].set()
    await asyncio.sleep(0)  # a wakes, leaves, and b is given the slot but has not run yet
    crowd.cancel("b")
    await settle()
    assert crowd.inside == ["c"]
    await crowd.go("c")
    await crowd.come("d")
    assert crowd.inside == ["d"]
    await crowd.disperse()


async def test_one_who_has_left_and_not_yet_noticed_is_not_given_a_slot_or_displaced() -> None:
    crowd = Crowd(slots=1, waiting=1)
    await crowd.come("a")
    await crowd.come("b")
    crowd.cancel("b")
    crowd.turnstile.leave()  # in the same pass, as if another had left
    await settle()
    assert crowd.turnstile.waiting == 0
    await crowd.come("c")
    assert crowd.inside == ["a", "c"]
    await crowd.disperse()
    crowd = Crowd(slots=1, waiting=1)
    await crowd.come("a")
    await crowd.come("b", 5.0)
    crowd.cancel("b")
    await crowd.come("c", 0.0)
    assert not crowd.refused("c")
    await crowd.go("a")
    assert crowd.inside == ["c"]
    await crowd.disperse()


async def test_a_priority_that_is_no_number_goes_last_and_breaks_nothing() -> None:
    crowd = Crowd(slots=1, waiting=10)
    await crowd.come("inside")
    for name, priority in [("a", 1.0), ("nan", math.nan), ("b", 2.0), ("nan2", math.nan), ("c", 3.0)]:
        await crowd.come(name, priority)
    crowd.cancel("nan")
    served = []
    for _ in range(5):
        await crowd.go(crowd.inside[0])
        served += crowd.inside
    assert served == ["c", "b", "a", "nan2"]


async def test_whoever_has_waited_long_enough_goes_before_a_newcomer_of_any_priority() -> None:
    crowd = Crowd(slots=1, waiting=10)
    await crowd.come("inside")
    await crowd.come("patient", 0.0)
    await asyncio.sleep(0.2)
    await crowd.come("slightly richer", 0.1)  # a head start of 0.14 s
    await crowd.come("much richer", 3.0)
    served = []
    for _ in range(3):
        await crowd.go(crowd.inside[0])
        served += crowd.inside
    assert served == ["much richer", "patient", "slightly richer"]
    await crowd.disperse()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(-2, 2)),
        st.tuples(st.just("go"), st.integers(0, 50)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
    ),
    max_size=60,
)


@given(steps=STEPS, slots=st.integers(1, 3), waiting=st.integers(0, 4))
async def test_no_slot_is_lost_or_given_twice_whatever_happens(
    steps: list[tuple[str, int]], slots: int, waiting: int
) -> None:
    crowd = Crowd(slots, waiting)
    came = 0
    for step, value in steps:
        if step == "come":
            await crowd.come(str(came), float(value))
            came += 1
        elif step == "go" and crowd.inside:
            crowd._leave[crowd.inside[value % len(crowd.inside)]].set()
        elif step == "cancel" and came:
            crowd.cancel(str(value % came))
        assert len(crowd.inside) <= slots
        assert crowd.turnstile.waiting <= waiting
    await settle()
    assert not crowd.turnstile.waiting or len(crowd.inside) == slots
    await crowd.disperse()
    assert crowd.turnstile.waiting == 0
    for at in range(slots):
        await crowd.come(f"again {at}")
    assert len(crowd.inside) == slots
    await crowd.disperse()
