# SPDX-License-Identifier: Apache-2.0
"""Frames: whole again however they were cut, and refused at their header where they are too large."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import BrokenStream, ReplyTooLarge
from protocols.frames import END, FAIL, ITEM, Seal, Unpacker, media_type, pack, payload_of

parts = st.lists(st.tuples(st.sampled_from([ITEM, FAIL]), st.binary(max_size=40)), max_size=8)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """The data in pieces of these sizes, the rest in one more."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


@given(parts, st.binary(max_size=40), st.lists(st.integers(0, 20), max_size=30))
def test_frames_are_the_same_under_any_chunking(items: list[tuple[int, bytes]], last: bytes, sizes: list[int]) -> None:
    sent = [pack(kind, payload) for kind, payload in [*items, (END, last)]]
    unpacker = Unpacker(40)
    read = [found for piece in cut(b"".join(sent), sizes) for found in unpacker.feed(piece)]
    assert [frame for _, frame in read] == sent
    assert [kind for kind, _ in read] == [kind for kind, _ in items] + [END]
    assert [payload_of(frame) for _, frame in read] == [payload for _, payload in items] + [last]


@given(parts, st.integers(1, 200))
def test_a_frame_is_given_out_only_when_it_is_whole(items: list[tuple[int, bytes]], length: int) -> None:
    sent = [pack(kind, payload) for kind, payload in items]
    data = b"".join(sent)[:length]
    read = [frame for _, frame in Unpacker(40).feed(data)]
    assert sent[: len(read)] == read
    assert len(b"".join(read)) <= len(data)
    assert len(read) == len(sent) or len(b"".join(sent[: len(read) + 1])) > len(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_a_typed_error(data: bytes) -> None:
    frames, said = [], ""
    try:
        for _, frame in Unpacker(16).feed(data):
            frames.append(frame)
    except (BrokenStream, ReplyTooLarge) as error:
        said = error.message
    assert data.startswith(b"".join(frames))
    assert said.isprintable()


@pytest.mark.parametrize("kind", [0, 4, 255])
def test_a_frame_of_unknown_kind_is_refused_at_its_header(kind: int) -> None:
    with pytest.raises(BrokenStream, match=f"frame kind is {kind}"):
        list(Unpacker(100).feed(struct.pack(">BI", kind, 1)))


def test_an_item_may_be_as_large_as_allowed_and_no_larger() -> None:
    assert list(Unpacker(3).feed(pack(ITEM, b"abc"))) == [(ITEM, pack(ITEM, b"abc"))]
    with pytest.raises(ReplyTooLarge, match="frame has 4 bytes, at most 3 are allowed"):
        list(Unpacker(3).feed(struct.pack(">BI", ITEM, 4)))


@pytest.mark.parametrize("kind", [FAIL, END])
def test_what_ends_a_stream_has_a_limit_of_its_own(kind: int) -> None:
    assert len(list(Unpacker(3).feed(pack(kind, b"a" * 300)))) == 1
    with pytest.raises(ReplyTooLarge):
        list(Unpacker(1 << 30).feed(struct.pack(">BI", kind, 1 << 20)))


def test_frames_before_one_that_is_refused_are_given_out() -> None:
    found = Unpacker(3).feed(pack(ITEM, b"abc") + pack(9, b""))
    assert next(found)[0] == ITEM
    with pytest.raises(BrokenStream):
        next(found)


def test_a_stream_that_was_cut_says_how_far_it_came() -> None:
    unpacker = Unpacker(100)
    assert list(unpacker.feed(pack(ITEM, b"abc") + b"\x01\x00")) == [(ITEM, pack(ITEM, b"abc"))]
    assert "2 bytes into the next" in unpacker.cut().message


def test_what_was_given_out_is_not_kept() -> None:
    unpacker, frame = Unpacker(1 << 20), pack(ITEM, b"a" * 100_000)
    list(unpacker.feed(frame))
    tracemalloc.start()
    try:
        for _ in range(50):
            for part in (frame[:50_000], frame[50_000:]):
                list(unpacker.feed(part))
        assert tracemalloc.get_traced_memory()[0] < 400_000
    finally:
        tracemalloc.stop()


def test_the_media_type_of_a_stream_names_its_encoding() -> None:
    assert media_type("application/json") == "application/vnd.subnet.stream+json"
    assert media_type("application/msgpack") == "application/vnd.subnet.stream+msgpack"


def test_a_seal_is_immutable() -> None:
    seal = Seal(200, 1, "5F", "0x")
    with pytest.raises(AttributeError):
        seal.status = 500  # type: ignore[misc]
