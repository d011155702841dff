# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes arrive: no hang, no error of the server's own, and the next honest caller is served."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from protocols.server import Context
from tests.attacks.miner import Ask, Count, Letter, Seen, serving
from tests.attacks.raw import connect, exchange, get

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_STEP_S = 5.0

PIECES = st.sampled_from(
    b"GET |POST |/Ask|/livez| HTTP/1.1\r\n| HTTP/1.0\r\n|\r\n|\r\n\r\n|\n|\r|Host: x\r\n|Content-Length: 5\r\n"
    b"|Content-Length: 0\r\n|Transfer-Encoding: chunked\r\n|Connection: close\r\n|Connection: upgrade\r\n"
    b"|Upgrade: h2c\r\n|Expect: 100-continue\r\n|5\r\nxxxxx\r\n|0\r\n\r\n|ffffffff\r\n|:|;|\x00|{}|%00|%|http://|?|#".split(
        b"|"
    )
)
NOISE = st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=16).map(b"".join)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(PIECES, st.binary(max_size=8))), max_size=5)


async def answers(url: str, data: bytes) -> list[int]:
    """The statuses of all that comes back for these bytes until the server closes."""
    async with connect(url) as connection:
        await connection.send(data)
        if connection.writer.can_write_eof() and not connection.writer.is_closing():
            connection.writer.write_eof()
        return [int(status) for status in _STATUS.findall(await connection.ended(_STEP_S))]


async def holds_out_against(data: bytes) -> None:
    """A miner that gets these bytes closes the connection, fails nowhere, and still lives."""
    async with serving() as target:
        statuses = await answers(target.url, data)
        assert all(status < 500 for status in statuses), statuses
        assert (await get(target.url, "/livez")).status == 200


@settings(max_examples=150)
@given(data=NOISE)
async def test_any_bytes_are_survived(data: bytes) -> None:
    await holds_out_against(data)


@settings(max_examples=150)
@given(edits=EDITS)
async def test_any_edit_of_a_good_request_is_survived(edits: list[tuple[float, int, bytes]]) -> None:
    data = Letter().bytes()
    for where, length, instead in edits:
        at = int(where * len(data))
        data = data[:at] + instead + data[at + length :]
    await holds_out_against(data)


async def test_a_request_cut_at_any_byte_is_survived() -> None:
    async with serving() as target:
        whole = Letter().bytes()

        async def cut(at: int) -> list[int]:
            return await answers(target.url, whole[:at])

        for start in range(0, len(whole), 64):
            cuts = await asyncio.gather(*(cut(at) for at in range(start, min(start + 64, len(whole)))))
            assert all(status < 500 for statuses in cuts for status in statuses)
        assert not target.seen.asked
        assert (await exchange(target.url, whole)).status == 200


async def test_a_request_in_single_bytes_is_served() -> None:
    async with serving() as target, connect(target.url) as connection:
        for byte in Letter().bytes():
            connection.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await connection.response()).status == 200


async def count(ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
    """A stream that ends, whatever was generated."""
    for number in range(min(ask.n, 3)):
        yield Count.Reply(i=number)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """A miner in a thread of its own, for a caller that is not asynchronous."""
    ready, done, urls = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with serving({Ask: Seen().answer, Count: count}) as target:
            urls.append(target.url)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    assert ready.wait(_STEP_S)
    yield urls[0]
    done.set()
    thread.join()


@schemathesis.serializer("application/msgpack")
def as_msgpack(context: Any, value: Any) -> bytes:
    """What a generated body is in the other encoding."""
    return msgspec.msgpack.encode(value)


def sign(prepared: Any) -> Any:
    """Sign a generated request; what is generated then reaches the schema, and not only the signature check."""
    target = str(prepared.path_url)
    body = prepared.body or b""
    letter = Letter(target, body if isinstance(body, bytes) else body.encode(), prepared.method)
    prepared.headers.update({name: value for name, value in letter.headers().items() if name != "Content-Type"})
    return prepared


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: str(mode.value))
def test_the_server_does_what_its_description_says(
    served: str, signed: bool, mode: schemathesis.GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{served}/openapi.json")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    asked = 0
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]
        if operation.method.upper() == "GET" and (signed or mode.is_negative):
            continue

        @settings(max_examples=25, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def conforms(case: Any) -> None:
            nonlocal asked
            asked += 1
            response = case.call(base_url=served, auth=sign if signed else None)
            case.validate_response(response, checks=checks)

        conforms()
    assert asked >= 25
