# SPDX-License-Identifier: Apache-2.0
"""Requests of wrong shape and size: each is refused as early as it can be, in the one form that errors have."""

from __future__ import annotations

import asyncio
import gzip
import re

import msgspec
import pytest

from protocols.server import Limits, ServerOptions
from tests.attacks.miner import Letter, Target, serving, still_serves
from tests.attacks.raw import connect, exchange, get, request

MIB = 1 << 20
STATUS_LINE = re.compile(rb"HTTP/1\.1 \d{3} ")
CHUNKED = ("Transfer-Encoding", "chunked")


async def test_one_huge_header_is_refused(miner: Target) -> None:
    response = await exchange(miner.url, request(headers=[("X-Big", "x" * 16_384)]))
    assert response.refuses(431, "head_too_large")


async def test_a_huge_target_is_refused(miner: Target) -> None:
    assert (await exchange(miner.url, request("/" + "x" * 16_384))).refuses(431, "head_too_large")


async def test_many_headers_are_refused(miner: Target) -> None:
    response = await exchange(miner.url, request(headers=[(f"X-{at}", "x") for at in range(64)]))
    assert response.refuses(431, "head_too_large")


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"POST /Ask HTTP/1.1\r\n", b"X-More: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 25),
        (b"POST /Ask HTTP/1.1\r\nX-Endless: ", b"x" * 1000),
        (b"POST /Ask HTTP/1.1\r\n", b"x" * 1000),
        (b"POST /", b"x" * 1000),
        (b"", b"\r\n" * 500),
        (b"POST /Ask HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;extension=", b"x" * 1000),
        (b"POST /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: xxxxxxxxx\r\n" * 50),
        (b"POST /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ", b"x" * 1000),
    ],
    ids=["lines", "value", "name", "target", "empty lines", "chunk extension", "trailers", "trailer"],
)
async def test_what_never_ends_is_cut_off_long_before_a_megabyte(miner: Target, begin: bytes, piece: bytes) -> None:
    async with connect(miner.url) as connection:
        await connection.send(begin)
        sent, response = await connection.flood(piece, 64 * MIB)
        assert response is None or not response.signed
        assert sent < 4 * MIB
        await connection.ended()
    assert await still_serves(miner)


async def test_a_body_that_says_it_is_200_megabytes_is_refused_unread(miner: Target) -> None:
    headers = [*Letter().headers().items(), ("Content-Length", str(200 * MIB))]
    async with connect(miner.url) as connection:
        await connection.send(request(headers=headers, framed=False))
        # Nothing of the body was sent, and the answer is here.
        assert (await connection.response()).refuses(413, "body_too_large")
        sent, _ = await connection.flood(b"x" * 65_536, 200 * MIB)
        assert sent < 16 * MIB
    assert await still_serves(miner)


async def test_a_caller_who_is_still_sending_reads_why_it_was_refused(miner: Target) -> None:
    headers = [*Letter().headers().items(), ("Content-Length", str(3 * MIB))]
    async with connect(miner.url) as connection:
        await connection.send(request(headers=headers, framed=False))
        for _ in range(10):
            await connection.send(b"x" * 65_536)
            await asyncio.sleep(0.01)
        assert (await connection.response()).refuses(413, "body_too_large")


async def test_a_body_of_200_megabytes_that_never_says_so_is_refused_at_its_limit(miner: Target) -> None:
    headers = [*Letter().headers().items(), CHUNKED]
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    async with connect(miner.url) as connection:
        await connection.send(request(headers=headers, framed=False))
        sent, response = await connection.flood(chunk, 200 * MIB)
        assert response is None or response.refuses(413, "body_too_large")
        assert sent < 32 * MIB
    assert await still_serves(miner)


async def test_a_caller_that_asks_before_it_sends_is_refused_before_it_sends(miner: Target) -> None:
    headers = [*Letter().headers().items(), ("Content-Length", str(200 * MIB)), ("Expect", "100-continue")]
    response = await exchange(miner.url, request(headers=headers, framed=False))
    assert response.refuses(413, "body_too_large")


async def test_a_caller_that_asks_before_it_sends_may_go_on(miner: Target) -> None:
    letter = Letter()
    async with connect(miner.url) as connection:
        head = request(headers=[*letter.headers().items(), ("Expect", "100-continue")], body=letter.body)
        await connection.send(head.removesuffix(letter.body))
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(letter.body)
        assert (await connection.response()).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "identity, gzip", "zstd"])
async def test_a_compressed_body_is_refused_and_never_unpacked(miner: Target, encoding: str) -> None:
    bomb = gzip.compress(b" " * 10 * MIB)
    response = await exchange(miner.url, Letter(body=bomb).bytes({"Content-Encoding": encoding}))
    assert response.refuses(415, "unsupported_media")


DEEP_JSON = b'{"prompt":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
DEEP_MSGPACK = b"\x81\xa6prompt" + b"\x91" * 500_000
WIDE_MSGPACK = b"\x81\xa6prompt\xdd\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (DEEP_JSON, "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"prompt":"x","more":' + b'{"a":' * 100_000, "application/json"),
        (DEEP_MSGPACK, "application/msgpack"),
        (WIDE_MSGPACK, "application/msgpack"),
        (b'{"prompt":1e999999999}', "application/json"),
        (b'{"prompt":' + b"9" * 500_000 + b"}", "application/json"),
        (b"\xff\xfe{}", "application/json"),
        (b'{"prompt":"\xff"}', "application/json"),
        (b"", "application/json"),
        (b"null", "application/json"),
    ],
    ids=["nested", "lists", "objects", "msgpack", "length", "exponent", "digits", "bom", "utf-8", "empty", "null"],
)
async def test_a_body_that_cannot_be_read_gets_a_signed_refusal(miner: Target, body: bytes, content_type: str) -> None:
    response = await exchange(miner.url, Letter(body=body, content_type=content_type).bytes())
    assert response.status in (400, 422)
    assert response.code in ("malformed_body", "invalid_message")
    assert response.signed
    assert not miner.seen.asked


async def test_of_a_key_that_is_given_twice_the_last_counts_and_no_check_sees_the_first(miner: Target) -> None:
    twice = b'{"prompt":"first","prompt":"last"}'
    assert (await exchange(miner.url, Letter(body=twice).bytes())).json()["text"] == "LAST"
    wrong_first = b'{"prompt":1,"prompt":"last"}'
    assert (await exchange(miner.url, Letter(body=wrong_first).bytes())).status == 422


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json\x01"]
)
async def test_another_content_type_is_refused(miner: Target, content_type: str) -> None:
    response = await exchange(miner.url, Letter(content_type=content_type).bytes())
    assert response.status in (400, 415)
    assert not miner.seen.asked


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_a_query_by_another_method_is_told_which_one(miner: Target, method: str) -> None:
    response = await exchange(miner.url, request(method=method), method=method)
    assert response.refuses(405, "method_not_allowed")
    assert response.header("allow") == "POST"


@pytest.mark.parametrize("path", ["/", "/ask", "/Ask/", "//Ask", "/../Ask", "/Ask%00", "/static/../../etc/passwd", "*"])
async def test_a_path_that_is_not_served_is_unknown(miner: Target, path: str) -> None:
    letter = Letter(target=path)
    response = await exchange(miner.url, letter.bytes())
    assert response.status in (400, 404)
    assert not response.signed


async def test_a_caller_that_leaves_within_its_body_leaves_nothing_behind(miner: Target) -> None:
    for _ in range(20):
        async with connect(miner.url) as connection:
            await connection.send(
                request(headers=[*Letter().headers().items(), ("Content-Length", "99")], framed=False)
            )
            await connection.send(b"xxxx")
    assert await still_serves(miner)
    metrics = (await get(miner.url, "/metrics")).body.decode()
    assert 'subnet_queries_total{outcome="caller_left",query="Ask"} 20.0' in metrics
    assert "subnet_queries_in_flight 0.0" in metrics


async def test_a_page_with_a_body_is_answered_once(miner: Target) -> None:
    async with (
        serving(options=ServerOptions(limits=Limits(request_s=0.2))) as target,
        connect(target.url) as connection,
    ):
        await connection.send(request("/livez", [("Content-Length", "1000000")], method="GET", framed=False))
        answers = await connection.ended()
    assert STATUS_LINE.findall(answers) == [b"HTTP/1.1 200 "]


@pytest.mark.parametrize("cut", [0, 1, 40, 400, -30, -1])
async def test_a_truncated_request_is_told_so_in_time(cut: int) -> None:
    data = Letter().bytes()
    async with (
        serving(options=ServerOptions(limits=Limits(request_s=0.1))) as target,
        connect(target.url) as connection,
    ):
        await connection.send(data[:cut])
        response = await connection.response()
        assert response.refuses(408, "slow_request")
        assert await connection.ended() == b""


async def test_a_refusal_in_messagepack_is_still_json(miner: Target) -> None:
    letter = Letter(body=msgspec.msgpack.encode({"prompt": 1}), content_type="application/msgpack")
    assert (await exchange(miner.url, letter.bytes())).code == "invalid_message"


async def test_what_a_caller_writes_comes_back_cut_and_escaped(miner: Target) -> None:
    ugly = "\x1b[31m\u202e" + "é" * 400
    bodies = [msgspec.json.encode({ugly: 1}), msgspec.json.encode({"prompt": "x", ugly: ugly})]
    for body in bodies:
        response = await exchange(miner.url, Letter(body=body).bytes())
        assert response.code == "invalid_message"
        assert response.error["message"].isprintable()
    long = "\xe9" * 4000
    for data in (
        request("/" + "x" * 4000),
        Letter().bytes({"Content-Encoding": long}),
        Letter(content_type=long).bytes(),
    ):
        assert (await exchange(miner.url, data)).status in (404, 415)


async def test_a_flood_of_bad_requests_on_one_connection_does_not_stop_the_next(miner: Target) -> None:
    async with connect(miner.url) as connection:
        for _ in range(100):
            await connection.send(Letter(body=b"nonsense").bytes())
            assert (await connection.response()).code == "malformed_body"
    await asyncio.sleep(0)
    assert await still_serves(miner)
