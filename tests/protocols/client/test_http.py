# SPDX-License-Identifier: Apache-2.0
"""The HTTP transport where nobody is, or where it does not matter who is: addresses, connections, and their end."""

from __future__ import annotations

import asyncio
import socket
import time
import warnings
from collections.abc import Mapping

import pytest

from protocols.client import Client, ClientOptions, HttpOptions, HttpTransport, Peer
from protocols.errors import Disconnected, Unreachable
from tests.attacks.hostile import (
    MINER,
    VALIDATOR,
    Ask,
    Line,
    Question,
    asked,
    has_ipv6,
    honest,
    misbehaving,
    response,
    saying,
    sealed,
    silent,
)


class Large(Ask):
    """A question and a reply of some megabytes."""

    max_bytes = 8 << 20
    max_field_bytes = 8 << 20

    class Reply(Ask.Reply):
        """As large."""

        max_bytes = 8 << 20
        max_field_bytes = 8 << 20


def nothing() -> Mapping[str, str]:
    """No headers."""
    return {}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "127.0.0.1",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://256.1.1.1",
        "http://a..b",
        "http://" + "a" * 64,
        "http://\udcff",
        "http://a b",
        "http://127.0.0.1:1/\r\nX-Injected: yes",
        "http://127.0.0.1:1\x1b[2J",
        "ftp://127.0.0.1:1",
        "ws://127.0.0.1:1",
        "file:///etc/passwd",
        "unix:///run/x.sock",
        "http://no-such-host.invalid",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "https://127.0.0.1:1",
    ],
)
async def test_where_nobody_can_be_asked_is_unreachable_and_said_in_print(url: str) -> None:
    async with Client(VALIDATOR) as client:
        outcome = await client.outcome(Peer(MINER.ss58_address, url), Ask())
    assert isinstance(outcome.error, Unreachable)
    assert outcome.error.message.isprintable()
    assert outcome.timing.first_byte_s is None
    assert outcome.timing.elapsed_s == 0.0


@pytest.mark.parametrize(
    ("scheme", "path"), [("http", "/\r\nX-Injected: yes\r\n"), ("http", "/ HTTP/1.1\r\n\r\n"), ("ws", ""), ("tcp", "")]
)
async def test_an_address_can_put_nothing_into_a_request_and_name_no_other_protocol(scheme: str, path: str) -> None:
    async with misbehaving(saying(honest)) as miner, Client(VALIDATOR) as client:
        peer = Peer(MINER.ss58_address, miner.url.replace("http", scheme) + path)
        assert isinstance((await client.outcome(peer, Ask())).error, Unreachable)
        assert miner.connections == 0


async def test_a_peer_that_speaks_no_tls_cannot_be_reached_by_it() -> None:
    options = ClientOptions(transport=HttpTransport(HttpOptions(connect_s=0.2)))
    async with misbehaving(silent) as miner, Client(VALIDATOR, options) as client:
        outcome = await client.outcome(Peer(MINER.ss58_address, miner.url.replace("http:", "https:")), Ask())
    assert isinstance(outcome.error, Unreachable)


async def test_a_peer_is_reached_at_an_ipv6_address() -> None:
    if not has_ipv6():
        async with Client(VALIDATOR) as client:
            outcome = await client.outcome(Peer(MINER.ss58_address, "http://[::1]:9"), Ask())
            assert isinstance(outcome.error, Unreachable)
        return
    async with misbehaving(saying(honest), host="::1") as miner, Client(VALIDATOR) as client:
        assert miner.url.startswith("http://[::1]:")
        assert (await client.outcome(miner.peer, Ask())).ok
        assert miner.questions[0].headers["host"] == miner.url.removeprefix("http://")


@pytest.mark.serial
async def test_a_connection_that_does_not_open_is_given_up_and_the_deadline_is_not_begun() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        # Whoever accepts nobody lets one connection wait and leaves the others without an answer.
        waiting = [socket.create_connection(address, 1)]
        transport = HttpTransport(HttpOptions(connect_s=0.2))
        async with Client(VALIDATOR, ClientOptions(transport=transport, timeout_s=0.05)) as client:
            peer = Peer(MINER.ss58_address, f"http://127.0.0.1:{address[1]}")
            started = time.monotonic()
            outcomes = await client.ask_all([peer] * 4, Ask())
        assert time.monotonic() - started < 1
        for connection in waiting:
            connection.close()
    unreached = [outcome for outcome in outcomes if isinstance(outcome.error, Unreachable)]
    assert len(unreached) >= 3
    assert all(0.15 < outcome.timing.waited_s < 0.5 for outcome in unreached)
    assert all(outcome.timing.elapsed_s == 0.0 for outcome in unreached)


async def test_a_connection_is_kept_for_the_next_question() -> None:
    async with asked(saying(honest)) as (client, miner):
        for _ in range(5):
            assert (await client.outcome(miner.peer, Ask())).ok
        assert miner.connections == 1


async def test_a_connection_whose_reply_was_not_read_to_its_end_is_not_kept() -> None:
    async def too_long(question: Question, line: Line) -> None:
        await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n" + b"a" * 10)
        await line.gone()

    async with asked(too_long) as (client, miner):
        for _ in range(2):
            await client.outcome(miner.peer, Ask())
        assert miner.connections == 2
        assert await miner.deserted()


async def test_a_connection_that_was_idle_for_too_long_is_not_used_again() -> None:
    transport = HttpTransport(HttpOptions(keep_alive_s=0.05))
    options = ClientOptions(transport=transport)
    async with misbehaving(saying(honest)) as miner, Client(VALIDATOR, options) as client:
        assert (await client.outcome(miner.peer, Ask())).ok
        await asyncio.sleep(0.1)
        assert (await client.outcome(miner.peer, Ask())).ok
        assert miner.connections == 2
        assert len(miner.questions) == 2


@pytest.mark.parametrize("size", [0, 1, 65_000, 66_000, 1 << 20, 4 << 20])
async def test_questions_and_replies_of_every_size_arrive_whole_and_without_a_warning(size: int) -> None:
    def echo(question: Question) -> bytes:
        # {"prompt": ...} and {"text": ...} differ in nothing but the name.
        body = b"\x81\xa4text" + question.body[len(b"\x81\xa6prompt") :]
        return response(body, sealed(question, body))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with asked(saying(echo)) as (client, miner):
            outcome = await client.outcome(miner.peer, Large(prompt="a" * size))
    assert outcome.unwrap().text == "a" * size
    assert outcome.evidence is not None
    outcome.evidence.check()


async def test_closing_ends_what_waits_for_a_head_and_what_waits_for_a_body() -> None:
    async def half(question: Question, line: Line) -> None:
        if question.body.endswith(b"half"):
            await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\nabc")
        await line.gone()

    async with misbehaving(half) as miner:
        client = Client(VALIDATOR)
        waiting = [asyncio.create_task(client.outcome(miner.peer, Ask(prompt=text))) for text in ("none", "half") * 5]
        await asyncio.sleep(0.05)
        await client.close()
        outcomes = await asyncio.wait_for(asyncio.gather(*waiting), 1)
        assert {type(outcome.error) for outcome in outcomes} == {Disconnected}
        assert await miner.deserted()
        assert len(miner.questions) == 10


async def test_a_client_that_never_asked_can_be_closed_and_more_than_once() -> None:
    client = Client(VALIDATOR)
    await client.close()
    await client.close()


async def test_a_closed_transport_opens_nothing_again() -> None:
    async with misbehaving(saying(honest)) as miner:
        client = Client(VALIDATOR)
        assert (await client.outcome(miner.peer, Ask())).ok
        await client.close()
        assert isinstance((await client.outcome(miner.peer, Ask())).error, Unreachable)
        assert miner.connections == 1


async def test_an_arrival_can_be_released_twice() -> None:
    async with misbehaving(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")) as miner:
        transport = HttpTransport()
        arrival = await transport.send(miner.url, b"", nothing)
        assert await arrival.read(2) == b"hi"
        arrival.release()
        arrival.release()
        await transport.close()
