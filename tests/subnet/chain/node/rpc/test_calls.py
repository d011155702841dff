# SPDX-License-Identifier: Apache-2.0
"""Calls over both transports: what is asked is answered once, under its own id, in the words of JSON-RPC."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest

from protocols.types import Json
from subnet.chain.node.rpc import Bounds, Methods, RpcError, Session
from tests.subnet.chain.node.rpc.room import Node, Room, ask, hear, post, request, serving, tell


async def say(node: Node, transport: str, body: bytes) -> Any:
    """Send bytes over either transport; returns the one answer."""
    if transport == "http":
        return (await post(node, body))[1]
    async with node.connect() as client:
        await client.send(body, text=True)
        return await hear(client)


both = pytest.mark.parametrize("transport", ["http", "ws"])


@both
@pytest.mark.parametrize("id", [0, -7, 2**70, 1.5, "a", "", "π", None, True, [1, {"a": 2}], {"b": []}], ids=repr)
async def test_an_id_of_any_type_comes_back_as_it_was(transport: str, id: Json) -> None:
    async with serving() as node:
        encoded = msgspec.json.encode(request("echo", 1, "x", None, id=id))
        assert await say(node, transport, encoded) == {"jsonrpc": "2.0", "id": id, "result": [1, "x", None]}


@both
@pytest.mark.parametrize("params", [b"", b',"params":null', b',"params":[]'])
async def test_parameters_may_be_absent(transport: str, params: bytes) -> None:
    async with serving() as node:
        assert (await say(node, transport, b' {"id":1,"jsonrpc":"2.0","method":"echo"%b}' % params))["result"] == []


@both
@pytest.mark.parametrize(
    ("body", "code", "id"),
    [
        (b"", -32600, None),
        (b"   ", -32700, None),
        (b"nonsense", -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo"', -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo"} {}', -32700, None),
        (b'{"jsonrpc":"2.0","id":1,"method":"echo","params":[' + b"[" * 50_000 + b"]" * 50_000 + b"]}", -32700, None),
        (b'{"jsonrpc":"2.0","method":"echo","id":' + b"[" * 50_000 + b"]" * 50_000 + b"}", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"[]", -32600, None),
        (b"7", -32600, None),
        (b'{"id":"a","method":"echo"}', -32600, "a"),
        (b'{"jsonrpc":"1.0","id":5,"method":"echo"}', -32600, 5),
        (b'{"jsonrpc":"2.0","id":6}', -32600, 6),
        (b'{"jsonrpc":"2.0","id":7,"method":8}', -32600, 7),
        (b'{"jsonrpc":"2.0","id":9,"method":"echo","params":{"a":1}}', -32602, 9),
        (b'{"jsonrpc":"2.0","id":9,"method":"echo","params":"a"}', -32602, 9),
        (b'{"jsonrpc":"2.0","id":10,"method":"nothing_here"}', -32601, 10),
        (b'{"jsonrpc":"2.0","id":10,"method":"__init__"}', -32601, 10),
    ],
    ids=range(18),
)
async def test_garbage_gets_the_error_that_names_it(transport: str, body: bytes, code: int, id: Json) -> None:
    async with serving() as node:
        answer = await say(node, transport, body)
        assert (answer["error"]["code"], answer["id"]) == (code, id)
        assert "result" not in answer


async def test_text_that_is_not_utf8_is_not_echoed() -> None:
    async with serving() as node:
        for body in (b'{"jsonrpc":"2.0","method":"echo","id":"\xff"}', b"\xff\xfe"):
            assert (await say(node, "http", body))["error"]["code"] == -32700
            assert (await say(node, "ws", body))["error"]["code"] == -32700


@both
async def test_an_error_on_purpose_reaches_the_client_and_one_of_ours_only_the_log(
    transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as node:
        invalid = await say(node, transport, msgspec.json.encode(request("invalid")))
        data = "Transaction has a bad signature"
        assert invalid["error"] == {"code": 1010, "message": "Invalid Transaction", "data": data}
        with caplog.at_level(logging.ERROR):
            for name in ("broken", "strange"):
                broken = await say(node, transport, msgspec.json.encode(request(name)))
                assert broken["error"] == {"code": -32603, "message": "Internal error"}
        assert "the secret of the machine room" in caplog.text


@both
async def test_a_batch_is_answered_in_one_message_in_its_own_order(transport: str) -> None:
    async with serving() as node:
        node.room.gate.set()
        batch: Json = [request("wait", 1, id="w"), request("echo", 2, id=2), {"x": 1}, 5, request("no", id=3)]
        answers = await say(node, transport, msgspec.json.encode(batch))
        assert [answer["id"] for answer in answers] == ["w", 2, None, None, 3]
        codes = [answer.get("error", {}).get("code") for answer in answers]
        assert codes == [None, None, -32600, -32600, -32601]


@both
async def test_a_batch_that_asks_for_too_much_is_refused_whole(transport: str) -> None:
    async with serving(Bounds(batch=8, message_bytes=10_000)) as node:
        long = await say(node, transport, msgspec.json.encode([request("echo")] * 9))
        assert (long["error"]["code"], node.room.heard) == (-32010, [])
        heavy = await say(node, transport, msgspec.json.encode([request("digits", 4_000)] * 3))
        assert heavy["error"]["code"] == -32008


async def test_notifications_are_heard_and_not_answered() -> None:
    silent: dict[str, Json] = {"jsonrpc": "2.0", "method": "echo", "params": ["heard"]}
    async with serving() as node, node.connect() as client:
        await tell(client, silent)
        await tell(client, [silent, silent])
        await tell(client, {**silent, "method": "broken_or_missing"})
        assert (await ask(client, "echo", id="after"))["id"] == "after"
        assert node.room.heard[:1] == [["heard"]]
        assert await post(node, silent) == (200, b"")
        assert await post(node, [silent]) == (200, b"")
        assert node.room.heard.count(["heard"]) == 5


async def test_answers_come_in_order_where_nothing_waits_and_nobody_waits_for_the_slow() -> None:
    async with serving() as node, node.connect() as client:
        await tell(client, request("wait", id="slow"))
        for number in range(500):
            await tell(client, request("echo", id=number))
        assert [(await hear(client))["id"] for _ in range(500)] == list(range(500))
        node.room.gate.set()
        assert (await hear(client))["id"] == "slow"


@both
async def test_megabytes_pass_in_both_directions_and_not_one_byte_more_than_allowed(transport: str) -> None:
    async with serving() as node:
        limit = node.server.bounds.message_bytes
        large = await say(node, transport, msgspec.json.encode(request("digits", limit - 100)))
        assert len(large["result"]) == limit - 100
        larger = await say(node, transport, msgspec.json.encode(request("digits", limit)))
        assert larger["error"]["code"] == -32008
        echoed = await say(node, transport, msgspec.json.encode(request("echo", "0" * (limit - 100))))
        assert len(echoed["result"][0]) == limit - 100


async def test_rpc_methods_lists_every_name() -> None:
    async with serving() as node, node.connect() as client:
        listed = (await ask(client, "rpc_methods"))["result"]["methods"]
        assert listed == sorted(listed)
        assert {"echo", "test_echo", "sub_count", "unsub_count", "sub_tally", "rpc_methods"} <= set(listed)
        assert (await ask(client, "test_echo", 1))["result"] == [1]


async def test_methods_can_be_called_without_a_server() -> None:
    methods = Methods(Room())
    session = Session(None, Bounds(), lambda what, error: None)
    assert await methods.call(session, "echo", [1]) == [1]
    with pytest.raises(RpcError, match="Method not found"):
        await methods.call(session, "sub_count", [])


def test_two_answers_to_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"two methods answer to '\w+', expected one"):
        Methods(Room(), Room())
