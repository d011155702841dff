# SPDX-License-Identifier: Apache-2.0
"""A client that runs for months: nothing of a call outlives it, whatever came of the call."""

from __future__ import annotations

import asyncio
import gc
import os
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from protocols.client import Client, ClientOptions, Peer
from protocols.errors import ReplyTooLarge
from protocols.memory import MemoryNetwork, MemoryTransport
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
    saying,
    saying_then_cutting,
    silent,
)


class Count(Ask):
    """A question that is answered by a stream."""


async def answer(ask: Ask, context: Context) -> Ask.Reply:
    """Say it again."""
    return Ask.Reply(text=ask.prompt)


async def count(ask: Count, context: Context) -> AsyncIterator[Count.Reply]:
    """Count for ever."""
    while True:
        yield Count.Reply(text="more")


def census() -> Counter[str]:
    """How many of each kind of object there are."""
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects())


def sockets() -> int:
    """How many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))


async def test_ten_thousand_calls_leave_nothing_behind() -> None:
    network, replay = MemoryNetwork(), MemoryReplay.never_served_before()
    server = Server(MINER, {Ask: answer}, ServerOptions(replay=replay))
    peer = Peer(MINER.ss58_address, network.serve("miner", server.app))
    query = Ask(prompt="again")
    async with Client(VALIDATOR, ClientOptions(transport=MemoryTransport(network))) as client:
        await client.ask_all([peer] * 500, query)
        before, tasks, held = census(), len(asyncio.all_tasks()), replay.held
        for _ in range(20):
            outcomes = await client.ask_all([peer] * 500, query)
            assert all(outcome.ok for outcome in outcomes)
        del outcomes
        assert replay.held == held + 10_000
        grown = census() - before
        # The server remembers a nonce each, as a tuple; all else is a handful.
        grown.pop("tuple", None)
        assert sum(grown.values()) < 500, grown.most_common(5)
        assert len(asyncio.all_tasks()) == tasks


BROKEN: dict[str, Behaviour] = {
    "cut before the reply": saying_then_cutting(b""),
    "cut within the reply": saying_then_cutting(b"HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\nabc"),
    "not http": saying_then_cutting(b"no\r\n\r\n"),
    "too large": saying(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"a" * 70_000)),
    "unsigned": saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
    "refused": saying(b"HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\n{}"),
    "redirected": saying(b"HTTP/1.1 302 No\r\ncontent-length: 2\r\nlocation: http://10.0.0.1/\r\n\r\n{}"),
    "silent": silent,
    "honest": saying(honest),
}


@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
async def test_calls_that_fail_in_any_way_leave_no_object_task_or_socket(behaviour: Behaviour) -> None:
    async with asked(behaviour, timeout_s=0.02 if behaviour is silent else 5.0) as (client, miner):

        async def rounds(number: int) -> None:
            for _ in range(number):
                await client.ask_all([miner.peer] * 10, Ask())
                miner.questions.clear()
            await asyncio.sleep(0.02)

        await rounds(3)
        before, opened = census(), sockets()
        await rounds(20)
        grown = census() - before
        assert sum(grown.values()) < 150, grown.most_common(5)
        assert abs(sockets() - opened) <= 4


async def test_streams_that_are_left_early_leave_no_object_task_or_socket() -> None:
    options = ServerOptions(replay=MemoryReplay.never_served_before())
    async with Server(MINER, {Count: count}, options) as server, Client(VALIDATOR) as client:
        peer = Peer(MINER.ss58_address, await server.start())

        async def rounds(number: int) -> None:
            for _ in range(number):
                async with client.stream(peer, Count()) as stream:
                    async for _ in stream:
                        break
            await asyncio.sleep(0.1)

        await rounds(10)
        before, tasks, opened = census(), len(asyncio.all_tasks()), sockets()
        await rounds(60)
        grown = census() - before
        grown.pop("tuple", None)
        assert sum(grown.values()) < 150, grown.most_common(5)
        assert len(asyncio.all_tasks()) == tasks
        assert abs(sockets() - opened) <= 4


async def test_what_was_read_of_replies_that_are_too_large_is_not_kept_with_their_outcomes() -> None:
    piece = chunk(b"a" * 50_000)

    async def endless(question: Question, line: Line) -> None:
        await line.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await line.say(piece)

    async with asked(endless) as (client, miner):
        await client.ask_all([miner.peer] * 20, Ask())
        await miner.deserted()
        tracemalloc.start()
        try:
            outcomes = await client.ask_all([miner.peer] * 20, Ask())
            await miner.deserted()
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert {type(outcome.error) for outcome in outcomes} == {ReplyTooLarge}
    assert kept < 500_000
    # 64 KiB allowed for each of the 20, and what aiohttp had read ahead.
    assert peak < 20_000_000
