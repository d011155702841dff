# SPDX-License-Identifier: Apache-2.0
"""What a miner may do to a connection: answer in no HTTP, without end, too early, too slowly, or not at all."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from protocols.client import Client, ClientOptions
from protocols.errors import Disconnected, MalformedReply, ReplyError, TimedOut, UnsignedReply, WireError
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from tests.attacks.hostile import (
    MINER,
    VALIDATOR,
    Ask,
    Behaviour,
    Line,
    Question,
    asked,
    chunk,
    honest,
    misbehaving,
    read_response,
    saying,
    saying_then_cutting,
    silent,
)

OK = b"HTTP/1.1 200 OK\r\n"

NOT_HTTP = {
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
    "tls": b"\x16\x03\x03\x00\x7a\x02\x00\x00",
    "control characters": b"HTTP/1.1 200 \x1b[2J\x00\r\n\r\n",
    "no status": b"HTTP/1.1 \r\n\r\n",
    "http 2": b"HTTP/2 200\r\n\r\n",
    "a request": b"POST /Ask HTTP/1.1\r\n\r\n",
    "a header without name": OK + b": x\r\n\r\n",
    "a control character in a header": OK + b"x: a\x00b\r\n\r\n",
    "a negative length": OK + b"content-length: -1\r\n\r\n",
    "a length beyond numbers": OK + b"content-length: 99999999999999999999999\r\n\r\n",
    "two lengths": OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "a length and chunks": OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "chunks of no size": OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    "a chunk longer than it says": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("data", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_is_not_http_is_a_typed_error_that_a_terminal_can_show(data: bytes) -> None:
    async with asked(saying_then_cutting(data)) as (client, miner):
        error = (await client.outcome(miner.peer, Ask())).error
        assert isinstance(error, ReplyError | Disconnected)
        assert error.message.isprintable()
        assert len(error.message) <= 400
        assert await miner.deserted()


async def test_a_chunk_that_breaks_after_the_head_was_read_is_a_typed_error() -> None:
    async def late(question: Question, line: Line) -> None:
        await line.say(OK + b"transfer-encoding: chunked\r\n\r\n")
        await asyncio.sleep(0.02)
        await line.say(b"zz\r\n\x1b[31m")
        await line.gone()

    async with asked(late) as (client, miner):
        error = (await client.outcome(miner.peer, Ask())).error
        assert isinstance(error, Disconnected)
        assert error.message.isprintable()


async def test_mangled_answers_are_answers_or_typed_errors_and_nothing_else() -> None:
    rng = random.Random(7)
    seen: set[str] = set()

    def mangle(question: Question) -> bytes:
        data = bytearray(honest(question))
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(data))
            data[at : at + rng.choice((0, 1, 1, 16))] = rng.choice(
                (b"", b"\r\n", b"\x00", b"\xff", bytes(data[:at]), b"9")
            )
        return bytes(data[: rng.choice((len(data), rng.randrange(len(data))))])

    async with asked(saying_then_cutting(mangle), timeout_s=1.0) as (client, miner):
        for _ in range(150):
            outcome = await client.outcome(miner.peer, Ask())
            seen.add(type(outcome.error).__name__)
            assert outcome.ok or isinstance(outcome.error, WireError)
            assert outcome.ok or str(outcome.error).isprintable()
    assert {"MalformedReply", "Disconnected", "UnsignedReply", "ForgedReply"} <= seen


async def heads(question: Question, line: Line) -> None:
    await line.say(OK)
    while True:
        await line.say(b"x-more: aaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100)


async def head_line(question: Question, line: Line) -> None:
    await line.say(OK + b"x-long: ")
    while True:
        await line.say(b"a" * 65_536)


async def status_line(question: Question, line: Line) -> None:
    await line.say(b"HTTP/1.1 200 ")
    while True:
        await line.say(b"a" * 65_536)


async def trailers(question: Question, line: Line) -> None:
    await line.say(OK + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"a") + b"0\r\n")
    while True:
        await line.say(b"x-more: aaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100)


@pytest.mark.parametrize("behaviour", [heads, head_line, status_line, trailers])
async def test_a_head_without_end_is_cut_at_its_limit(behaviour: Behaviour) -> None:
    async with asked(behaviour) as (client, miner):
        outcome = await client.outcome(miner.peer, Ask())
        assert isinstance(outcome.error, MalformedReply)
        assert outcome.timing.elapsed_s < 1.0
        assert await miner.deserted()


async def interim(question: Question, line: Line) -> None:
    while True:
        await line.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)
        await asyncio.sleep(0.001)


async def dripping_head(question: Question, line: Line) -> None:
    for byte in honest(question):
        await line.say(bytes([byte]))
        await asyncio.sleep(0.01)


async def dripping_body(question: Question, line: Line) -> None:
    await line.say(OK + b"content-length: 60000\r\n\r\n")
    while True:
        await line.say(b"a")
        await asyncio.sleep(0.01)


async def chunk_extension(question: Question, line: Line) -> None:
    await line.say(OK + b"transfer-encoding: chunked\r\n\r\n1;")
    while True:
        await line.say(b"a" * 1000)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("behaviour", [silent, interim, dripping_head, dripping_body, chunk_extension])
async def test_an_answer_that_does_not_come_to_an_end_is_cut_at_the_deadline(behaviour: Behaviour) -> None:
    async with asked(behaviour, timeout_s=0.15) as (client, miner):
        outcome = await client.outcome(miner.peer, Ask())
        assert isinstance(outcome.error, TimedOut)
        assert 0.14 < outcome.timing.elapsed_s < 1.0
        assert len(miner.questions) == 1
        assert await miner.deserted()


@pytest.mark.parametrize(
    "after", [b"", b"HTTP/1.1 2", OK, OK + b"content-length: 60\r\n\r\n", OK + b"content-length: 60\r\n\r\nabc"]
)
async def test_a_connection_closed_before_or_within_the_reply_is_a_disconnection(after: bytes) -> None:
    async with asked(saying_then_cutting(after)) as (client, miner):
        outcome = await client.outcome(miner.peer, Ask())
        assert isinstance(outcome.error, Disconnected)
        assert await miner.deserted()


async def test_nothing_is_sent_again_once_a_reply_has_begun() -> None:
    async with asked(saying_then_cutting(OK + b"content-length: 60\r\n\r\nabc")) as (client, miner):
        await client.outcome(miner.peer, Ask())
        assert len(miner.questions) == 1


async def test_a_question_that_found_its_connection_closed_is_sent_again_once_in_the_same_bytes() -> None:
    async with asked(saying_then_cutting(b"")) as (client, miner):
        await client.outcome(miner.peer, Ask())
        assert len(miner.questions) == 2
        assert miner.questions[0] == miner.questions[1]


async def test_a_kept_connection_that_was_closed_under_us_does_not_fail_the_question() -> None:
    answers = 0

    async def once_a_connection(question: Question, line: Line) -> None:
        nonlocal answers
        # The second question on a connection finds it closed, as when an idle timeout and a question cross.
        if answers == 1:
            answers += 1
            line.writer.transport.abort()
            return
        answers += 1
        await line.say(honest(question))

    async with asked(once_a_connection) as (client, miner):
        assert (await client.outcome(miner.peer, Ask())).ok
        assert (await client.outcome(miner.peer, Ask())).ok
        assert miner.connections == 2
        assert miner.questions[1] == miner.questions[2]


async def test_a_query_whose_reply_was_cut_off_ran_once_though_it_was_sent_twice() -> None:
    runs: list[str] = []

    async def answer(ask: Ask, context: Context) -> Ask.Reply:
        runs.append(ask.prompt)
        return Ask.Reply(text="done")

    async with Server(MINER, {Ask: answer}, ServerOptions(replay=MemoryReplay.never_served_before())) as server:
        url = await server.start()
        replies: list[bytes] = []

        async def lose_the_reply(question: Question, line: Line) -> None:
            replies.append(await forward(question, url))
            line.cut()

        async with asked(lose_the_reply) as (client, miner):
            outcome = await client.outcome(miner.peer, Ask(prompt="pay once"))
    assert isinstance(outcome.error, Disconnected)
    assert runs == ["pay once"]
    assert b"200" in replies[0][:16]
    assert len(replies) == 2
    assert b"replayed_request" in replies[1]


async def test_a_query_whose_second_sending_finds_a_server_that_took_the_first_is_no_refusal_of_the_miner() -> None:
    async def answer(ask: Ask, context: Context) -> Ask.Reply:
        return Ask.Reply(text="done")

    async with Server(MINER, {Ask: answer}, ServerOptions(replay=MemoryReplay.never_served_before())) as server:
        url, first = await server.start(), True

        async def lose_the_first_reply(question: Question, line: Line) -> None:
            nonlocal first
            reply = await forward(question, url)
            if first:
                first = False
                line.cut()
            else:
                await line.say(reply)

        async with asked(lose_the_first_reply) as (client, miner):
            outcome = await client.outcome(miner.peer, Ask())
    assert isinstance(outcome.error, Disconnected)
    assert "after the miner had taken the query" in outcome.error.message


async def test_a_miner_that_is_gone_before_the_second_sending_is_disconnected_not_unreachable() -> None:
    async with misbehaving(saying(b"")) as miner:

        async def die(question: Question, line: Line) -> None:
            server.close()
            line.cut()

        miner._behaviour = die
        server = await asyncio.start_server(miner.serve, "127.0.0.1", 0)
        miner.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Client(VALIDATOR) as client:
            outcome = await client.outcome(miner.peer, Ask())
    assert isinstance(outcome.error, Disconnected)


async def test_an_answer_that_is_there_before_the_question_is_whole_is_read() -> None:
    class Large(Ask):
        max_bytes = 8 << 20
        max_field_bytes = 8 << 20

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(hasty, "127.0.0.1", 0)
    async with misbehaving(silent) as miner, Client(VALIDATOR) as client:
        miner.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await client.outcome(miner.peer, Large(prompt="a" * (4 << 20)))
    server.close()
    assert isinstance(outcome.error, ReplyError | Disconnected)


async def test_a_miner_that_reads_nothing_cannot_hold_the_connection_past_the_deadline() -> None:
    class Large(Ask):
        max_bytes = 32 << 20
        max_field_bytes = 32 << 20

    release, taken = asyncio.Event(), 0
    done = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await release.wait()
        try:
            while data := await reader.read(1 << 20):
                taken += len(data)
        except ConnectionError:
            pass
        writer.transport.abort()
        done.set()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    async with misbehaving(silent) as miner, Client(VALIDATOR, ClientOptions(timeout_s=0.2)) as client:
        miner.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await client.outcome(miner.peer, Large(prompt="a" * (24 << 20)))
        release.set()
        await asyncio.wait_for(done.wait(), 5)
    server.close()
    assert isinstance(outcome.error, TimedOut)
    # Had the connection been closed in order, all of the question would still have been delivered first.
    assert taken < 24 << 20


async def test_an_answer_given_before_it_was_asked_for_spoils_no_later_question() -> None:
    async def babble(question: Question, line: Line) -> None:
        await line.say(honest(question))
        await asyncio.sleep(0.01)
        await line.say(honest(question, "unasked"))
        await line.gone()

    async with asked(babble) as (client, miner):
        assert (await client.outcome(miner.peer, Ask())).ok
        await asyncio.sleep(0.03)
        assert (await client.outcome(miner.peer, Ask())).ok
        assert miner.connections == 2


async def test_an_answer_sent_at_connecting_is_an_error_and_ends() -> None:
    async def eager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        await reader.read(65_536)
        writer.close()

    server = await asyncio.start_server(eager, "127.0.0.1", 0)
    async with misbehaving(silent) as miner, Client(VALIDATOR, ClientOptions(timeout_s=1.0)) as client:
        miner.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await client.outcome(miner.peer, Ask())
    server.close()
    assert isinstance(outcome.error, UnsignedReply | Disconnected | MalformedReply)


async def test_a_connection_that_is_reset_as_soon_as_it_is_open_is_a_disconnection() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(slam, "127.0.0.1", 0)
    async with misbehaving(silent) as miner, Client(VALIDATOR, ClientOptions(timeout_s=1.0)) as client:
        miner.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for _ in range(30):
            assert isinstance((await client.outcome(miner.peer, Ask())).error, Disconnected)
    server.close()


async def test_nothing_of_a_browser_is_sent() -> None:
    async with asked(saying(honest)) as (client, miner):
        await client.outcome(miner.peer, Ask())
    names = set(miner.questions[0].headers)
    signed = {f"x-bittensor-{name}" for name in ("version", "hotkey", "receiver", "nonce", "signature")}
    assert names == {"host", "content-type", "content-length", "accept-encoding", "x-subnet-timeout", *signed}
    assert miner.questions[0].headers["accept-encoding"] == "identity"


async def test_cookies_are_not_kept() -> None:
    def reply(question: Question) -> bytes:
        return honest(question).replace(b"content-length", b"set-cookie: id=1\r\ncontent-length")

    async with asked(saying(reply)) as (client, miner):
        for _ in range(2):
            assert (await client.outcome(miner.peer, Ask())).ok
    assert "cookie" not in miner.questions[1].headers


async def test_a_round_with_one_of_each_kind_of_miner_ends_in_time_with_an_outcome_each() -> None:
    kinds: list[Behaviour] = [
        saying(honest),
        silent,
        heads,
        dripping_body,
        saying_then_cutting(b""),
        saying(b"no\r\n\r\n"),
    ]
    async with (
        misbehaving(kinds[0]) as a,
        misbehaving(kinds[1]) as b,
        misbehaving(kinds[2]) as c,
        misbehaving(kinds[3]) as d,
        misbehaving(kinds[4]) as e,
        misbehaving(kinds[5]) as f,
        Client(VALIDATOR, ClientOptions(timeout_s=0.3)) as client,
    ):
        started = time.monotonic()
        outcomes = await client.ask_all([miner.peer for miner in (a, b, c, d, e, f)], Ask())
        assert time.monotonic() - started < 1.5
    kinds_of = [type(outcome.error).__name__ for outcome in outcomes]
    assert kinds_of == ["NoneType", "TimedOut", "MalformedReply", "TimedOut", "Disconnected", "MalformedReply"]


async def forward(question: Question, url: str) -> bytes:
    """What the server at this URL answers to the very same bytes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "\r\n".join([question.line, *(f"{name}: {value}" for name, value in question.headers.items()), "", ""])
    writer.write(head.encode() + question.body)
    reply = await read_response(reader)
    writer.close()
    return reply
