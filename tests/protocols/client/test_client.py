# SPDX-License-Identifier: Apache-2.0
"""How a client goes about asking: how many at once, when again, who may stop it, and what it keeps afterwards."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from protocols.client import Client, ClientOptions, Peer
from protocols.clock import SystemClock
from protocols.dialect import Composed
from protocols.errors import InvalidAddress, PeerError, ReplyTooLarge, TimedOut
from protocols.native import NativeSpeaking
from protocols.synapse import Synapse
from tests.attacks.hostile import (
    MINER,
    VALIDATOR,
    Ask,
    Line,
    Question,
    asked,
    chunk,
    fault,
    honest,
    misbehaving,
    response,
    saying,
    silent,
)


class Hasty(SystemClock):
    """Remembers how long it was to sleep, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Remember."""
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Counting(NativeSpeaking):
    """Counts how often a query is encoded."""

    composed = 0

    def compose(self, query: Synapse) -> Composed:
        """Encode, and count."""
        self.composed += 1
        return super().compose(query)


async def test_a_query_for_many_is_encoded_once() -> None:
    speaking = Counting()
    async with misbehaving(saying(honest)) as miner, Client(VALIDATOR, ClientOptions(dialect=speaking)) as client:
        await client.ask_all([miner.peer] * 20, Ask())
        assert speaking.composed == 1
        query = Ask(prompt="same")
        assert len([outcome async for outcome in client.ask_each([(miner.peer, query)] * 20)]) == 20
        assert speaking.composed == 2
        assert len({question.headers["x-bittensor-nonce"] for question in miner.questions}) == 40


async def test_a_peers_own_dialect_is_spoken_to_it_alone() -> None:
    ours, theirs = Counting(), Counting()
    async with misbehaving(saying(honest)) as miner, Client(VALIDATOR, ClientOptions(dialect=ours)) as client:
        other = Peer(miner.address, miner.url, dialect=theirs)
        outcomes = await client.ask_all([miner.peer, other], Ask())
        assert all(outcome.ok for outcome in outcomes)
    assert (ours.composed, theirs.composed) == (1, 1)


@pytest.mark.serial
async def test_no_more_are_asked_at_once_than_the_client_allows_and_the_wait_is_measured_apart() -> None:
    at_once = most = 0

    async def count(question: Question, line: Line) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.03)
        at_once -= 1
        await line.say(honest(question))

    async with misbehaving(count) as miner, Client(VALIDATOR, ClientOptions(concurrency=3)) as client:
        outcomes = await client.ask_all([miner.peer] * 9, Ask())
    assert all(outcome.ok for outcome in outcomes)
    assert most == 3
    assert outcomes[0].timing.waited_s < 0.03
    assert outcomes[8].timing.waited_s > 0.05
    assert all(0.03 <= outcome.timing.elapsed_s < 0.08 for outcome in outcomes)


async def test_asking_again_signs_anew_and_is_paced_however_little_the_peer_wants_us_to_wait() -> None:
    refusal = response(fault("overloaded"), {"retry-after": "0"}, status=503)
    clock = Hasty()

    def reply(question: Question) -> bytes:
        return refusal if len(miner.questions) < 3 else honest(question)

    async with misbehaving(saying(reply)) as miner, Client(VALIDATOR, ClientOptions(clock=clock)) as client:
        assert (await client.outcome(miner.peer, Ask())).ok
    assert clock.slept == [1.0, 1.0]
    assert len({question.signature for question in miner.questions}) == 3
    assert len({question.body for question in miner.questions}) == 1


@pytest.mark.parametrize(
    "after", ["", "-1", "1e9", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "9" * 5000, "\xb2", "99999"]
)
async def test_a_retry_after_that_is_no_number_or_too_large_is_no_reason_to_wait(after: str) -> None:
    clock, refusal = Hasty(), response(fault("overloaded"), {"retry-after": after}, status=503)
    async with misbehaving(saying(refusal)) as miner, Client(VALIDATOR, ClientOptions(clock=clock)) as client:
        outcome = await client.outcome(miner.peer, Ask())
    assert isinstance(outcome.error, PeerError)
    assert outcome.error.retry_after_s in (None, 3600.0)
    assert clock.slept == []
    assert len(miner.questions) == 1


async def test_asking_again_ends_with_the_deadline_of_the_first_question() -> None:
    class Quick(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(0.03)

    refusal = response(fault("warming_up"), {"retry-after": "1"}, status=503)
    options = ClientOptions(clock=Quick(), timeout_s=1.1)
    async with misbehaving(saying(refusal)) as miner, Client(VALIDATOR, options) as client:
        outcome = await client.outcome(miner.peer, Ask())
    # With 1 s asked for and less than that left, the refusal itself is the outcome: nobody waits for nothing.
    assert isinstance(outcome.error, PeerError)
    assert 0.05 < outcome.timing.elapsed_s < 0.5
    assert 3 <= len(miner.questions) <= 6


async def test_a_reply_after_a_refusal_is_timed_from_the_first_question() -> None:
    class Quick(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(0.05)

    def reply(question: Question) -> bytes:
        first = len(miner.questions) == 1
        return response(fault("overloaded"), {"retry-after": "1"}, status=503) if first else honest(question)

    async with misbehaving(saying(reply)) as miner, Client(VALIDATOR, ClientOptions(clock=Quick())) as client:
        timing = (await client.outcome(miner.peer, Ask())).timing
    assert timing.first_byte_s is not None
    assert 0.05 <= timing.first_byte_s <= timing.elapsed_s


async def test_a_peer_that_is_cut_off_while_it_makes_us_wait_leaves_no_first_byte() -> None:
    class Quick(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(0)

    async def once(question: Question, line: Line) -> None:
        if len(miner.questions) > 1:
            await line.gone()
        await line.say(response(fault("overloaded"), {"retry-after": "1"}, status=503))

    async with misbehaving(once) as miner, Client(VALIDATOR, ClientOptions(clock=Quick(), timeout_s=1.05)) as client:
        outcome = await client.outcome(miner.peer, Ask())
    assert isinstance(outcome.error, TimedOut)
    assert outcome.timing.first_byte_s is None


@pytest.mark.parametrize("hotkey", ["", "5", "x" * 48, "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694t\n", "\ud800"])
def test_a_peer_has_an_address_that_is_one(hotkey: str) -> None:
    with pytest.raises(InvalidAddress):
        Peer(hotkey, "http://127.0.0.1:1")


async def test_an_outcome_that_is_kept_keeps_no_part_of_the_reply_that_failed() -> None:
    large = chunk(b"a" * 40_000) * 2
    async with asked(saying(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + large)) as (client, miner):
        outcome = await client.outcome(miner.peer, Ask())
    error: BaseException | None = outcome.error
    assert isinstance(error, ReplyTooLarge)
    while error is not None:
        assert error.__traceback__ is None
        error = error.__cause__ or error.__context__


async def test_the_error_of_ask_can_be_raised_and_traced() -> None:
    async with asked(saying(response(b"", {}, status=500))) as (client, miner):
        with pytest.raises(PeerError) as refused:
            await client.ask(miner.peer, Ask())
    assert refused.value.__traceback__ is not None


async def test_outcomes_free_what_they_refer_to_without_a_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        async with asked(saying(response(b"", {}, status=500))) as (client, miner):
            outcome = await client.outcome(miner.peer, Ask())
            assert outcome.error is not None
            gone = weakref.ref(outcome.error)
            del outcome
            await asyncio.sleep(0)
            assert gone() is None
    finally:
        gc.enable()


async def test_cancelling_a_question_is_a_cancellation() -> None:
    async with asked(silent) as (client, miner):
        task = asyncio.create_task(client.outcome(miner.peer, Ask()))
        await asyncio.sleep(0.03)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await miner.deserted()


async def test_a_timeout_of_the_asker_is_the_askers_timeout() -> None:
    async with asked(silent) as (client, miner):
        with pytest.raises(TimeoutError) as late:
            async with asyncio.timeout(0.03):
                await client.outcome(miner.peer, Ask())
        assert not isinstance(late.value, TimedOut)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0


async def test_our_deadline_inside_a_longer_timeout_is_an_outcome() -> None:
    async with asked(silent, timeout_s=0.03) as (client, miner):
        async with asyncio.timeout(5):
            outcome = await client.outcome(miner.peer, Ask())
        assert isinstance(outcome.error, TimedOut)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0


async def test_cancelling_a_round_cancels_every_question_of_it() -> None:
    async with asked(silent) as (client, miner):
        task = asyncio.create_task(client.ask_all([miner.peer] * 20, Ask()))
        await asyncio.sleep(0.05)
        assert len(miner.open) == 20
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await miner.deserted()


async def test_asking_many_leaves_turns_to_others() -> None:
    turns, seen = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def asks() -> Iterator[tuple[Peer, Ask]]:
        for number in range(200):
            seen.append(turns)
            yield miner.peer, Ask(prompt=str(number))

    async with misbehaving(saying(honest)) as miner, Client(VALIDATOR) as client:
        busy = asyncio.create_task(others())
        assert all([outcome.ok async for outcome in client.ask_each(asks())])
        busy.cancel()
    assert seen[-1] - seen[0] >= 3


async def test_cancelling_who_reads_outcomes_as_they_come_closes_everything() -> None:
    before = asyncio.all_tasks()
    async with asked(silent) as (client, miner):

        async def read() -> None:
            async for _ in client.ask_each((miner.peer, Ask(prompt=str(number))) for number in range(20)):
                pytest.fail("answered")

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        assert len(miner.open) == 20
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # At once: whoever has been told that it is over may close the event loop.
        assert asyncio.all_tasks() - before <= miner.open
        assert await miner.deserted()


async def only_the_first(question: Question, line: Line) -> None:
    """Answer the one whose prompt is 0, and nobody else."""
    if question.body.endswith(b"0"):
        await line.say(honest(question))
    await line.gone()


async def test_a_round_that_is_left_by_break_closes_everything() -> None:
    async with asked(only_the_first) as (client, miner):
        async for outcome in client.ask_each((miner.peer, Ask(prompt=str(number))) for number in range(10)):
            assert outcome.ok
            break
        await asyncio.sleep(0.05)
        assert len(miner.open) <= 1


async def test_a_round_that_is_closed_is_over_at_once() -> None:
    before = asyncio.all_tasks()
    async with asked(only_the_first) as (client, miner):
        asks = [(miner.peer, Ask(prompt=str(number))) for number in range(10)]
        async with aclosing(client.ask_each(asks)) as outcomes:
            assert (await anext(outcomes)).ok
        assert asyncio.all_tasks() - before <= miner.open


async def test_a_bug_in_a_dialect_is_not_taken_for_a_peers_failure() -> None:
    class Broken(NativeSpeaking):
        def compose(self, query: Synapse) -> Composed:
            raise ZeroDivisionError

    async with asked(saying(honest)) as (client, miner):
        with pytest.raises(ZeroDivisionError):
            await client.outcome(Peer(MINER.ss58_address, miner.url, dialect=Broken()), Ask())
