# SPDX-License-Identifier: Apache-2.0
"""One request and its response: what of a head is refused before the body, and how much of a body is ever read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import (
    BodyTooLarge,
    HandlerFailed,
    MalformedAuth,
    MalformedBody,
    Overloaded,
    SubnetError,
    UnsupportedMedia,
)
from protocols.server.exchange import Exchange, check_encoding, check_size, client_address, read_headers
from protocols.server.leash import CallerLeft


class Asgi:
    """The server's side of ASGI: gives these messages, keeps those that are sent."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.sent: list[Any] = []
        self.read = 0
        self._messages = [
            {"type": "http.request", "body": piece, "more_body": not ends or at < len(pieces) - 1}
            for at, piece in enumerate(pieces)
        ]

    async def receive(self) -> Any:
        """The next message."""
        self.read += 1
        return self._messages.pop(0) if self._messages else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Keep a message."""
        self.sent.append(message)

    def exchange(self) -> Exchange:
        """An exchange over it."""
        return Exchange(self.receive, self.send)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=10), st.integers(0, 100))
async def test_a_body_is_read_whole_or_not_beyond_its_limit(pieces: list[bytes], limit: int) -> None:
    asgi, whole = Asgi(*pieces), b"".join(pieces)
    if len(whole) <= limit:
        assert await asgi.exchange().read_body(limit) == whole
    else:
        with pytest.raises(BodyTooLarge, match=f"at most {limit} are read"):
            await asgi.exchange().read_body(limit)
        assert sum(len(piece) for piece in pieces[: asgi.read - 1]) <= limit


@pytest.mark.parametrize("pieces", [(), (b"half",)])
async def test_a_body_that_breaks_off_means_that_the_caller_left(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(CallerLeft):
        await Asgi(*pieces, ends=False).exchange().read_body(100)


async def test_a_refusal_before_the_body_closes_the_connection_and_one_after_it_does_not() -> None:
    before, after = Asgi(b"body"), Asgi(b"body")
    await before.exchange().refuse(MalformedAuth("no"))
    assert (b"connection", b"close") in before.sent[0]["headers"]
    exchange = after.exchange()
    await exchange.read_body(10)
    await exchange.refuse(MalformedAuth("no"))
    assert (b"connection", b"close") not in after.sent[0]["headers"]


async def test_nothing_is_written_over_a_response_that_has_begun() -> None:
    asgi = Asgi(b"")
    exchange = asgi.exchange()
    await exchange.refuse(MalformedAuth("first"))
    await exchange.refuse(HandlerFailed("second"))
    assert [message["type"] for message in asgi.sent] == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize("error", [MalformedBody("x"), Overloaded("full", retry_after_s=3.0)])
async def test_a_refusal_has_its_errors_status_and_says_how_long_it_is(error: SubnetError) -> None:
    asgi = Asgi(b"")
    await asgi.exchange().refuse(error)
    headers = dict(asgi.sent[0]["headers"])
    assert asgi.sent[0]["status"] == error.status
    assert headers[b"content-length"] == str(len(asgi.sent[1]["body"])).encode()
    assert (b"retry-after" in headers) == (error.retry_after_s is not None)


def test_a_header_that_is_given_twice_is_named_and_cut() -> None:
    assert read_headers([(b"a", b"1"), (b"b", b"\xff")]) == {"a": "1", "b": "ÿ"}
    with pytest.raises(MalformedAuth, match="header host is given more than once") as error:
        read_headers([(b"a", b"1"), (b"host", b"1"), (b"host", b"1")])
    assert error.value.status == 401
    with pytest.raises(MalformedAuth) as error:
        read_headers([(b"x" * 5000 + bytes([97 + at]), b"1") for at in range(20)] * 2)
    assert len(error.value.message) < 200


@pytest.mark.parametrize("length", ["0", "100", "000100"])
def test_a_length_within_the_limit_passes(length: str) -> None:
    check_size({"content-length": length}, 100)


def test_a_body_without_a_length_is_measured_later() -> None:
    check_size({}, 0)


@pytest.mark.parametrize("length", ["101", "9" * 15, "9" * 5000])
def test_a_length_beyond_the_limit_is_refused(length: str) -> None:
    with pytest.raises(BodyTooLarge, match="at most 100 are read") as error:
        check_size({"content-length": length}, 100)
    assert len(error.value.message) < 100


@pytest.mark.parametrize("length", ["", "-1", "+1", "1.0", "1e3", "0x10", "٣", "²", "1 1", "1_0"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(MalformedBody):
        check_size({"content-length": length}, 100)


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "identity"}, {"transfer-encoding": "Chunked"}])
def test_a_plain_body_passes(headers: dict[str, str]) -> None:
    check_encoding(headers)


@pytest.mark.parametrize(
    "headers", [{"content-encoding": "gzip"}, {"content-encoding": ""}, {"transfer-encoding": "gzip, chunked"}]
)
def test_an_encoded_body_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMedia):
        check_encoding(headers)


def test_a_connection_without_an_address_has_an_empty_one() -> None:
    assert client_address({"client": ("192.0.2.1", 5)}) == "192.0.2.1"
    assert client_address({"client": None}) == ""
    assert client_address({}) == ""
