# SPDX-License-Identifier: Apache-2.0
"""Subscriptions: the id first, then what belongs to it, and nothing after its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from subnet.chain.node.rpc import Bounds
from tests.attacks.miner import until
from tests.subnet.chain.node.rpc.room import ask, frame, hear, opened, post, request, serving, tell


async def test_the_id_comes_before_the_first_notification() -> None:
    async with serving() as node, node.connect() as client:
        for name in ("sub_count", "sub_tally"):
            id = (await ask(client, name, 2))["result"]
            notes = [await hear(client) for _ in range(2)]
            assert notes == [
                {"jsonrpc": "2.0", "method": "count", "params": {"subscription": id, "result": number}}
                for number in range(2)
            ]


async def test_a_batch_that_subscribes_is_answered_before_its_notifications() -> None:
    async with serving() as node, node.connect() as client:
        node.room.gate.set()
        await tell(client, [request("sub_count", 1, id="a"), request("wait", id="b"), request("sub_count", 1, id="c")])
        answers = await hear(client)
        ids = [answer["result"] for answer in answers if answer["id"] != "b"]
        assert [(await hear(client))["params"]["subscription"] for _ in ids] == ids


async def test_unsubscribing_ends_the_feed_once() -> None:
    async with serving() as node, node.connect() as client:
        id = (await ask(client, "sub_count", 0))["result"]
        assert node.room.feeds == 1
        assert (await ask(client, "unsub_other", id))["result"] is False
        assert (await ask(client, "unsub_tally", id))["result"] is True
        await until(lambda: node.room.feeds == 0)
        assert (await ask(client, "unsub_count", id))["result"] is False


async def test_nobody_can_end_the_subscription_of_another() -> None:
    async with serving() as node, node.connect() as owner, node.connect() as stranger:
        id = (await ask(owner, "sub_count", 0))["result"]
        assert (await ask(stranger, "unsub_count", id))["result"] is False
        assert node.room.feeds == 1
        assert (await ask(owner, "unsub_count", id))["result"] is True


@pytest.mark.parametrize("params", [[], [None], [{"a": 1}], ["a", "b"]], ids=repr)
async def test_unsubscribing_from_nonsense_is_an_error(params: list[Any]) -> None:
    async with serving() as node, node.connect() as client:
        assert (await ask(client, "unsub_count", *params))["error"]["code"] == -32602


@pytest.mark.parametrize("when", ["now", "later"])
async def test_what_a_feed_refuses_is_the_answer_to_the_request(when: str) -> None:
    async with serving() as node, node.connect() as client:
        refused = await ask(client, "sub_picky", when)
        assert refused["error"] == {"code": 1010, "message": "Invalid Transaction", "data": when}
        assert (await ask(client, "sub_picky"))["error"]["code"] == -32602


async def test_a_feed_that_waits_before_its_first_word_is_answered_at_once() -> None:
    async with serving() as node, node.connect() as client:
        assert len((await ask(client, "sub_other"))["result"]) == 16


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_connection_that_ends_takes_its_subscriptions_with_it(how: str) -> None:
    async with serving() as node, node.connect() as client:
        for _ in range(20):
            await ask(client, "sub_count", 0)
        await tell(client, request("wait"))
        await until(lambda: node.room.feeds == 20 and node.room.running == 1)
        if how == "close":
            await client.close()
        else:
            client.transport.abort()
        await until(lambda: node.room.feeds == 0 and node.room.running == 0 and node.server.connections == 0)


async def test_a_connection_that_ends_in_the_moment_of_its_requests_leaves_nothing_behind() -> None:
    async with serving() as node:
        for _ in range(20):
            async with opened(node) as (_, writer):
                for name in (b"wait", b"sub_count", b"sub_other"):
                    writer.write(frame(b'{"jsonrpc":"2.0","id":1,"method":"%b"}' % name) * 5)
                writer.write(frame(b"\x03\xe8", 0x88))
                await writer.drain()
        await until(lambda: node.room.feeds == node.room.running == node.server.connections == 0)


async def test_a_half_closed_connection_is_closed_with_its_subscriptions() -> None:
    async with serving() as node, opened(node) as (reader, writer):
        writer.write(frame(b'{"jsonrpc":"2.0","id":1,"method":"sub_count","params":[0]}'))
        await until(lambda: node.room.feeds == 1)
        writer.write_eof()
        await until(lambda: node.room.feeds == 0 and node.server.connections == 0)
        assert b"result" in await reader.read()


async def test_over_http_there_is_nothing_to_subscribe_to() -> None:
    async with serving() as node:
        status, answer = await post(node, request("sub_count"))
        assert (status, answer["error"]["code"], node.room.feeds) == (200, -32601, 0)


async def test_subscriptions_of_one_connection_are_bounded() -> None:
    async with serving(Bounds(subscriptions=3)) as node, node.connect() as client, node.connect() as other:
        ids = [(await ask(client, "sub_count", 0))["result"] for _ in range(3)]
        assert (await ask(client, "sub_count", 0))["error"]["code"] == -32006
        assert "result" in await ask(other, "sub_count", 0)
        assert (await ask(client, "unsub_count", ids[0]))["result"] is True
        assert "result" in await ask(client, "sub_count", 0)


async def test_a_subscriber_that_does_not_read_is_dropped_and_others_are_served() -> None:
    bounds = Bounds(unsent_bytes=4 << 20, stall_s=60.0)
    async with serving(bounds) as node, opened(node, read_ahead=1024) as (_, writer), node.connect() as other:
        for _ in range(40):
            writer.write(frame(b'{"jsonrpc":"2.0","id":1,"method":"sub_count","params":[4,500000]}'))
        await asyncio.wait_for(ask(other, "echo"), 5)
        await until(lambda: node.server.connections == 1 and node.room.feeds == 0)
