# SPDX-License-Identifier: Apache-2.0
"""A stream in the hands of the one who reads it: opened, left, cut, cancelled, read too late or twice."""

from __future__ import annotations

import asyncio

import pytest

from protocols import frames
from protocols.client import Client, ClientOptions
from protocols.codec import MSGPACK
from protocols.errors import BrokenStream, Disconnected, HandlerFailed, PeerError, ReplyTooLarge, TimedOut
from protocols.native.hearing import NativeStreamWriter
from protocols.seal import StreamEvidence
from tests.attacks.hostile import (
    MINER,
    VALIDATOR,
    Ask,
    Line,
    Question,
    asked,
    chunk,
    misbehaving,
    saying,
    saying_then_cutting,
    silent,
    streamed,
)


def whole(question: Question, words: int = 3) -> bytes:
    """An honest stream of that many words."""
    writer = NativeStreamWriter(MSGPACK, MINER, question.signature)
    return streamed([*(writer.item(Ask.Reply(text=str(number))) for number in range(words)), writer.end()])


async def slowly(question: Question, line: Line) -> None:
    """Three words, each after 20 ms."""
    writer = NativeStreamWriter(MSGPACK, MINER, question.signature)
    await line.say(streamed([])[: -len(chunk(b""))])
    for number in range(3):
        await asyncio.sleep(0.02)
        await line.say(chunk(writer.item(Ask.Reply(text=str(number)))))
    await line.say(chunk(writer.end()) + chunk(b""))


async def test_the_time_of_each_item_is_measured_from_sending() -> None:
    async with asked(slowly) as (client, miner), client.stream(miner.peer, Ask()) as stream:
        assert [item.text async for item in stream] == ["0", "1", "2"]
    first, second, third = stream.item_times_s
    assert 0.02 <= first <= second - 0.01 <= third - 0.02 < 0.5


async def test_a_stream_that_was_read_to_its_end_leaves_its_connection_for_the_next_question() -> None:
    async with asked(saying(whole)) as (client, miner):
        for _ in range(3):
            async with client.stream(miner.peer, Ask()) as stream:
                assert len([item async for item in stream]) == 3
        assert miner.connections == 1


async def test_a_stream_on_a_connection_that_was_closed_under_us_is_asked_for_again_in_the_same_bytes() -> None:
    async def once_a_connection(question: Question, line: Line) -> None:
        if len(miner.questions) == 2:
            line.writer.transport.abort()
        else:
            await line.say(whole(question))

    async with asked(once_a_connection) as (client, miner):
        for _ in range(2):
            async with client.stream(miner.peer, Ask()) as stream:
                assert len([item async for item in stream]) == 3
        assert len(miner.questions) == 3
        assert miner.questions[1] == miner.questions[2]


async def test_a_stream_of_a_miner_that_only_hangs_up_is_a_disconnection() -> None:
    async with asked(saying_then_cutting(b"")) as (client, miner):
        with pytest.raises(Disconnected):
            async with client.stream(miner.peer, Ask()):
                pytest.fail("opened")
        assert len(miner.questions) == 2


async def test_a_stream_that_does_not_begin_times_out_at_its_time_in_all() -> None:
    async with asked(silent) as (client, miner):
        with pytest.raises(TimedOut, match="no whole reply"):
            async with client.stream(miner.peer, Ask(), timeout_s=0.05):
                pytest.fail("opened")
        assert await miner.deserted()


async def test_a_stream_has_the_clients_time_unless_it_is_given_its_own() -> None:
    async with asked(silent, timeout_s=0.05) as (client, miner):
        with pytest.raises(TimedOut):
            async with client.stream(miner.peer, Ask()):
                pytest.fail("opened")


async def test_a_stream_is_read_inside_its_block() -> None:
    async with asked(saying(whole)) as (client, miner):
        stream = client.stream(miner.peer, Ask())
        with pytest.raises(BrokenStream, match="not open"):
            await anext(stream)
        assert miner.questions == []


async def test_a_stream_that_has_ended_stays_ended_and_complete() -> None:
    async with asked(saying(whole)) as (client, miner), client.stream(miner.peer, Ask()) as stream:
        assert len([item async for item in stream]) == 3
        assert [item async for item in stream] == []
    assert stream.complete


async def test_a_reader_that_gives_up_on_an_item_has_given_up_the_stream() -> None:
    async def one_word(question: Question, line: Line) -> None:
        await line.say(whole(question, 1)[:-40])
        await line.gone()

    async with asked(one_word) as (client, miner), client.stream(miner.peer, Ask()) as stream:
        await anext(stream)
        with pytest.raises(TimeoutError) as late:
            await asyncio.wait_for(anext(stream), 0.03)
        assert not isinstance(late.value, TimedOut)
        with pytest.raises(BrokenStream):
            await anext(stream)
    assert not stream.complete


async def test_cancelling_a_reader_closes_the_connection() -> None:
    async def one_word(question: Question, line: Line) -> None:
        await line.say(whole(question, 1)[:-40])
        await line.gone()

    async with misbehaving(one_word) as miner, Client(VALIDATOR, ClientOptions()) as client:

        async def read() -> None:
            async with client.stream(miner.peer, Ask()) as stream:
                async for _ in stream:
                    pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.03)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await miner.deserted()


async def test_an_error_of_the_reader_closes_the_connection_and_is_the_readers() -> None:
    async def one_word(question: Question, line: Line) -> None:
        await line.say(whole(question, 1)[:-40])
        await line.gone()

    async with asked(one_word) as (client, miner):

        async def read() -> None:
            async with client.stream(miner.peer, Ask()) as stream:
                async for item in stream:
                    assert 1 / int(item.text)

        with pytest.raises(ZeroDivisionError):
            await read()
        assert await miner.deserted()


async def test_many_streams_are_read_side_by_side() -> None:
    async with asked(slowly) as (client, miner):

        async def read() -> int:
            async with client.stream(miner.peer, Ask()) as stream:
                return len([item async for item in stream])

        assert await asyncio.gather(*(read() for _ in range(30))) == [3] * 30


async def test_a_whole_stream_leaves_evidence_that_convinces_a_stranger() -> None:
    async with asked(saying(whole)) as (client, miner):
        async with client.stream(miner.peer, Ask(), kept_bytes=1_000) as stream:
            early = [stream.evidence async for _ in stream]
        assert early == [None] * 3
        kept = stream.evidence
        assert kept is not None
        StreamEvidence.from_bytes(kept.to_bytes()).check()
        said = [MSGPACK.decode(frames.payload_of(frame), Ask.Reply) for frame in kept.frames]
        assert [reply.text for reply in said] == ["0", "1", "2"]
        assert (kept.miner, kept.validator) == (miner.peer.hotkey, VALIDATOR.ss58_address)
        assert kept.request_body == MSGPACK.encode(Ask())


async def test_nothing_of_a_stream_is_kept_unless_told_to() -> None:
    async with asked(saying(whole)) as (client, miner), client.stream(miner.peer, Ask()) as stream:
        assert len([item async for item in stream]) == 3
        assert (stream.complete, stream.evidence) == (True, None)


async def test_a_stream_with_more_than_can_be_kept_is_refused_and_proves_nothing() -> None:
    async with asked(saying(lambda question: whole(question, 100))) as (client, miner):
        stream = client.stream(miner.peer, Ask(), kept_bytes=1_000)
        with pytest.raises(ReplyTooLarge, match="over 1000 bytes"):
            async with stream:
                async for _ in stream:
                    pass
        assert (stream.complete, stream.evidence) == (False, None)


async def test_a_stream_that_ends_in_a_fault_leaves_no_evidence() -> None:
    def failed(question: Question) -> bytes:
        writer = NativeStreamWriter(MSGPACK, MINER, question.signature)
        return streamed([writer.item(Ask.Reply(text="one")), writer.fail(HandlerFailed("it broke"))])

    async with asked(saying(failed)) as (client, miner):
        stream = client.stream(miner.peer, Ask(), kept_bytes=1_000)
        with pytest.raises(PeerError):
            async with stream:
                async for _ in stream:
                    pass
        assert stream.evidence is None
