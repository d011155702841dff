# SPDX-License-Identifier: Apache-2.0
"""The miner's own code may be slow: it is bounded, cancelled when nobody waits, and never in the way of others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from protocols import synapse
from protocols.client import Client, Peer
from protocols.errors import PeerError, TimedOut
from protocols.server import AdmitAll, Context, Limits, ServerOptions
from protocols.synapse import Synapse
from tests.attacks.miner import ALICE, MINER, Ask, Count, Gate, Letter, Target, serving, until
from tests.attacks.raw import connect, exchange, get


def limited(limits: Limits) -> ServerOptions:
    """Options that differ from the default ones only in these limits."""
    return ServerOptions(limits=limits)


async def in_flight(target: Target) -> int:
    """How many queries are under way, by the server's own count."""
    text = (await get(target.url, "/metrics")).body.decode()
    return int(float(text.partition("\nsubnet_queries_in_flight ")[2].split()[0]))


@pytest.mark.serial
async def test_eight_slow_plain_functions_do_not_hold_up_a_ping() -> None:
    class Ping(Synapse):
        class Reply(synapse.Reply):
            ok: bool = True

    release, running = threading.Event(), threading.Semaphore(0)

    def slow(ask: Ask, ctx: Context) -> Ask.Reply:
        running.release()
        release.wait(5.0)
        return Ask.Reply(text="done")

    async def ping(ask: Ping, ctx: Context) -> Ping.Reply:
        return Ping.Reply()

    async with serving({Ask: slow, Ping: ping}) as target:
        slow_ones = [asyncio.create_task(exchange(target.url, Letter().bytes())) for _ in range(8)]
        await asyncio.to_thread(lambda: [running.acquire(timeout=5.0) for _ in range(8)])
        took = []
        for _ in range(10):
            started = time.perf_counter()
            assert (await exchange(target.url, Letter(target="/Ping", body=b"{}").bytes())).status == 200
            took.append(time.perf_counter() - started)
        release.set()
        assert [(await task).status for task in slow_ones] == [200] * 8
    assert max(took) < 0.05


@pytest.mark.parametrize(
    ("limits", "headers"),
    [(Limits(handler_s=0.1), {}), (Limits(), {"X-Subnet-Timeout": "0.1"}), (Limits(), {"X-Subnet-Timeout": "0"})],
    ids=["the server's", "the caller's", "none at all"],
)
async def test_work_past_its_deadline_is_cancelled_and_answered(limits: Limits, headers: dict[str, str]) -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}, limited(limits)) as target:
        started = time.monotonic()
        response = await exchange(target.url, Letter().bytes(headers))
        assert (response.status, response.code, response.signed) == (504, "deadline_exceeded", True)
        assert time.monotonic() - started < 1.0
        assert gate.left == ["cancelled"] * gate.entered
        assert await in_flight(target) == 0


async def test_a_caller_cannot_ask_for_more_time_than_the_server_gives() -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}, limited(Limits(handler_s=0.1))) as target:
        response = await exchange(target.url, Letter().bytes({"X-Subnet-Timeout": "999999"}))
        assert response.code == "deadline_exceeded"


@pytest.mark.parametrize("asked", ["nan", "inf", "-1", "+1", "1e3", "0x1", " ", "1_0", "1.", ".5", "\xb2", "9" * 400])
async def test_a_timeout_that_is_no_number_of_seconds_is_refused(asked: str) -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}) as target:
        response = await exchange(target.url, Letter().bytes({"X-Subnet-Timeout": asked}))
        assert (response.status, response.code) == (400, "malformed_body")
        assert gate.entered == 0


async def test_a_handler_knows_how_much_time_is_left() -> None:
    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        return Ask.Reply(text=f"{ctx.remaining_s:.1f}")

    async with serving({Ask: answer}) as target:
        assert (await exchange(target.url, Letter().bytes({"X-Subnet-Timeout": "7"}))).json()["text"] == "7.0"
        assert (await exchange(target.url, Letter().bytes())).json()["text"] == "60.0"


async def test_the_wait_for_a_slot_counts_against_the_deadline() -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}, limited(Limits(slots=1))) as target:
        first = asyncio.create_task(exchange(target.url, Letter().bytes()))
        await until(lambda: gate.entered == 1)
        second = await exchange(target.url, Letter().bytes({"X-Subnet-Timeout": "0.05"}))
        assert second.code == "deadline_exceeded"
        assert gate.entered == 1
        gate.opened.set()
        assert (await first).status == 200


async def test_work_is_cancelled_when_the_caller_leaves() -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}) as target:
        async with connect(target.url) as connection:
            await connection.send(Letter().bytes())
            await until(lambda: gate.entered == 1)
        await until(lambda: gate.left == ["cancelled"], within_s=2.0)
        await until(lambda: target.server.meters.connections == 0)
        assert await in_flight(target) == 0


async def test_a_caller_that_leaves_while_waiting_gives_up_its_place() -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}, limited(Limits(slots=1, waiting=1))) as target:
        inside = asyncio.create_task(exchange(target.url, Letter().bytes()))
        await until(lambda: gate.entered == 1)
        async with connect(target.url) as connection:
            await connection.send(Letter().bytes())
            await asyncio.sleep(0.05)
            assert (await exchange(target.url, Letter().bytes())).code == "overloaded"
        await asyncio.sleep(0.05)
        next_one = asyncio.create_task(exchange(target.url, Letter().bytes()))
        await asyncio.sleep(0.05)
        gate.opened.set()
        assert [(await inside).status, (await next_one).status] == [200, 200]


async def test_a_second_request_sent_too_soon_cancels_the_first() -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}) as target, connect(target.url) as connection:
        await connection.send(Letter().bytes())
        await until(lambda: gate.entered == 1)
        await connection.send(Letter().bytes())
        assert (await connection.response()).code == "malformed_body"
        await until(lambda: gate.left == ["cancelled"])
        gate.opened.set()
        assert await connection.ended() == b""


@pytest.mark.parametrize("waits", [True, False], ids=["between items", "never"])
async def test_a_stream_is_cancelled_when_the_caller_leaves_and_cleans_up(waits: bool) -> None:
    told: list[str] = []

    async def count(ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        try:
            for number in range(1_000_000):
                if waits and number > 2:
                    await asyncio.sleep(5)
                yield Count.Reply(i=number)
        finally:
            await asyncio.sleep(0)
            told.append("cleaned up")

    async with serving({Count: count}) as target:
        async with connect(target.url) as connection:
            await connection.send(Letter(target="/Count", body=b'{"n":9}').bytes())
            await connection.head()
        await until(lambda: told == ["cleaned up"], within_s=2.0)
        assert await in_flight(target) == 0


async def test_a_stream_past_its_deadline_ends_in_a_signed_failure() -> None:
    told: list[str] = []

    async def count(ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        try:
            yield Count.Reply(i=1)
            await asyncio.sleep(5)
        finally:
            told.append("cleaned up")

    async with serving({Count: count}, limited(Limits(handler_s=0.1))) as target, Client(ALICE) as client:
        async with client.stream(Peer(MINER.ss58_address, target.url), Count(n=9)) as stream:
            assert (await anext(aiter(stream))).i == 1
            with pytest.raises(PeerError, match=r"504 deadline_exceeded \(signed\)"):
                await anext(aiter(stream))
        assert not stream.complete
        assert told == ["cleaned up"]


async def test_a_handler_that_swallows_its_cancellation_is_still_late() -> None:
    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            return Ask.Reply(text="late")
        raise AssertionError

    async with serving({Ask: answer}, limited(Limits(handler_s=0.05))) as target:
        assert (await exchange(target.url, Letter().bytes())).code == "deadline_exceeded"


@pytest.mark.serial
async def test_of_those_who_wait_the_highest_priority_is_served_first() -> None:
    served: list[str] = []
    gate = Gate()

    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        served.append(ask.prompt)
        return await gate.answer(ask, ctx)

    class ByPrompt(AdmitAll):
        ranks: Iterator[float] = iter([0.0, 1.0, 3.0, 2.0, 3.0])

        def admit(self, caller: object, query: type[Synapse]) -> float:
            return next(self.ranks)

    options = ServerOptions(limits=Limits(slots=1), admission=ByPrompt())
    async with serving({Ask: answer}, options) as target:
        tasks = []
        for at in range(5):
            letter = Letter(body=b'{"prompt":"%d"}' % at)
            tasks.append(asyncio.create_task(exchange(target.url, letter.bytes())))
            await asyncio.sleep(0.03)
        gate.opened.set()
        assert [(await task).status for task in tasks] == [200] * 5
    assert served == ["0", "2", "4", "3", "1"]


async def test_a_client_that_stops_waiting_stops_the_work() -> None:
    gate = Gate()
    async with serving({Ask: gate.answer}) as target, Client(ALICE) as client:
        outcome = await client.outcome(Peer(MINER.ss58_address, target.url), Ask(prompt="x"), timeout_s=0.05)
        # The miner knows how long the answer is of use; whichever of the two is first says so.
        assert isinstance(outcome.error, TimedOut | PeerError)
        await until(lambda: gate.left == ["cancelled"], within_s=2.0)
