# SPDX-License-Identifier: Apache-2.0
"""Too slow, in either direction: whoever does not send, read or leave is let go, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from yarl import URL

from protocols import synapse
from protocols.client import Client, Peer
from protocols.server import Context, Limits, ServerOptions
from protocols.synapse import Synapse
from tests.attacks.miner import ALICE, MINER, Ask, Count, Letter, Seen, Target, serving, until
from tests.attacks.raw import connect, exchange, get


def limited(limits: Limits) -> ServerOptions:
    """Options that differ from the default ones only in these limits."""
    return ServerOptions(limits=limits)


async def metrics(target: Target) -> str:
    """What the server counts."""
    return (await get(target.url, "/metrics")).body.decode()


async def test_a_connection_that_stays_silent_is_closed() -> None:
    async with serving(options=limited(Limits(request_s=0.1))) as target, connect(target.url) as connection:
        assert (await connection.response()).code == "slow_request"
        assert await connection.ended(2.0) == b""


@pytest.mark.serial
@pytest.mark.parametrize("begin", [0, 300, -18, -5], ids=["nothing", "head", "body", "end"])
async def test_a_request_that_trickles_in_is_cut_off_in_time(begin: int) -> None:
    data = Letter().bytes()
    async with serving(options=limited(Limits(request_s=0.2))) as target, connect(target.url) as connection:
        started = time.monotonic()
        await connection.send(data[:begin])
        answered = asyncio.create_task(connection.response())
        for byte in data[begin:]:
            if answered.done():
                break
            await connection.send(bytes([byte]))
            await asyncio.sleep(0.06)
        assert (await answered).code == "slow_request"
        assert 0.15 < time.monotonic() - started < 1.0
        assert not target.seen.asked


async def test_a_connection_left_idle_after_a_request_is_closed() -> None:
    async with serving(options=limited(Limits(keep_alive_s=0.1))) as target, connect(target.url) as connection:
        await connection.send(Letter().bytes())
        assert (await connection.response()).status == 200
        assert await connection.ended(2.0) == b""


async def test_half_a_second_request_does_not_hold_a_connection_open() -> None:
    limits = Limits(keep_alive_s=0.1, request_s=0.3)
    async with serving(options=limited(limits)) as target, connect(target.url) as connection:
        await connection.send(Letter().bytes())
        assert (await connection.response()).status == 200
        await connection.send(b"POST /Ask HTTP/1.1\r\nHo")
        assert (await connection.response()).code == "slow_request"
        assert await connection.ended(2.0) == b""


class Much(Synapse):
    """Asks for a large reply."""

    class Reply(synapse.Reply):
        """Megabytes."""

        max_bytes = max_field_bytes = 1 << 25
        text: str


async def much(ask: Much, ctx: Context) -> Much.Reply:
    """More than any socket buffer takes."""
    return Much.Reply(text="x" * (1 << 24))


def deaf(url: str, buffer: int = 4096) -> socket.socket:
    """A connection that nobody reads unless a test does, with a buffer of this size."""
    target = URL(url)
    assert target.host is not None
    assert target.port is not None
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.connect((target.host, target.port))
    return client


class Flow(Synapse):
    """Asks for a stream of large items without end."""

    class Reply(synapse.Reply):
        """One of them."""

        text: str


@pytest.mark.parametrize("query", [Much, Flow], ids=["reply", "stream"])
async def test_a_caller_that_never_reads_its_reply_is_dropped(query: type[Synapse]) -> None:
    ended: list[type[Synapse]] = []

    async def flow(ask: Flow, ctx: Context) -> AsyncIterator[Flow.Reply]:
        try:
            while True:
                yield Flow.Reply(text="x" * 200_000)
        finally:
            ended.append(Flow)

    async with serving({Much: much, Flow: flow}, limited(Limits(write_stall_s=0.2))) as target:
        with deaf(target.url) as client:
            client.sendall(Letter(target=query.route(), body=b"{}").bytes())
            await until(lambda: 'reason="write_stalled"' in target.server.meters.render().decode())
            await until(lambda: target.server.meters.connections == 0)
        await until(lambda: ended == [Flow][: query is Flow])
        assert "subnet_queries_in_flight 0.0" in await metrics(target)


async def test_a_refused_caller_that_neither_reads_nor_leaves_is_let_go() -> None:
    async with serving() as target:
        with deaf(target.url) as client:
            client.sendall(b"GARBAGE\r\n\r\n")
            await until(lambda: target.server.meters.connections == 0, within_s=3.0)


async def test_a_caller_that_leaves_a_stream_early_stops_the_work_at_once() -> None:
    seen = Seen()
    async with serving({Count: seen.count}) as target, Client(ALICE) as client:
        async with client.stream(Peer(MINER.ss58_address, target.url), Count(n=-1)) as stream:
            async for item in stream:
                if item.i == 3:
                    break
        await until(lambda: seen.finished == 1, within_s=2.0)
        counted = seen.counted
        await asyncio.sleep(0.05)
        assert seen.counted == counted


async def test_a_handler_that_yields_without_ever_waiting_leaves_the_loop_to_others() -> None:
    seen, enough = Seen(), 50_000
    async with serving({Count: seen.count, Ask: seen.answer}) as target:
        # Read by a thread, as fast as it comes, so that no full buffer ever makes the handler wait.
        with deaf(target.url, 1 << 22) as client:
            client.sendall(Letter(target="/Count", body=b'{"n":%d}' % enough).bytes())
            reading = asyncio.create_task(asyncio.to_thread(read_all, client))
            await until(lambda: seen.counted > 0)
            assert (await exchange(target.url, Letter().bytes())).status == 200
            assert seen.counted < enough
            client.shutdown(socket.SHUT_RDWR)
            await reading


def read_all(client: socket.socket) -> None:
    """Read until the end, whichever it is."""
    with suppress(ConnectionError):
        while client.recv(1 << 20):
            continue
