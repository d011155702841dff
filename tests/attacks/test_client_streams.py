# SPDX-License-Identifier: Apache-2.0
"""What a miner, or whoever sits between, may do to a stream: nothing that is not noticed before it counts."""

from __future__ import annotations

import asyncio
import struct
import warnings
from collections.abc import Callable, Sequence

import msgspec
import pytest

from protocols import frames, seal
from protocols.client import Client, ClientOptions, Peer, Stream
from protocols.codec import JSON, MSGPACK
from protocols.errors import (
    BrokenStream,
    Disconnected,
    ForgedReply,
    HandlerFailed,
    MalformedReply,
    PeerError,
    RedirectRefused,
    ReplyTooLarge,
    TimedOut,
    UnsignedReply,
    WireError,
)
from protocols.keys import Keypair, encode_address
from protocols.native.hearing import NativeStreamWriter
from tests.attacks.hostile import (
    MINER,
    OTHER,
    STREAM,
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
    saying_then_cutting,
    sealed,
    streamed,
)

WORDS = ("one", "two", "three")
Bend = Callable[[list[bytes], Question], Sequence[bytes]]


def whole(question: Question, *, key: Keypair = MINER, words: Sequence[str] = WORDS) -> list[bytes]:
    """The frames of an honest stream."""
    writer = NativeStreamWriter(MSGPACK, key, question.signature)
    return [*(writer.item(Ask.Reply(text=word)) for word in words), writer.end()]


def failed(question: Question) -> list[bytes]:
    """The frames of a stream whose miner could not go on; FAIL and END in one piece."""
    writer = NativeStreamWriter(MSGPACK, MINER, question.signature)
    return [writer.item(Ask.Reply(text="one")), writer.fail(HandlerFailed("it broke"))]


def ended(question: Question, sent: Sequence[bytes], *, status: int = 200, key: Keypair = MINER) -> bytes:
    """An END frame that signs for these frames, whatever they are."""
    rolling = seal.RollingHash(question.signature)
    for frame in sent:
        rolling.add(frame)
    said = seal.Said(status, STREAM, "")
    payload = rolling.payload(said, request=question.signature, miner=key.ss58_address, scheme=key.scheme)
    last = frames.Seal(status, rolling.frames, key.ss58_address, "0x" + key.sign(payload).hex(), key.scheme)
    return frames.pack(frames.END, msgspec.json.encode(last))


async def drained(stream: Stream) -> tuple[list[str], WireError | None]:
    """The words of a stream, and what ended it."""
    words: list[str] = []
    try:
        async with stream:
            async for item in stream:
                words.append(item.text)
    except WireError as error:
        return words, error
    return words, None


async def streamed_by(behaviour: Behaviour, *, timeout_s: float = 5.0) -> tuple[list[str], WireError | None, bool]:
    """What came of asking such a miner for a stream: the words, the error, and whether it is called complete."""
    async with asked(behaviour) as (client, miner):
        stream = client.stream(miner.peer, Ask(), timeout_s=timeout_s)
        words, error = await drained(stream)
        return words, error, stream.complete


async def test_an_honest_stream_is_complete() -> None:
    assert await streamed_by(saying(lambda question: streamed(whole(question)))) == (list(WORDS), None, True)


def dropped(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [sent[0], *sent[2:]]


def reordered(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [sent[1], sent[0], *sent[2:]]


def duplicated(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [sent[0], *sent]


def added(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [*sent[:-1], frames.pack(frames.ITEM, MSGPACK.encode(Ask.Reply(text="more"))), sent[-1]]


def changed(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [sent[0].replace(b"one", b"ONE"), *sent[1:]]


def emptied(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return sent[-1:]


def ended_by_another_miner(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [*sent[:-1], ended(question, sent[:-1], key=OTHER)]


def ended_by_another_under_the_asked_name(sent: list[bytes], question: Question) -> Sequence[bytes]:
    theirs = ended(question, sent[:-1], key=OTHER)
    return [*sent[:-1], theirs.replace(OTHER.ss58_address.encode(), MINER.ss58_address.encode())]


def ended_for_another_request(sent: list[bytes], question: Question) -> Sequence[bytes]:
    elsewhere = Question(question.line, {"x-bittensor-signature": "0x" + "01" * 64}, b"")
    return [*sent[:-1], ended(elsewhere, sent[:-1])]


def ended_with_another_status(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [*sent[:-1], sent[-1].replace(b'"status":200', b'"status":201')]


def ended_with_another_count(sent: list[bytes], question: Question) -> Sequence[bytes]:
    return [*sent[:-1], sent[-1].replace(b'"frames":3', b'"frames":4')]


def ended_with_the_seal_of_a_reply(sent: list[bytes], question: Question) -> Sequence[bytes]:
    signature = sealed(question, b"".join(sent[:-1]), content_type=STREAM)["x-subnet-signature"]
    last = frames.Seal(200, 3, MINER.ss58_address, signature)
    return [*sent[:-1], frames.pack(frames.END, msgspec.json.encode(last))]


@pytest.mark.parametrize(
    "bend",
    [
        dropped,
        reordered,
        duplicated,
        added,
        changed,
        emptied,
        ended_by_another_miner,
        ended_by_another_under_the_asked_name,
        ended_for_another_request,
        ended_with_another_status,
        ended_with_another_count,
        ended_with_the_seal_of_a_reply,
    ],
    ids=lambda bend: bend.__name__,
)
async def test_a_stream_whose_frames_are_not_those_that_were_signed_is_refused_at_its_end(bend: Bend) -> None:
    behaviour = saying(lambda question: streamed(bend(whole(question), question)))
    _, error, complete = await streamed_by(behaviour)
    assert isinstance(error, BrokenStream | ForgedReply)
    assert not complete


CUTS = {"at a frame": -1, "in a header": 3, "in a payload": 9, "before the first": 0}


@pytest.mark.parametrize("at", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("orderly", [True, False])
async def test_a_truncated_stream_is_broken_however_the_connection_ends(at: int, orderly: bool) -> None:
    def cut(question: Question) -> bytes:
        sent = whole(question)
        part = sent[:at] if at == -1 else [b"".join(sent)[:at]] if at else []
        data = streamed([frame for frame in part if frame])
        return data if orderly else data[: -len(chunk(b""))]

    _, error, complete = await streamed_by(saying_then_cutting(cut))
    assert isinstance(error, BrokenStream if orderly else Disconnected)
    assert not complete


async def test_a_frame_larger_than_an_item_may_be_is_refused_at_its_header() -> None:
    async def large(question: Question, line: Line) -> None:
        await line.say(streamed([struct.pack(">BI", frames.ITEM, 65_537)])[: -len(chunk(b""))])
        await line.gone()

    _, error, _ = await streamed_by(large)
    assert isinstance(error, ReplyTooLarge)


@pytest.mark.parametrize("kind", [frames.FAIL, frames.END])
async def test_what_ends_a_stream_is_bounded_too(kind: int) -> None:
    async def large(question: Question, line: Line) -> None:
        await line.say(streamed([struct.pack(">BI", kind, 16_385)])[: -len(chunk(b""))])
        await line.gone()

    _, error, _ = await streamed_by(large)
    assert isinstance(error, ReplyTooLarge)


async def test_a_stream_of_tiny_items_can_still_be_ended() -> None:
    class Tiny(Ask):
        class Reply(Ask.Reply):
            max_bytes = 12

    async with asked(saying(lambda question: streamed(whole(question)))) as (client, miner):
        async with client.stream(miner.peer, Tiny()) as stream:
            assert [item.text async for item in stream] == list(WORDS)
        assert stream.complete


@pytest.mark.parametrize("kind", [0, 4, 255])
async def test_a_frame_of_unknown_kind_breaks_the_stream(kind: int) -> None:
    behaviour = saying(lambda question: streamed([frames.pack(kind, b"x"), *whole(question)]))
    words, error, _ = await streamed_by(behaviour)
    assert words == []
    assert isinstance(error, BrokenStream)


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[" * 9000, b"\xff", b'{"status":200}', b'{"\x1b[2J":1}', b'{"status":' + b"9" * 5000 + b"}"],
    ids=range(7),
)
async def test_an_end_that_is_no_seal_breaks_the_stream(payload: bytes) -> None:
    behaviour = saying(lambda question: streamed([*whole(question)[:-1], frames.pack(frames.END, payload)]))
    _, error, complete = await streamed_by(behaviour)
    assert isinstance(error, BrokenStream)
    assert error.message.isprintable()
    assert not complete


async def test_an_end_without_a_signature_proves_nothing() -> None:
    last = msgspec.json.encode(frames.Seal(200, 3, MINER.ss58_address, ""))
    behaviour = saying(lambda question: streamed([*whole(question)[:-1], frames.pack(frames.END, last)]))
    _, error, complete = await streamed_by(behaviour)
    assert isinstance(error, ForgedReply | UnsignedReply)
    assert not complete


@pytest.mark.parametrize(
    "item", [b"", b"\xc1", b"\x81\xa6prompt\xa1x", b"\x82\xa4text\xa1x\xa6prompt\xa1y", b"\x91" * 60_000], ids=range(5)
)
async def test_an_item_of_another_shape_is_malformed(item: bytes) -> None:
    behaviour = saying(lambda question: streamed([frames.pack(frames.ITEM, item), *whole(question)]))
    words, error, complete = await streamed_by(behaviour)
    assert words == []
    assert isinstance(error, MalformedReply)
    assert not complete


async def test_a_miner_that_fails_within_a_stream_says_so_in_a_signed_way() -> None:
    words, error, complete = await streamed_by(saying(lambda question: streamed(failed(question))))
    assert words == ["one"]
    assert isinstance(error, PeerError)
    assert error.peer_code == "handler_failed"
    assert not complete


@pytest.mark.parametrize("kind", [frames.ITEM, frames.FAIL])
async def test_a_stream_that_goes_on_after_its_fail_frame_is_broken(kind: int) -> None:
    def on(question: Question) -> bytes:
        more = MSGPACK.encode(Ask.Reply(text="two")) if kind == frames.ITEM else fault("overloaded")
        sent = [frames.pack(frames.FAIL, fault("handler_failed")), frames.pack(kind, more)]
        return streamed([*sent, ended(question, sent, status=500)])

    words, error, _ = await streamed_by(saying(on))
    assert words == []
    assert isinstance(error, BrokenStream)


@pytest.mark.parametrize(("fails", "status"), [(True, 200), (False, 500), (False, 0)])
async def test_an_end_whose_signed_status_contradicts_the_frames_is_broken(fails: bool, status: int) -> None:
    def contradict(question: Question) -> bytes:
        item = frames.pack(frames.ITEM, MSGPACK.encode(Ask.Reply(text="one")))
        sent = [item, frames.pack(frames.FAIL, fault("handler_failed"))] if fails else [item]
        return streamed([*sent, ended(question, sent, status=status)])

    _, error, complete = await streamed_by(saying(contradict))
    assert isinstance(error, BrokenStream)
    assert not complete


async def test_an_unsigned_fail_is_not_the_miners_word() -> None:
    behaviour = saying(lambda question: streamed([frames.pack(frames.FAIL, fault("not_admitted"))]))
    _, error, _ = await streamed_by(behaviour)
    assert isinstance(error, BrokenStream)


async def test_what_follows_the_end_is_not_read_as_items() -> None:
    behaviour = saying(lambda question: streamed([*whole(question), *whole(question)]))
    assert await streamed_by(behaviour) == (list(WORDS), None, True)


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)], ids=bytes.hex)
async def test_a_key_for_which_anyone_can_sign_ends_no_stream(point: bytes) -> None:
    address = encode_address(point)
    last = msgspec.json.encode(frames.Seal(200, 0, address, "0x" + (point + bytes(31) + b"\x80").hex()))
    async with asked(saying(streamed([frames.pack(frames.END, last)]))) as (client, miner):
        _, error = await drained(client.stream(Peer(address, miner.url), Ask()))
    assert isinstance(error, ForgedReply)


@pytest.mark.parametrize(
    "media_type", ["", "application/msgpack", f"{STREAM}; x=1", f"{STREAM}\xff", "text/event-stream"]
)
async def test_a_stream_of_another_media_type_is_malformed(media_type: str) -> None:
    def head(question: Question) -> bytes:
        return streamed(whole(question)).replace(STREAM.encode(), media_type.encode("latin-1"))

    words, error, _ = await streamed_by(saying(head))
    assert words == []
    assert isinstance(error, MalformedReply)


async def test_a_stream_may_come_in_json() -> None:
    def json(question: Question) -> bytes:
        writer = NativeStreamWriter(JSON, MINER, question.signature)
        sent = [writer.item(Ask.Reply(text="one")), writer.end()]
        return streamed(sent, content_type=STREAM.replace("msgpack", "json"))

    assert await streamed_by(saying(json)) == (["one"], None, True)


async def test_a_whole_reply_is_no_stream() -> None:
    _, error, _ = await streamed_by(saying(honest))
    assert isinstance(error, MalformedReply)


async def test_a_refusal_in_place_of_a_stream_is_the_miners_error() -> None:
    def refuse(question: Question) -> bytes:
        body = fault("not_admitted")
        return response(body, sealed(question, body, status=403, content_type="application/json"), status=403)

    _, error, _ = await streamed_by(saying(refuse))
    assert isinstance(error, PeerError)
    assert error.peer_code == "not_admitted"


async def test_a_redirected_stream_is_not_followed() -> None:
    async with misbehaving(saying(honest)) as inside:
        where = f"HTTP/1.1 307 Go\r\nlocation: {inside.url}/Ask\r\ncontent-length: 0\r\n\r\n"
        async with asked(saying(where.encode())) as (client, miner):
            _, error = await drained(client.stream(miner.peer, Ask()))
        assert isinstance(error, RedirectRefused)
        assert inside.connections == 0


async def endless(question: Question, line: Line) -> None:
    """Items for ever, as fast as they are taken."""
    await line.say(streamed([])[: -len(chunk(b""))])
    item = frames.pack(frames.ITEM, MSGPACK.encode(Ask.Reply()))
    while True:
        await line.say(chunk(item * 1000))


async def test_an_endless_stream_ends_at_its_deadline_and_lets_others_live_until_then() -> None:
    turns = 0

    async def live() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with asked(endless) as (client, miner):
        other = asyncio.create_task(live())
        stream = client.stream(miner.peer, Ask(), timeout_s=0.3)
        words, error = await drained(stream)
        other.cancel()
        assert isinstance(error, TimedOut)
        assert await miner.deserted()
    assert stream.item_times_s[-1] < 2.0
    assert turns > len(words) / 100


@pytest.mark.parametrize("drips", [True, False])
async def test_a_stream_that_drips_or_stalls_is_cut(drips: bool) -> None:
    async def slow(question: Question, line: Line) -> None:
        await line.say(streamed([])[: -len(chunk(b""))])
        item = frames.pack(frames.ITEM, MSGPACK.encode(Ask.Reply()))
        for byte in item * 10_000 if drips else item[:3]:
            await line.say(chunk(bytes([byte])))
            await asyncio.sleep(0.005)
        await line.gone()

    words, error, complete = await streamed_by(slow, timeout_s=0.2)
    assert isinstance(error, TimedOut)
    assert len(words) < 20
    assert not complete


async def test_a_failed_stream_does_not_become_complete_by_reading_on() -> None:
    behaviour = saying(lambda question: streamed([frames.pack(frames.ITEM, b"\xc1"), *whole(question)]))
    async with asked(behaviour) as (client, miner), client.stream(miner.peer, Ask()) as stream:
        with pytest.raises(MalformedReply):
            await anext(stream)
        with pytest.raises(BrokenStream, match="has failed before"):
            await anext(stream)
        assert not stream.complete


async def test_leaving_a_stream_early_closes_the_connection_and_leaves_nothing_behind() -> None:
    async with misbehaving(endless) as miner, Client(VALIDATOR, ClientOptions()) as client:
        before = asyncio.all_tasks()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            async with client.stream(miner.peer, Ask()) as stream:
                async for _ in stream:
                    break
        assert asyncio.all_tasks() - before <= miner.open
        assert await miner.deserted()
        assert not stream.complete


async def test_a_stream_that_is_never_iterated_is_closed() -> None:
    async with asked(endless) as (client, miner):
        async with client.stream(miner.peer, Ask()):
            pass
        assert await miner.deserted()
