# SPDX-License-Identifier: Apache-2.0
"""Too much, too often: each has a limit, and an honest caller does not notice."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from protocols.client import Client, Peer
from protocols.dialect import Caller
from protocols.errors import CATALOGUE, Unregistered
from protocols.keys import Keypair
from protocols.replay import MemoryReplay
from protocols.server import AdmitAll, Context, Limits, ServerOptions
from protocols.synapse import Synapse
from tests.attacks.miner import ALICE, BODY, CHARLIE, MINER, Ask, Count, Gate, Letter, Target, altered, serving, until
from tests.attacks.raw import connect, exchange, get, request


def limited(limits: Limits) -> ServerOptions:
    """Options that differ from the default ones only in these limits."""
    return ServerOptions(limits=limits)


async def metrics(target: Target) -> str:
    """What the server counts."""
    return (await get(target.url, "/metrics")).body.decode()


async def test_connections_of_one_address_are_limited_and_counted() -> None:
    async with serving(options=limited(Limits(connections_per_address=5))) as target, AsyncExitStack() as stack:
        held = [await stack.enter_async_context(connect(target.url)) for _ in range(5)]
        await until(lambda: target.server.meters.connections == 5)
        for _ in range(20):
            async with connect(target.url) as another:
                assert await another.ended(2.0) == b""
        await held[0].send(Letter().bytes())
        assert (await held[0].response()).status == 200
        await held[1].close()
        await until(lambda: target.server.meters.connections == 4)
        assert 'subnet_refusals_total{reason="too_many_connections"} 20.0' in await metrics(target)


async def test_connections_are_limited_in_all() -> None:
    async with serving(options=limited(Limits(connections=3))) as target, AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(connect(target.url))
        await until(lambda: target.server.meters.connections == 3)
        async with connect(target.url) as another:
            assert await another.ended(2.0) == b""
        assert target.server.meters.connections == 3


async def test_no_connection_is_left_after_a_thousand_have_come_and_gone() -> None:
    async with serving() as target:
        for _ in range(20):
            async with AsyncExitStack() as stack:
                for at in range(50):
                    connection = await stack.enter_async_context(connect(target.url))
                    if at % 5:
                        await connection.send((b"", b"GARB", b"POST /Ask", Letter().bytes(), b"\r\n" * at)[at % 5])
        await until(lambda: target.server.meters.connections == 0)


class OnlyAlice(AdmitAll):
    """Whoever is not Alice is a stranger."""

    def knows(self, hotkey: str) -> bool:
        return hotkey == ALICE.ss58_address

    def check(self, caller: Caller, query: type[Synapse]) -> None:
        if not self.knows(caller.hotkey):
            raise Unregistered("hotkey is not Alice's")


def forged(key: Keypair) -> bytes:
    """A request in somebody's name that another has signed, if anybody."""
    return altered("X-Bittensor-Signature", "0x" + random.randbytes(64).hex(), Letter(key=key))


def alices(limits: Limits, replay: MemoryReplay | None = None) -> ServerOptions:
    """Options of a server that serves Alice."""
    return ServerOptions(limits=limits, admission=OnlyAlice(), replay=replay)


@pytest.mark.parametrize("send", [forged, lambda key: Letter(key=key).bytes()], ids=["forged", "signed"])
async def test_strangers_of_an_address_that_keeps_failing_are_refused_unread_and_forgiven_later(
    send: Callable[[Keypair], bytes],
) -> None:
    async with serving(options=alices(Limits(failures_burst=5, failures_per_s=4.0))) as target:
        for _ in range(5):
            assert (await exchange(target.url, send(CHARLIE))).code in ("bad_signature", "unregistered")
        refused = await exchange(target.url, send(CHARLIE))
        assert (refused.status, refused.code, refused.header("retry-after")) == (429, "rate_limited", "1")
        assert not refused.signed
        spoofed = request(headers={**Letter(key=CHARLIE).headers(), "X-Forwarded-For": "192.0.2.1"}.items(), body=BODY)
        assert (await exchange(target.url, spoofed)).status == 429
        await asyncio.sleep(0.3)
        assert (await exchange(target.url, send(CHARLIE))).code in ("bad_signature", "unregistered")


async def test_a_known_caller_is_heard_whatever_its_neighbours_at_the_same_address_send() -> None:
    nonsense = [request(body=BODY), b"GARBAGE\r\n\r\n", forged(CHARLIE), Letter(key=CHARLIE).bytes()]
    async with serving(options=alices(Limits(failures_burst=2, failures_per_s=0.1))) as target:
        for at in range(40):
            await exchange(target.url, nonsense[at % len(nonsense)])
        assert (await exchange(target.url, Letter(key=CHARLIE).bytes())).code == "rate_limited"
        for _ in range(5):
            # Whoever takes the known caller's name has to sign for it, and does it no harm.
            assert (await exchange(target.url, forged(ALICE))).code == "bad_signature"
            assert (await exchange(target.url, Letter().bytes())).status == 200


async def test_strangers_fill_no_replay_window_and_are_refused_before_it() -> None:
    replay = MemoryReplay.never_served_before(capacity=2)
    async with serving(options=alices(Limits(failures_burst=1_000), replay)) as target:
        for at in range(20):
            stranger = Letter(key=Keypair.from_seed(at.to_bytes(32, "big"))).bytes()
            assert [(await exchange(target.url, stranger)).code for _ in range(2)] == ["unregistered"] * 2
        assert replay.held == 0
        captured = Letter().bytes()
        assert (await exchange(target.url, captured)).status == 200
        assert (await exchange(target.url, captured)).code == "replayed_request"
        assert replay.held == 1


async def test_a_page_that_is_asked_for_all_the_time_is_made_anew_only_now_and_then() -> None:
    made = 0

    def count() -> float:
        nonlocal made
        made += 1
        return made

    async with serving() as target, connect(target.url) as connection:
        target.server.meters.gauge("subnet_made", "How often the page was made", count)
        made, started = 0, asyncio.get_running_loop().time()
        for _ in range(300):
            await connection.send(request("/metrics", method="GET"))
            assert (await connection.response()).status == 200
        took_s = asyncio.get_running_loop().time() - started
        assert 5 <= made <= 6 + 4 * took_s
        await until(lambda: asyncio.get_running_loop().time() - started > took_s + 0.3)
        assert f"subnet_made {made + 1:.1f}" in await metrics(target)


async def test_a_validator_whose_requests_are_good_is_never_slowed() -> None:
    options = limited(Limits(failures_burst=2, failures_per_s=0.1))
    async with serving(options=options) as target, Client(ALICE) as client:
        outcomes = await client.ask_all([Peer(MINER.ss58_address, target.url)] * 200, Ask(prompt="x"))
    assert all(outcome.ok for outcome in outcomes)


async def test_refusals_of_the_miners_own_are_not_held_against_a_caller() -> None:
    async def fails(ask: Ask, ctx: Context) -> Ask.Reply:
        return Ask.Reply(text="x" * 2_000_000)

    options = limited(Limits(failures_burst=2, failures_per_s=0.1, complaints_burst=0))
    async with serving({Ask: fails}, options) as target:
        assert [(await exchange(target.url, Letter().bytes())).code for _ in range(10)] == ["handler_failed"] * 10


def bad_requests() -> list[bytes]:
    """One of each kind of bad request, some of them signed."""
    stranger = Letter().headers()
    return [
        request(body=BODY),
        request("/Unknown", body=BODY),
        request("/" + "".join(random.choices("abcdef", k=12)), method="GET"),
        request(method="PUT"),
        b"GARBAGE\r\n\r\n",
        request(headers=[("X-Big", "x" * 20_000)]),
        request(headers={**stranger, "X-Bittensor-Signature": "0x" + "11" * 64}.items(), body=BODY),
        Letter(nonce_ns=1).bytes(),
        Letter(receiver=ALICE.ss58_address).bytes(),
        Letter(body=b"nonsense").bytes(),
        Letter(body=b"{}").bytes({"X-Subnet-Timeout": "soon"}),
        Letter().bytes() + b"GET / HTTP/1.1\r\n\r\n",
        Letter().bytes()[:-3],
    ]


async def send_bad_requests(url: str, count: int) -> None:
    """Send that many bad requests, and leave each connection in one way or another."""

    async def one(data: bytes) -> None:
        async with connect(url) as connection:
            await connection.send(data)
            if data.endswith(b"}"):
                await connection.last()

    at_once = 50
    for _ in range(count // at_once):
        kinds = bad_requests()
        await asyncio.gather(*(one(kinds[at % len(kinds)]) for at in range(at_once)))


@pytest.mark.serial
@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_ten_thousand_bad_requests_log_nothing_and_make_no_metric_grow(caplog: pytest.LogCaptureFixture) -> None:
    options = limited(Limits(failures_burst=1_000_000, failures_per_s=1_000_000.0))
    async with serving(options=options) as target:
        await send_bad_requests(target.url, 650)
        series = len((await metrics(target)).splitlines())
        await send_bad_requests(target.url, 9_350)
        text = await metrics(target)
        assert len(text.splitlines()) == series
    named = set(re.findall(r'(?:reason|outcome)="([^"]*)"', text))
    assert named <= set(CATALOGUE) | {"ok", "caller_left", "too_many_connections", "write_stalled", "cut"}
    assert set(re.findall(r'query="([^"]*)"', text)) <= {"Ask", "Count"}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_handler_that_always_fails_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(ask: Ask, ctx: Context) -> Ask.Reply:
        raise ValueError("secret of the miner")

    async def breaks(ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        if ask.n:
            raise ValueError("secret of the miner")
        yield Count.Reply(i=0)

    options = limited(Limits(complaints_burst=5, complaints_per_minute=1.0))
    async with serving({Ask: fails, Count: breaks}, options) as target:
        for _ in range(200):
            response = await exchange(target.url, Letter().bytes())
            assert (response.status, response.code, response.signed) == (500, "handler_failed", True)
            assert b"secret" not in response.body
        stream = await exchange(target.url, Letter(target="/Count", body=b'{"n":1}').bytes())
        assert b"handler_failed" in stream.body
        assert b"secret" not in stream.body
    assert len(caplog.records) == 5
    assert all(record.exc_info is not None for record in caplog.records)
    caplog.clear()


async def test_a_caller_who_fills_the_queue_is_refused_and_one_of_higher_priority_is_not() -> None:
    class ByKey(AdmitAll):
        def admit(self, caller: object, query: type[Synapse]) -> float:
            return 1.0 if getattr(caller, "hotkey", "") == ALICE.ss58_address else 0.0

    gate, crowd = Gate(), MINER
    options = ServerOptions(limits=Limits(slots=1, waiting=2), admission=ByKey())
    async with serving({Ask: gate.answer}, options) as target:
        strangers = [asyncio.create_task(exchange(target.url, Letter(key=crowd).bytes())) for _ in range(4)]
        await until(lambda: sum(task.done() for task in strangers) == 1)
        honest = asyncio.create_task(exchange(target.url, Letter(key=ALICE).bytes()))
        await until(lambda: sum(task.done() for task in strangers) == 2)
        gate.opened.set()
        assert (await honest).status == 200
        responses = [await stranger for stranger in strangers]
        assert sorted(response.status for response in responses) == [200, 200, 503, 503]
        full = [response for response in responses if response.status == 503]
        assert all((r.code, r.header("retry-after"), r.signed) == ("overloaded", "1", True) for r in full)
