# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: what a stranger may send as a stream, and that only a finished one counts as whole."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import synapse
from protocols.errors import BrokenStream, HandlerFailed, MalformedReply, PeerError, ReplyTooLarge, SubnetError
from protocols.keys import Keypair
from protocols.legacy.events import EventReader, EventWriter

PEER = Keypair.from_uri("//Bob").ss58_address
WRITER = EventWriter()


class Token(synapse.Reply):
    max_bytes = 64
    text: str = ""


class Result(synapse.Reply):
    error: dict[str, str]


async def read(
    *chunks: bytes, reply: type[synapse.Reply] = Token, content_type: str = "text/event-stream"
) -> list[Any]:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [item async for item in EventReader(reply, PEER, content_type).items(arriving())]


def cut(body: bytes, at: Sequence[int]) -> list[bytes]:
    ends = sorted({min(end, len(body)) for end in at} | {0, len(body)})
    return [body[start:end] for start, end in pairwise(ends)]


tokens = st.lists(st.builds(Token, text=st.text(st.characters(codec="utf-8"), max_size=8)), max_size=5)
places = st.lists(st.integers(0, 200), max_size=20)


@given(tokens, places)
async def test_what_is_written_is_read_however_it_is_cut(items: list[Token], at: list[int]) -> None:
    body = b"".join(WRITER.item(item) for item in items) + WRITER.end()
    assert await read(*cut(body, at)) == items


@given(tokens, places, st.data())
async def test_a_stream_that_ends_early_is_broken(items: list[Token], at: list[int], data: st.DataObject) -> None:
    body = b"".join(WRITER.item(item) for item in items) + WRITER.end()
    short = body[: data.draw(st.integers(0, len(body) - 2))]  # only the very last line break says nothing
    with pytest.raises(BrokenStream, match="without \\[DONE\\]"):
        await read(*cut(short, at))


@given(
    st.lists(
        st.sampled_from([b"data:", b" ", b"[DONE]", b'{"text":"a"}', b'{"error":', b"}", b"\n", b"\r", b":", b"\xff"])
    )
)
async def test_no_stream_raises_what_is_not_ours(pieces: list[bytes]) -> None:
    try:
        items = await read(*pieces)
    except SubnetError:
        return
    assert all(isinstance(item, Token) for item in items)
    assert b"[DONE]" in pieces


async def test_a_foreign_stream_may_have_comments_other_fields_and_other_line_ends() -> None:
    body = b': hello\r\nretry: 5\r\n\r\nevent: token\r\ndata:{"text": "a"}\r\n\r\n'
    body += b'data: { "text" : "b" }\n\ndata: [DONE]\r\n'
    assert await read(body, content_type="Text/Event-Stream; charset=utf-8") == [Token(text="a"), Token(text="b")]


async def test_what_comes_after_the_end_is_not_read() -> None:
    assert await read(WRITER.item(Token(text="a")) + WRITER.end() + b"data: garbage\n\n") == [Token(text="a")]


async def test_an_error_within_a_stream_is_the_peers_and_does_not_finish_it() -> None:
    body = WRITER.item(Token(text="a")) + WRITER.fail(HandlerFailed("no\nmore"))
    assert not body.endswith(WRITER.end())
    with pytest.raises(PeerError, match=r"handler_failed \(unsigned\): no\?more") as raised:
        await read(body)
    assert raised.value.peer_code == "handler_failed"
    with pytest.raises(PeerError, match="no readable error body"):
        await read(b'data: {"error": 1}\n')


async def test_an_item_may_have_a_field_named_error_and_a_failure_still_ends_nothing_well() -> None:
    item = Result(error={"code": "e"})
    assert await read(WRITER.item(item), WRITER.end(), reply=Result) == [item]
    with pytest.raises(BrokenStream):
        await read(WRITER.item(item), WRITER.fail(HandlerFailed("no")), reply=Result)


@pytest.mark.parametrize("data", [b'{"text": 1}', b'{"texts": "a"}', b"[1]", b"", b"\xff", b"{", b"[" * 20_000])
async def test_an_item_that_is_none_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedReply, match="stream item"):
        await read(b"data: " + data[:16_384] + b"\n" + WRITER.end())


@pytest.mark.parametrize("pieces", [[b"x" * 20_000], [b"x" * 1000] * 20, [b"x" * 20_000 + b"\n"]])
async def test_a_line_too_long_is_not_kept_until_it_ends(pieces: list[bytes]) -> None:
    with pytest.raises(ReplyTooLarge):
        await read(b"data: ", *pieces)


@pytest.mark.parametrize("size", [63, 64, 65])
async def test_an_item_may_be_as_large_as_its_type_allows(size: int) -> None:
    data = json.dumps({"text": "x" * (size - len('{"text": ""}'))}).encode()
    body = b"data: " + data + b"\r\n\r\n" + WRITER.end()
    if size > Token.max_bytes:
        with pytest.raises(MalformedReply, match="65 bytes, limit 64"):
            await read(body)
    else:
        assert len(await read(body)) == 1


@pytest.mark.parametrize("content_type", ["", "application/json", "text/event-streams", "\xe9"])
async def test_only_a_stream_of_events_is_read(content_type: str) -> None:
    with pytest.raises(MalformedReply, match="expected text/event-stream"):
        await read(WRITER.end(), content_type=content_type)
