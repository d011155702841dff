# SPDX-License-Identifier: Apache-2.0
"""A server begins when it listens and ends when nothing of it is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from protocols.client import Client, ClientOptions, Peer
from protocols.errors import BindFailed, PeerError
from protocols.memory import MemoryNetwork, MemoryTransport
from protocols.replay import MemoryReplay
from protocols.server import Context, Limits, Server, ServerOptions
from tests.attacks.hostile import has_ipv6
from tests.attacks.miner import ALICE, MINER, Ask, Count, Gate, Letter, Seen, until
from tests.attacks.raw import connect, exchange, get, request


def server(answer: object = None, limits: Limits | None = None) -> Server:
    """A server that accepts at once."""
    options = ServerOptions(replay=MemoryReplay.never_served_before(), limits=limits or Limits())
    return Server(MINER, {Ask: answer or Seen().answer, Count: Seen().count}, options)  # type: ignore[dict-item]


async def nothing_is_left(stopped: Server) -> None:
    """No task but this one, no connection, no open port."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert stopped.meters.connections == 0


async def refuses_connections(url: str) -> bool:
    """Whether nobody listens any more."""
    try:
        async with connect(url):
            return False
    except OSError:
        return True


async def test_start_returns_when_it_listens_and_says_where() -> None:
    miner = server()
    url = await miner.start()
    assert URL(url).host == "127.0.0.1"
    assert URL(url).port
    assert (await exchange(url, Letter().bytes())).status == 200
    await miner.stop()
    assert await refuses_connections(url)
    await nothing_is_left(miner)


async def test_an_ipv6_address_is_written_as_urls_want_it() -> None:
    async with server() as miner:
        if not has_ipv6():
            with pytest.raises(BindFailed):
                await miner.start("::1")
            return
        url = await miner.start("::1")
        assert url.startswith("http://[::1]:")
        assert (await get(url, "/livez")).status == 200


async def test_a_port_that_is_taken_raises_and_names_it() -> None:
    async with server() as first, server() as second:
        port = URL(await first.start()).port
        with pytest.raises(BindFailed, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*in use") as error:
            await second.start(port=port or 0)
        assert str(port) in error.value.help
        assert (await get(f"http://127.0.0.1:{port}", "/livez")).status == 200


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000), ("no.such.host.invalid", 0)])
async def test_an_address_that_is_not_ours_raises(host: str, port: int) -> None:
    miner = server()
    with pytest.raises(BindFailed):
        await miner.start(host, port)
    await miner.stop()
    await nothing_is_left(miner)


async def test_a_server_that_never_started_stops() -> None:
    miner = server()
    await miner.stop()
    await miner.stop()
    await nothing_is_left(miner)


async def test_stop_lets_what_runs_end_and_takes_nothing_new() -> None:
    gate = Gate()
    miner = server(gate.answer)
    url = await miner.start()
    running = asyncio.create_task(exchange(url, Letter().bytes()))
    async with connect(url) as kept:
        await kept.send(request("/livez", method="GET"))
        assert (await kept.response()).status == 200
        await until(lambda: gate.entered == 1)
        stopping = asyncio.create_task(miner.stop(drain_s=5.0))
        await asyncio.sleep(0.05)
        assert await refuses_connections(url)
        await kept.send(Letter().bytes())
        refused = await kept.response()
        assert (refused.status, refused.code, refused.header("retry-after")) == (503, "draining", "5")
        assert not refused.signed
        assert await kept.ended() == b""
    assert not stopping.done()
    gate.opened.set()
    response = await running
    assert (response.status, response.header("connection")) == (200, "close")
    await stopping
    assert gate.left == ["answered"]
    await nothing_is_left(miner)


async def test_a_server_that_stops_is_alive_and_not_ready() -> None:
    gate = Gate()
    miner = server(gate.answer)
    url = await miner.start()
    async with connect(url) as kept, connect(url) as asking:
        await kept.send(request("/readyz", method="GET"))
        assert (await kept.response()).status == 200
        await asking.send(Letter().bytes())
        await until(lambda: gate.entered == 1)
        stopping = asyncio.create_task(miner.stop(drain_s=5.0))
        await asyncio.sleep(0.02)
        await kept.send(request("/readyz", method="GET"))
        ready = await kept.response()
        assert (ready.status, ready.json()["checks"]["serving"]) == (503, False)
        gate.opened.set()
        await stopping


async def test_what_outlasts_the_drain_is_cut_with_a_signed_error() -> None:
    gate = Gate()
    miner = server(gate.answer)
    url = await miner.start()
    running = asyncio.create_task(exchange(url, Letter().bytes()))
    await until(lambda: gate.entered == 1)
    await miner.stop(drain_s=0.05)
    response = await running
    assert (response.status, response.code, response.signed) == (503, "draining", True)
    assert gate.left == ["cancelled"]
    await nothing_is_left(miner)


async def test_a_stream_that_outlasts_the_drain_ends_in_a_signed_failure() -> None:
    told: list[str] = []

    async def count(ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        try:
            yield Count.Reply(i=1)
            await asyncio.sleep(30)
        finally:
            told.append("cleaned up")

    miner = Server(MINER, {Count: count}, ServerOptions(replay=MemoryReplay.never_served_before()))
    url = await miner.start()
    async with Client(ALICE) as client, client.stream(Peer(MINER.ss58_address, url), Count(n=2)) as stream:
        assert (await anext(aiter(stream))).i == 1
        await miner.stop(drain_s=0.05)
        with pytest.raises(PeerError, match=r"503 draining \(signed\)"):
            await anext(aiter(stream))
    assert told == ["cleaned up"]
    await nothing_is_left(miner)


async def test_those_who_wait_for_a_slot_are_cut_too() -> None:
    gate = Gate()
    miner = server(gate.answer, Limits(slots=1))
    url = await miner.start()
    tasks = [asyncio.create_task(exchange(url, Letter().bytes())) for _ in range(5)]
    await until(lambda: gate.entered == 1 and b"subnet_queries_waiting 4.0" in miner.meters.render())
    await miner.stop(drain_s=0.0)
    assert [(await task).code for task in tasks] == ["draining"] * 5
    assert gate.entered == 1
    await nothing_is_left(miner)


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_handler_that_will_not_be_cancelled_does_not_hold_up_the_end_for_ever() -> None:
    entered = asyncio.Event()

    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        entered.set()
        for _ in range(3):
            try:
                await asyncio.sleep(0.7)
            except asyncio.CancelledError:
                continue
        return Ask.Reply(text="at last")

    miner = server(answer)
    url = await miner.start()
    running = asyncio.create_task(exchange(url, Letter().bytes()))
    await entered.wait()
    async with asyncio.timeout(4.0):
        await miner.stop(drain_s=0.0)
    assert (await running).status == 503
    await nothing_is_left(miner)


async def test_a_plain_function_that_goes_on_does_not_hold_up_the_end() -> None:
    running, release = threading.Event(), threading.Event()

    def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        running.set()
        release.wait(10.0)
        return Ask.Reply(text="too late")

    miner = server(answer)
    url = await miner.start()
    asking = asyncio.create_task(exchange(url, Letter().bytes()))
    await asyncio.to_thread(running.wait, 5.0)
    async with asyncio.timeout(2.0):
        await miner.stop(drain_s=0.0)
    assert (await asking).code == "draining"
    release.set()


async def test_half_a_request_is_refused_at_the_end_of_the_drain() -> None:
    miner = server()
    url = await miner.start()
    letter = Letter().bytes()
    async with connect(url) as in_head, connect(url) as in_body, connect(url) as silent:
        await in_head.send(letter[:100])
        await in_body.send(letter[:-5])
        await asyncio.sleep(0.05)
        await miner.stop(drain_s=0.05)
        assert [(await connection.response()).code for connection in (in_head, in_body)] == ["draining"] * 2
        assert await silent.ended() == b""
    await nothing_is_left(miner)


async def test_idle_connections_are_closed_at_once() -> None:
    miner = server()
    url = await miner.start()
    async with connect(url) as used, connect(url) as unused:
        await used.send(Letter().bytes())
        assert (await used.response()).status == 200
        async with asyncio.timeout(0.5):
            await miner.stop(drain_s=30.0)
        assert await used.ended() == await unused.ended() == b""
    await nothing_is_left(miner)


async def test_a_large_reply_is_delivered_whole_before_the_end() -> None:
    class Large(Ask):
        class Reply(Ask.Reply):
            max_bytes = max_field_bytes = 1 << 25

    async def answer(ask: Large, ctx: Context) -> Large.Reply:
        return Large.Reply(text="x" * (24 << 20))

    miner = Server(MINER, {Large: answer}, ServerOptions(replay=MemoryReplay.never_served_before()))
    url = await miner.start()
    async with connect(url, read_ahead=65_536) as connection:
        await connection.send(Letter(target="/Large").bytes())
        await connection.reader.readexactly(1000)
        stopping = asyncio.create_task(miner.stop(drain_s=5.0))
        rest = await connection.ended()
        await stopping
    assert rest.endswith(b'x","caller":""}')
    assert len(rest) > (24 << 20) - 1000
    await nothing_is_left(miner)


async def test_what_came_in_without_a_socket_is_cut_too() -> None:
    gate, network = Gate(), MemoryNetwork()
    miner = server(gate.answer)
    peer = Peer(MINER.ss58_address, network.serve("miner", miner.app))
    async with Client(ALICE, ClientOptions(transport=MemoryTransport(network))) as client:
        asking = asyncio.create_task(client.outcome(peer, Ask(prompt="x")))
        await until(lambda: gate.entered == 1)
        await miner.stop(drain_s=0.0)
        outcome = await asking
    assert isinstance(outcome.error, PeerError)
    assert outcome.error.peer_code == "draining"
    assert gate.left == ["cancelled"]


async def test_two_servers_share_a_process_and_no_metrics() -> None:
    async with server() as first, server() as second:
        urls = [await first.start(), await second.start()]
        assert (await exchange(urls[0], Letter().bytes())).status == 200
        assert b'subnet_queries_total{outcome="ok",query="Ask"} 1.0' in first.meters.render()
        assert b"subnet_queries_total{" not in second.meters.render()
