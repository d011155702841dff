# SPDX-License-Identifier: Apache-2.0
"""Work on a leash ends at its deadline, when the caller leaves or when the server stops, and says which it was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from protocols.errors import DeadlineExceeded, Draining
from protocols.server.leash import CallerLeft, Leash


class Line:
    """The caller's side: still there until it hangs up."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.watched = False

    async def receive(self) -> Any:
        """What ASGI would say."""
        self.watched = True
        await self.left.wait()
        return {"type": "http.disconnect"}


def cancelling() -> int:
    """How many cancellations of this task are still to be answered for."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def test_work_that_ends_in_time_is_left_alone() -> None:
    line = Line()
    async with Leash(5.0, line.receive) as leash:
        await asyncio.sleep(0)
        assert 4.9 < leash.remaining_s <= 5.0
    await asyncio.sleep(0.03)
    assert not line.watched
    assert cancelling() == 0


@pytest.mark.parametrize("limit_s", [0.0, 0.001, 0.02, 0.05])
async def test_work_past_its_deadline_is_cut(limit_s: float) -> None:
    with pytest.raises(DeadlineExceeded, match=f"longer than {limit_s:g} s"):
        async with Leash(limit_s, Line().receive):
            await asyncio.sleep(5)
    assert cancelling() == 0
    await asyncio.sleep(0)


async def test_work_is_cut_when_the_caller_leaves() -> None:
    line = Line()
    asyncio.get_running_loop().call_later(0.05, line.left.set)
    with pytest.raises(CallerLeft):
        async with Leash(5.0, line.receive):
            await asyncio.sleep(5)
    assert cancelling() == 0


async def test_work_is_cut_when_the_server_stops() -> None:
    leash = Leash(5.0, Line().receive)
    asyncio.get_running_loop().call_later(0.01, leash.drain)
    with pytest.raises(Draining):
        async with leash:
            await asyncio.sleep(5)
    assert cancelling() == 0


async def leashed(leash: Leash, when_cut: Callable[[], Awaitable[None]]) -> None:
    """Work that does something when it is cancelled, and goes on as if it was not."""
    async with leash:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            await when_cut()


async def test_the_first_reason_is_the_one_that_counts() -> None:
    leash = Leash(0.001, Line().receive)

    async def drained_too() -> None:
        leash.drain()
        raise asyncio.CancelledError

    with pytest.raises(DeadlineExceeded):
        await leashed(leash, drained_too)
    assert cancelling() == 0


async def test_work_that_swallows_its_cancellation_was_cut_all_the_same() -> None:
    with pytest.raises(DeadlineExceeded):
        await leashed(Leash(0.001, Line().receive), lambda: asyncio.sleep(0))
    assert cancelling() == 0


async def test_work_that_fails_while_it_is_cut_was_cut_all_the_same() -> None:
    async def fails() -> None:
        raise ValueError("while cleaning up")

    with pytest.raises(DeadlineExceeded):
        await leashed(Leash(0.001, Line().receive), fails)
    assert cancelling() == 0


async def test_an_error_of_the_work_itself_is_what_is_raised() -> None:
    with pytest.raises(ValueError, match="of its own"):
        async with Leash(5.0, Line().receive):
            raise ValueError("of its own")


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    async def work() -> None:
        async with Leash(5.0, Line().receive):
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_somebody_else_wins_over_a_deadline_in_the_same_pass() -> None:
    leash = Leash(5.0, Line().receive)

    async def work() -> None:
        async with leash:
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    leash.drain()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_work_done_in_the_same_pass_as_its_deadline_is_one_or_the_other() -> None:
    loop = asyncio.get_running_loop()
    for done_first in (True, False):
        done: asyncio.Future[str] = loop.create_future()
        leash = Leash(5.0, Line().receive)

        def finish(done: asyncio.Future[str] = done) -> None:
            if not done.done():
                done.set_result("done")

        for step in (finish, leash.drain) if done_first else (leash.drain, finish):
            loop.call_soon(step)
        try:
            async with leash:
                assert await done == "done"
        except Draining:
            pass
        assert cancelling() == 0
        await asyncio.sleep(0)  # a cancellation that was left behind would strike here


async def test_a_thousand_leashes_leave_no_task_behind() -> None:
    async def work(limit_s: float) -> None:
        async with Leash(limit_s, Line().receive):
            await asyncio.sleep(5.0 if limit_s < 1.0 else 0.04)

    limits = [0.03, 5.0] * 500
    outcomes = await asyncio.gather(*(work(limit_s) for limit_s in limits), return_exceptions=True)
    assert sum(isinstance(outcome, DeadlineExceeded) for outcome in outcomes) == 500
    assert outcomes.count(None) == 500
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
