# SPDX-License-Identifier: Apache-2.0
"""Evidence of streams: what a miner streamed, in which order and to its end, in answer to what, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import auth, frames, seal
from protocols.errors import BadSignature, ForgedReply, MalformedReply, SubnetError
from protocols.keys import Keypair, Scheme
from protocols.seal import Evidence, RollingHash, Said, StreamEvidence, read_evidence
from tests.protocols.test_seal import evidence as whole_reply

ALICE, BOB, CHARLIE = (Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie"))
MINER = BOB.ss58_address
STREAM = frames.media_type("application/msgpack")
WORDS = tuple(frames.pack(frames.ITEM, word) for word in (b"one", b"two", b"three"))


def request(nonce_ns: int = 7, body: bytes = b"question", key: Keypair = ALICE) -> bytes:
    """The signature of a question to Bob."""
    digest = auth.body_digest(body)
    return auth.sign(key, method="POST", target="/Ask", digest=digest, nonce_ns=nonce_ns, receiver=MINER)[0].signature


def signed(request: bytes, words: tuple[bytes, ...] = WORDS, scheme: Scheme = "sr25519", status: int = 200) -> bytes:
    """What Bob signs at the end of a stream."""
    key, rolling = Keypair.from_uri("//Bob", scheme), RollingHash(request)
    for frame in words:
        rolling.add(frame)
    said = Said(status, STREAM, "")
    return key.sign(rolling.payload(said, request=request, miner=key.ss58_address, scheme=scheme))


def evidence(**changes: Any) -> StreamEvidence:
    """What Bob streamed to Alice, with some of it changed afterwards."""
    asked = request()
    whole = StreamEvidence(
        target="/Ask",
        nonce_ns=7,
        validator=ALICE.ss58_address,
        validator_scheme="sr25519",
        request_signature=asked,
        request_body=b"question",
        miner=MINER,
        miner_scheme="sr25519",
        reply_signature=signed(asked),
        status=200,
        content_type=STREAM,
        frames=WORDS,
    )
    return msgspec.structs.replace(whole, **changes)


KEPT = evidence().to_bytes()


def test_a_kept_stream_convinces_whoever_has_nothing_but_it() -> None:
    kept = StreamEvidence.from_bytes(KEPT)
    kept.check()
    assert [frames.payload_of(frame) for frame in kept.frames] == [b"one", b"two", b"three"]


def test_a_stream_of_nothing_can_be_proved_too() -> None:
    asked = request()
    evidence(frames=(), request_signature=asked, reply_signature=signed(asked, ())).check()


CHANGES: list[tuple[str, object]] = [
    ("target", "/Other"),
    ("nonce_ns", 8),
    ("validator", CHARLIE.ss58_address),
    ("validator_scheme", "ed25519"),
    ("request_signature", bytes(64)),
    ("request_body", b"another question"),
    ("miner", CHARLIE.ss58_address),
    ("miner_scheme", "ed25519"),
    ("reply_signature", bytes(64)),
    ("reply_signature", b""),
    ("status", 500),
    ("content_type", "application/msgpack"),
    ("frames", ()),
]


@pytest.mark.parametrize(("field", "value"), CHANGES, ids=[f"{field}-{value!r:.12}" for field, value in CHANGES])
def test_a_kept_stream_of_which_any_part_was_changed_convinces_nobody(field: str, value: object) -> None:
    with pytest.raises(SubnetError) as error:
        evidence(**{field: value}).check()
    assert error.value.code in ("forged_reply", "bad_signature", "invalid_address")


def test_every_part_of_a_kept_stream_is_covered() -> None:
    assert {field for field, _ in CHANGES} == set(StreamEvidence.__struct_fields__)


Bend = Callable[[tuple[bytes, ...]], tuple[bytes, ...]]
BENT: dict[str, Bend] = {
    "a word is another": lambda sent: (sent[0], frames.pack(frames.ITEM, b"ten"), sent[2]),
    "two words are exchanged": lambda sent: (sent[1], sent[0], sent[2]),
    "the end is cut": lambda sent: sent[:-1],
    "the beginning is cut": lambda sent: sent[1:],
    "a word is said twice": lambda sent: (*sent, sent[-1]),
    "two frames are one": lambda sent: (sent[0] + sent[1], sent[2]),
    "one frame is two": lambda sent: (sent[0][:5], sent[0][5:], *sent[1:]),
    "an item is called a fault": lambda sent: (bytes([frames.FAIL]) + sent[0][1:], *sent[1:]),
}


@pytest.mark.parametrize("bend", BENT.values(), ids=BENT)
def test_a_stream_that_is_not_the_one_that_was_signed_is_found_out(bend: Bend) -> None:
    with pytest.raises(ForgedReply):
        evidence(frames=bend(WORDS)).check()


def test_a_stream_answers_only_the_question_that_it_was_given_to() -> None:
    with pytest.raises(ForgedReply):
        evidence(nonce_ns=8, request_signature=request(nonce_ns=8)).check()
    with pytest.raises(ForgedReply):
        evidence(request_body=b"other", request_signature=request(body=b"other")).check()
    with pytest.raises(BadSignature):
        evidence(request_body=b"other").check()


def test_a_miner_cannot_be_shown_to_have_streamed_what_the_validator_never_asked() -> None:
    stranger = request(key=CHARLIE)
    with pytest.raises(BadSignature):
        evidence(request_signature=stranger, reply_signature=signed(stranger)).check()


def test_a_miner_with_the_other_kind_of_key_is_held_to_its_stream_too() -> None:
    miner = Keypair.from_uri("//Bob", "ed25519").ss58_address
    digest = auth.body_digest(b"question")
    claim, _ = auth.sign(ALICE, method="POST", target="/Ask", digest=digest, nonce_ns=7, receiver=miner)
    proof = signed(claim.signature, scheme="ed25519")
    kept = {"miner": miner, "miner_scheme": "ed25519", "request_signature": claim.signature, "reply_signature": proof}
    evidence(**kept).check()
    with pytest.raises(ForgedReply):
        evidence(**kept, frames=WORDS[:-1]).check()


@given(st.integers(0, len(KEPT) - 1), st.integers(0, 255))
def test_a_kept_stream_with_any_byte_changed_is_refused_or_the_same(at: int, value: int) -> None:
    data = bytearray(KEPT)
    data[at] = value
    try:
        changed = read_evidence(bytes(data))
        changed.check()
    except SubnetError:
        return
    assert changed == StreamEvidence.from_bytes(KEPT)


@given(st.binary(max_size=200))
def test_any_bytes_are_evidence_of_either_kind_or_a_typed_error(data: bytes) -> None:
    with pytest.raises(MalformedReply) as error:
        read_evidence(data)
    assert error.value.message.isprintable()


def test_evidence_of_both_kinds_is_told_apart_by_its_bytes() -> None:
    assert isinstance(read_evidence(KEPT), StreamEvidence)
    assert isinstance(read_evidence(whole_reply().to_bytes()), Evidence)
    with pytest.raises(MalformedReply):
        Evidence.from_bytes(KEPT)
    with pytest.raises(MalformedReply):
        StreamEvidence.from_bytes(whole_reply().to_bytes())


def test_a_stream_and_a_reply_prove_nothing_of_each_other() -> None:
    evidence().check()
    shared = msgspec.structs.asdict(evidence())
    del shared["frames"]
    with pytest.raises(ForgedReply):
        Evidence(**shared, reply_body=b"".join(WORDS)).check()
    assert not signed(request()).startswith(seal.REPLY.encode())
