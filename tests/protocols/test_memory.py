# SPDX-License-Identifier: Apache-2.0
"""The memory transport where it is more than the contract: addresses, and applications that behave badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from protocols.errors import Disconnected, ReplyTooLarge, Unreachable
from protocols.memory import MemoryNetwork, MemoryTransport
from protocols.server.listener import App

START = {"type": "http.response.start", "status": 200, "headers": [(b"X-Upper", b"caf\xe9")]}


def headers() -> Mapping[str, str]:
    """What is sent along."""
    return {"X-One": "1"}


@asynccontextmanager
async def carrying(app: App) -> AsyncIterator[tuple[MemoryTransport, str]]:
    """A transport, and the URL of this application."""
    network = MemoryNetwork()
    transport = MemoryTransport(network)
    yield transport, network.serve("miner", app)
    await transport.close()


async def test_an_application_sees_the_request_as_a_server_would_show_it() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([scope, await receive()])
        await send(START)
        await send({"type": "http.response.body", "body": b"ok"})

    async with carrying(app) as (transport, url):
        arrival = await transport.send(f"{url}/a%20b?c=d", b"body", headers)
        assert arrival.head.status == 200
        assert arrival.head.headers == {"x-upper": "caf\xe9"}
        assert await arrival.read(10) == b"ok"
        arrival.release()
    scope, request = seen
    assert (scope["type"], scope["method"], scope["path"]) == ("http", "POST", "/a b")
    assert (scope["raw_path"], scope["query_string"]) == (b"/a%20b", b"c=d")
    assert scope["headers"] == [(b"x-one", b"1"), (b"content-length", b"4")]
    assert request == {"type": "http.request", "body": b"body", "more_body": False}


@pytest.mark.parametrize("url", ["memory://nobody/Ask", "http://127.0.0.1/Ask", "", "memory://\x1b[2J"])
async def test_nobody_is_at_an_address_that_nobody_took(url: str) -> None:
    with pytest.raises(Unreachable) as error:
        await MemoryTransport(MemoryNetwork()).send(url, b"", headers)
    assert error.value.message.isprintable()


async def test_whoever_leaves_is_not_found_any_more() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)

    network = MemoryNetwork()
    url = network.serve("miner", app)
    network.leave("miner")
    network.leave("miner")
    with pytest.raises(Unreachable):
        await MemoryTransport(network).send(url, b"", headers)


async def test_the_headers_are_made_when_the_request_leaves_and_only_then() -> None:
    made: list[str] = []

    def depart() -> Mapping[str, str]:
        made.append("made")
        return {}

    with pytest.raises(Unreachable):
        await MemoryTransport(MemoryNetwork()).send("memory://nobody", b"", depart)
    assert made == []


async def test_an_application_that_raises_has_hung_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("by zero")

    async with carrying(app) as (transport, url):
        with pytest.raises(Disconnected, match=r"without a response: ZeroDivisionError\('by zero'\)"):
            await transport.send(url, b"", headers)


async def test_an_application_that_ends_without_a_word_has_hung_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return

    async with carrying(app) as (transport, url):
        with pytest.raises(Disconnected):
            await transport.send(url, b"", headers)


@pytest.mark.parametrize("raises", [True, False])
async def test_an_application_that_ends_within_its_response_has_hung_up(raises: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        if raises:
            raise ZeroDivisionError

    async with carrying(app) as (transport, url):
        arrival = await transport.send(url, b"", headers)
        with pytest.raises(Disconnected, match="within its response"):
            await arrival.read(100)
        arrival.release()


async def test_a_body_without_end_is_cut_at_the_limit_and_the_application_is_held_back() -> None:
    sent = 0
    left = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await receive()
        await send(START)
        watch = asyncio.create_task(receive())
        while not watch.done():
            await send({"type": "http.response.body", "body": b"a" * 1000, "more_body": True})
            sent += 1
        assert watch.result() == {"type": "http.disconnect"}
        left.set()

    async with carrying(app) as (transport, url):
        arrival = await transport.send(url, b"", headers)
        await asyncio.sleep(0.01)
        assert sent < 20
        with pytest.raises(ReplyTooLarge):
            await arrival.read(5000)
        arrival.release()
        await asyncio.wait_for(left.wait(), 1)


async def test_pieces_come_one_by_one_without_empty_ones() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for piece in (b"a", b"", b"b"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    async with carrying(app) as (transport, url):
        arrival = await transport.send(url, b"", headers)
        assert [piece async for piece in arrival.chunks()] == [b"a", b"b"]
        assert [piece async for piece in arrival.chunks()] == []
        arrival.release()


async def test_an_application_learns_that_its_caller_left_and_may_still_finish() -> None:
    finished = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"nobody reads this"})
        await asyncio.sleep(0.01)
        finished.set()

    async with carrying(app) as (transport, url):
        arrival = await transport.send(url, b"", headers)
        arrival.release()
        arrival.release()
        await asyncio.wait_for(finished.wait(), 1)


async def test_cancelling_a_sender_lets_the_application_know() -> None:
    left = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()
        left.set()

    async with carrying(app) as (transport, url):
        task = asyncio.create_task(transport.send(url, b"", headers))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(left.wait(), 1)


async def test_closing_wakes_whoever_waits_for_a_response() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    async with carrying(app) as (transport, url):
        task = asyncio.create_task(transport.send(url, b"", headers))
        await asyncio.sleep(0.01)
        await transport.close()
        with pytest.raises(Disconnected):
            await asyncio.wait_for(task, 1)
        with pytest.raises(Unreachable):
            await transport.send(url, b"", headers)
