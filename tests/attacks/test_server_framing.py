# SPDX-License-Identifier: Apache-2.0
"""Where one request ends and the next begins: read in one way only, so that nothing can hide behind anything."""

from __future__ import annotations

import re

import pytest

from protocols.server import Limits, ServerOptions
from tests.attacks.miner import BODY, Letter, Target, serving, still_serves
from tests.attacks.raw import Headers, connect, exchange, request

STATUS_LINE = re.compile(rb"HTTP/1\.1 \d{3} ")
CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize("encoding", ["gzip, chunked", "chunked, chunked", "identity, chunked"])
async def test_a_transfer_coding_besides_chunked_is_refused(miner: Target, encoding: str) -> None:
    headers = [*Letter().headers().items(), ("Transfer-Encoding", encoding)]
    data = request(headers=headers, framed=False) + b"12\r\n" + BODY + b"\r\n0\r\n\r\n"
    response = await exchange(miner.url, data)
    assert response.status in (400, 415)
    assert not miner.seen.asked


async def test_a_chunked_request_is_served(miner: Target) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    response = await exchange(miner.url, request(headers=[*Letter().headers().items(), CHUNKED], framed=False) + chunks)
    assert response.json()["text"] == "HELLO"


@pytest.mark.parametrize(
    "data",
    [
        request(method="CONNECT", target="example.org:443"),
        request("/", [("Connection", "Upgrade"), ("Upgrade", "websocket")], method="GET"),
        request("/Ask", [("Connection", "Upgrade"), ("Upgrade", "h2c")], BODY),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"GET /livez\r\n\r\n",
        b"GET /livez HTTP/2.0\r\n\r\n",
        b"GET /livez HTTP/0.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX-Folded: a\r\n b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX Space: a\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX-Colon : a\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n: a\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX-Nul: a\x00b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nX-Cr: a\rb\r\n\r\n",
        b"GET /livez HTTP/1.1\nX-Lf: a\n\n",
        b"GET /li vez HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"SPAM /livez HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_not_plain_http_is_refused(miner: Target, data: bytes) -> None:
    async with connect(miner.url) as connection:
        await connection.send(data)
        response = await connection.response()
        assert response.status in (400, 404), response
        assert response.code in ("malformed_body", "unknown_route")
        assert await connection.ended() == b""
    assert await still_serves(miner)


SMUGGLED = b"POST /Count HTTP/1.1\r\nHost: miner\r\nContent-Length: 0\r\n\r\n"
SHAPES: dict[str, tuple[Headers, bytes]] = {
    "both lengths": ([("Content-Length", "5"), CHUNKED], b"0\r\n\r\n" + SMUGGLED),
    "both lengths, turned round": ([CHUNKED, ("Content-Length", "5")], b"0\r\n\r\n" + SMUGGLED),
    "two lengths": ([("Content-Length", "5"), ("Content-Length", "6")], b"xxxxx" + SMUGGLED),
    "two equal lengths": ([("Content-Length", "5"), ("Content-Length", "5")], b"xxxxx" + SMUGGLED),
    "a list of lengths": ([("Content-Length", "5, 5")], b"xxxxx" + SMUGGLED),
    "a signed length": ([("Content-Length", "+5")], b"xxxxx" + SMUGGLED),
    "a negative length": ([("Content-Length", "-1")], SMUGGLED),
    "a hexadecimal length": ([("Content-Length", "0x5")], b"xxxxx" + SMUGGLED),
    "a huge length": ([("Content-Length", "9" * 40)], b"xxxxx" + SMUGGLED),
    "two codings": ([CHUNKED, CHUNKED], b"0\r\n\r\n" + SMUGGLED),
    "identity": ([("Transfer-Encoding", "identity")], b"xxxxx" + SMUGGLED),
    "chunked not last": ([("Transfer-Encoding", "chunked, identity")], b"0\r\n\r\n" + SMUGGLED),
    "a disguised coding": ([("Transfer-Encoding", "\x0bchunked")], b"0\r\n\r\n" + SMUGGLED),
    "a coding with a space": ([("Transfer-Encoding ", "chunked")], b"0\r\n\r\n" + SMUGGLED),
    "a chunk that lies": ([CHUNKED], b"5\r\nxxxxxxxx\r\n0\r\n\r\n" + SMUGGLED),
    "a negative chunk": ([CHUNKED], b"-5\r\nxxxxx\r\n0\r\n\r\n" + SMUGGLED),
    "a huge chunk": ([CHUNKED], b"f" * 20 + b"\r\nxxxxx\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk without an end": ([CHUNKED], b"5\r\nxxxxx0\r\n\r\n" + SMUGGLED),
    "line feeds only": ([CHUNKED], b"5\nxxxxx\n0\n\n" + SMUGGLED),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_second_request_cannot_be_smuggled_behind_a_first(miner: Target, shape: str) -> None:
    headers, rest = SHAPES[shape]
    async with connect(miner.url) as connection:
        await connection.send(request("/Ask", [*Letter().headers().items(), *headers], framed=False) + rest)
        answers = await connection.ended()
    assert STATUS_LINE.findall(answers) in ([b"HTTP/1.1 400 "], [b"HTTP/1.1 415 "]), answers
    assert b"x-subnet" not in answers
    assert miner.seen.asked == []
    assert miner.seen.counted == 0


async def test_pipelined_requests_are_refused_and_never_answered_out_of_turn(miner: Target) -> None:
    async with connect(miner.url) as connection:
        await connection.send(Letter().bytes() + Letter().bytes() + Letter().bytes())
        answers = await connection.ended()
    assert STATUS_LINE.findall(answers) == [b"HTTP/1.1 400 "]
    assert b"pipelined" in answers


async def test_the_beginning_of_a_second_request_does_not_hold_the_connection_open() -> None:
    limits = Limits(request_s=0.2, keep_alive_s=30.0)
    async with serving(options=ServerOptions(limits=limits)) as target, connect(target.url) as connection:
        await connection.send(Letter().bytes() + b"POST /Ask HT")
        assert (await connection.response()).status == 200
        assert (await connection.response()).refuses(408, "slow_request")
        assert await connection.ended(2.0) == b""


async def test_requests_one_after_the_other_share_a_connection(miner: Target) -> None:
    async with connect(miner.url) as connection:
        for _ in range(50):
            await connection.send(Letter().bytes())
            assert (await connection.response()).status == 200
    assert len(miner.seen.asked) == 50


async def test_a_trailer_is_no_header(miner: Target) -> None:
    signed = Letter().headers()
    trailer = f"X-Bittensor-Signature: {signed.pop('X-Bittensor-Signature')}\r\n".encode()
    body = b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(BODY), BODY, trailer)
    response = await exchange(miner.url, request(headers=[*signed.items(), CHUNKED], framed=False) + body)
    assert response.code == "malformed_auth"
    whole = [*Letter().headers().items(), CHUNKED]
    chunks = b"%x\r\n%s\r\n0\r\nX-Bittensor-Nonce: 1\r\n\r\n" % (len(BODY), BODY)
    assert (await exchange(miner.url, request(headers=whole, framed=False) + chunks)).status == 200


async def test_a_query_in_the_old_http_is_answered_and_the_connection_closed(miner: Target) -> None:
    letter = Letter()
    async with connect(miner.url) as connection:
        await connection.send(request(headers=letter.headers().items(), body=letter.body, version="HTTP/1.0"))
        response = await connection.response()
        assert (response.status, response.header("connection")) == (200, "close")
        assert await connection.ended() == b""


async def test_an_absolute_target_says_nothing_about_who_is_meant(miner: Target) -> None:
    letter = Letter()
    data = request("http://elsewhere.example/Ask", letter.headers().items(), letter.body)
    response = await exchange(miner.url, data)
    assert response.json()["text"] == "HELLO"
