# SPDX-License-Identifier: Apache-2.0
"""Whose time runs when: nobody fails for its place in a list, or because we ourselves were busy."""

from __future__ import annotations

import asyncio
import time

import pytest

from protocols.client import Client, ClientOptions
from protocols.client.attempt import Deadline
from protocols.codec import MSGPACK
from protocols.errors import TimedOut
from protocols.frames import ITEM, pack
from protocols.native.hearing import NativeStreamWriter
from tests.attacks.hostile import (
    MINER,
    VALIDATOR,
    Ask,
    Line,
    Question,
    asked,
    chunk,
    honest,
    misbehaving,
    misbehaving_elsewhere,
    silent,
    streamed,
)

HOTKEY = VALIDATOR.ss58_address


@pytest.mark.serial
async def test_256_peers_that_take_longer_in_turn_than_one_may_all_answer_in_time() -> None:
    async def after_a_while(question: Question, line: Line) -> None:
        await asyncio.sleep(0.4)
        await line.say(honest(question))

    options = ClientOptions(concurrency=64, timeout_s=1.1)
    async with misbehaving(after_a_while) as miner, Client(VALIDATOR, options) as client:
        started = time.monotonic()
        outcomes = await client.ask_all([miner.peer] * 256, Ask())
        elapsed = time.monotonic() - started
    assert [outcome.error for outcome in outcomes] == [None] * 256
    # Four turns of 0.4 s: the last were sent after their own time would have been over, had it begun with the round.
    assert elapsed > 1.6
    assert outcomes[-1].timing.waited_s > 1.15
    assert max(outcome.timing.elapsed_s for outcome in outcomes) < 1.1
    assert outcomes[0].timing.waited_s < 0.4


@pytest.mark.serial
async def test_256_peers_at_once_lose_nobody() -> None:
    async def after_a_while(question: Question, line: Line) -> None:
        await asyncio.sleep(0.3)
        await line.say(honest(question))

    async with misbehaving(after_a_while) as miner, Client(VALIDATOR, ClientOptions(timeout_s=0.8)) as client:
        outcomes = await client.ask_all([miner.peer] * 256, Ask())
    assert sum(outcome.ok for outcome in outcomes) == 256


@pytest.mark.serial
async def test_a_peer_that_never_answers_is_given_its_time_and_hardly_more() -> None:
    async with asked(silent, timeout_s=0.3) as (client, miner):
        await client.outcome(miner.peer, Ask(), timeout_s=0.01)
        outcome = await client.outcome(miner.peer, Ask())
    assert isinstance(outcome.error, TimedOut)
    assert 0.3 <= outcome.timing.elapsed_s < 0.35


@pytest.mark.serial
@pytest.mark.parametrize("blocked_s", [0.25, 0.6])
async def test_replies_that_arrived_while_our_loop_was_blocked_past_the_deadline_are_not_late(blocked_s: float) -> None:
    with misbehaving_elsewhere(soon) as miner:
        async with Client(VALIDATOR, ClientOptions(timeout_s=0.2)) as client:
            round_ = asyncio.create_task(client.ask_all([miner.peer] * 40, Ask()))
            await asyncio.sleep(0.05)
            time.sleep(blocked_s)  # noqa: ASYNC251
            outcomes = await round_
    assert [outcome.error for outcome in outcomes] == [None] * 40


@pytest.mark.serial
async def test_a_large_reply_that_arrived_while_our_loop_was_blocked_is_read_to_its_end() -> None:
    class Large(Ask):
        class Reply(Ask.Reply):
            max_bytes = 8 << 20
            max_field_bytes = 8 << 20

    async def large(question: Question, line: Line) -> None:
        await asyncio.sleep(0.1)
        await line.say(honest(question, "a" * (4 << 20)))

    with misbehaving_elsewhere(large) as miner:
        async with Client(VALIDATOR, ClientOptions(timeout_s=0.2)) as client:
            ask = asyncio.create_task(client.outcome(miner.peer, Large()))
            await asyncio.sleep(0.03)
            time.sleep(0.4)  # noqa: ASYNC251
            assert (await ask).ok


@pytest.mark.serial
async def test_a_loop_that_is_blocked_again_and_again_still_ends_a_question_that_is_not_answered() -> None:
    async def busy() -> None:
        while True:
            time.sleep(0.02)  # noqa: ASYNC251
            await asyncio.sleep(0)

    with misbehaving_elsewhere(silent) as miner:
        async with Client(VALIDATOR, ClientOptions(timeout_s=0.2)) as client:
            load = asyncio.create_task(busy())
            outcome = await client.outcome(miner.peer, Ask())
            load.cancel()
    assert isinstance(outcome.error, TimedOut)
    assert 0.2 <= outcome.timing.elapsed_s < 0.35


@pytest.mark.serial
async def test_stream_items_that_arrived_while_our_loop_was_blocked_past_the_end_are_read() -> None:
    async def count(question: Question, line: Line) -> None:
        writer = NativeStreamWriter(MSGPACK, MINER, question.signature)
        await line.say(streamed([])[: -len(chunk(b""))])
        for number in range(10):
            await line.say(chunk(writer.item(Ask.Reply(text=str(number)))))
            await asyncio.sleep(0.01)
        await line.say(chunk(writer.end()) + chunk(b""))

    with misbehaving_elsewhere(count) as miner:
        async with Client(VALIDATOR) as client, client.stream(miner.peer, Ask(), timeout_s=0.2, idle_s=0.2) as stream:
            assert (await anext(stream)).text == "0"
            time.sleep(0.4)  # noqa: ASYNC251
            assert [item.text async for item in stream] == [str(number) for number in range(1, 10)]
    assert stream.complete


@pytest.mark.serial
async def test_being_late_ourselves_gives_a_stream_that_goes_on_for_ever_no_second_life() -> None:
    async def for_ever(question: Question, line: Line) -> None:
        await line.say(streamed([])[: -len(chunk(b""))])
        while True:
            await line.say(chunk(pack(ITEM, b"\x80")))
            await asyncio.sleep(0.001)

    with misbehaving_elsewhere(for_ever) as miner:
        async with Client(VALIDATOR) as client, client.stream(miner.peer, Ask(), timeout_s=0.1) as stream:
            await anext(stream)
            time.sleep(0.25)  # noqa: ASYNC251
            late = time.monotonic()
            with pytest.raises(TimedOut):
                async for _ in stream:
                    pass
            assert time.monotonic() - late < 0.3


async def test_a_deadline_that_has_not_begun_never_passes() -> None:
    with Deadline(0.001, HOTKEY):
        await asyncio.sleep(0.02)


async def test_a_deadline_that_was_kept_leaves_no_cancellation_behind() -> None:
    with Deadline(0.02, HOTKEY) as deadline:
        deadline.start()
        assert 0 < deadline.left_s <= 0.02
    await asyncio.sleep(0.04)
    assert cancelling() == 0


async def test_a_deadline_that_passed_is_an_error_and_no_cancellation_of_the_task() -> None:
    with pytest.raises(TimedOut, match=r"no whole reply of 5Grwva…KutQY within 0\.01 s of asking"):
        await outlive(Deadline(0.01, HOTKEY))
    assert cancelling() == 0


@pytest.mark.parametrize("before_s", [1e-6, -1e-6], ids=["just before", "just after"])
async def test_a_cancellation_from_outside_is_passed_on_though_the_deadline_passes_in_the_same_moment(
    before_s: float,
) -> None:
    async def ask() -> None:
        with Deadline(0.02, HOTKEY) as deadline:
            deadline.start()
            # Due in the same turn of the event loop as the deadline itself.
            asyncio.get_running_loop().call_later(deadline.left_s - before_s, task.cancel)
            await asyncio.sleep(1)

    task = asyncio.create_task(ask())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@pytest.mark.parametrize("outer_s", [0.02, 0.0201])
async def test_a_timeout_around_a_deadline_of_the_same_length_is_whichever_came_first_and_nothing_else(
    outer_s: float,
) -> None:
    with pytest.raises((TimeoutError, TimedOut)):
        async with asyncio.timeout(outer_s):
            await outlive(Deadline(0.02, HOTKEY))
    assert cancelling() == 0


async def test_a_task_that_was_being_cancelled_before_it_asked_can_still_time_out() -> None:
    async def ask() -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(1)
        # Cleaning up: the task has swallowed a cancellation and is asked to do one thing more.
        with pytest.raises(TimedOut):
            await outlive(Deadline(0.01, HOTKEY))

    task = asyncio.create_task(ask())
    await asyncio.sleep(0)
    task.cancel()
    await task


async def test_an_error_of_the_work_is_not_replaced_by_the_deadline() -> None:
    async def fail_when_cancelled() -> None:
        with Deadline(0.01, HOTKEY) as deadline:
            deadline.start()
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                raise ZeroDivisionError from None

    with pytest.raises(ZeroDivisionError):
        await fail_when_cancelled()
    assert cancelling() == 0


async def soon(question: Question, line: Line) -> None:
    """Answer within the deadline, and while the asker is blocked."""
    await asyncio.sleep(0.1)
    await line.say(honest(question))


async def outlive(deadline: Deadline) -> None:
    """Wait for longer than the deadline allows."""
    with deadline:
        deadline.start()
        await asyncio.sleep(1)


def cancelling() -> int:
    """How many cancellations the current task has yet to honour."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()
