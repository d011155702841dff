# SPDX-License-Identifier: Apache-2.0
"""Sealed replies: what a miner said, to whom, in answer to what, and nothing that can be bent afterwards."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocols import auth, seal
from protocols.errors import BadSignature, ForgedReply, MalformedReply, SubnetError, UnsignedReply
from protocols.keys import Keypair, Scheme
from protocols.seal import Evidence, RollingHash, Said

ALICE, BOB, CHARLIE = (Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie"))
MINER = BOB.ss58_address
REQUEST = bytes(range(64))
BODY = b'{"text":"hi"}'
SAID = Said(200, "application/json", seal.reply_digest(BODY))
SCHEMES: tuple[Scheme, ...] = ("sr25519", "ed25519")

words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def sealed(said: Said = SAID, *, key: Keypair = BOB, request: bytes = REQUEST) -> dict[str, str]:
    """The headers of a reply."""
    return {name.decode(): value.decode() for name, value in seal.seal(key, said, request)}


def evidence(**changes: Any) -> Evidence:
    """What Bob answered to Alice, with some of it changed afterwards."""
    digest = auth.body_digest(b"question")
    claim, _ = auth.sign(ALICE, method="POST", target="/Ask", digest=digest, nonce_ns=7, receiver=MINER)
    signature = seal.open_seal(sealed(request=claim.signature), SAID, request=claim.signature, miner=MINER)
    whole = Evidence(
        target="/Ask",
        nonce_ns=7,
        validator=ALICE.ss58_address,
        validator_scheme="sr25519",
        request_signature=claim.signature,
        request_body=b"question",
        miner=MINER,
        miner_scheme="sr25519",
        reply_signature=signature,
        status=200,
        content_type="application/json",
        reply_body=BODY,
    )
    return msgspec.structs.replace(whole, **changes)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_sealed_reply_opens_in_both_schemes(scheme: Scheme) -> None:
    key = Keypair.from_uri("//Bob", scheme)
    headers = sealed(key=key)
    assert len(seal.open_seal(headers, SAID, request=REQUEST, miner=key.ss58_address)) == 64
    assert headers.get("x-subnet-crypto", "sr25519") == scheme


def test_the_signed_bytes_are_seven_lines() -> None:
    payload = seal.reply_payload(SAID, request=REQUEST, miner=MINER, scheme="sr25519")
    assert payload.decode().split("\n") == [
        "subnet-reply/1",
        "sr25519",
        "200",
        "application/json",
        seal.reply_digest(BODY),
        REQUEST.hex(),
        MINER,
    ]


@given(st.integers(100, 999), words, st.binary(max_size=20), st.binary(min_size=64, max_size=64))
def test_a_seal_opens_for_exactly_what_was_said_to_exactly_this_request(
    status: int, content_type: str, body: bytes, request: bytes
) -> None:
    said = Said(status, content_type, seal.reply_digest(body))
    seal.open_seal(sealed(said, request=request), said, request=request, miner=MINER)
    assume((said, request) != (SAID, REQUEST))
    with pytest.raises(ForgedReply):
        seal.open_seal(sealed(), said, request=request, miner=MINER)


@given(st.integers(0, 511))
def test_a_seal_with_any_bit_flipped_does_not_open(bit: int) -> None:
    headers = sealed()
    forged = bytearray.fromhex(headers["x-subnet-signature"][2:])
    forged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ForgedReply):
        seal.open_seal({**headers, "x-subnet-signature": f"0x{forged.hex()}"}, SAID, request=REQUEST, miner=MINER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-subnet-hotkey", CHARLIE.ss58_address),
        ("x-subnet-hotkey", ""),
        ("x-subnet-hotkey", "\x1b[2J"),
        ("x-subnet-signature", ""),
        ("x-subnet-signature", "00" * 64),
        ("x-subnet-signature", "0x" + "00" * 64),
        ("x-subnet-signature", "0x" + "AB" * 64),
        ("x-subnet-signature", "0x" + "\u0661" * 128),
        ("x-subnet-signature", "0x" + "00" * 64 + "\n"),
        ("x-subnet-crypto", "ed25519"),
        ("x-subnet-crypto", "none"),
        ("x-subnet-crypto", ""),
    ],
)
def test_a_seal_with_a_changed_header_does_not_open(name: str, value: str) -> None:
    with pytest.raises(ForgedReply) as error:
        seal.open_seal({**sealed(), name: value}, SAID, request=REQUEST, miner=MINER)
    assert error.value.message.isprintable()


@pytest.mark.parametrize("name", ["x-subnet-hotkey", "x-subnet-signature"])
def test_a_reply_without_a_seal_is_unsigned(name: str) -> None:
    headers = sealed()
    del headers[name]
    with pytest.raises(UnsignedReply):
        seal.open_seal(headers, SAID, request=REQUEST, miner=MINER)


def test_a_reply_of_another_miner_does_not_open() -> None:
    with pytest.raises(ForgedReply):
        seal.open_seal(sealed(key=CHARLIE), SAID, request=REQUEST, miner=MINER)
    renamed = {**sealed(key=CHARLIE), "x-subnet-hotkey": MINER}
    with pytest.raises(ForgedReply):
        seal.open_seal(renamed, SAID, request=REQUEST, miner=MINER)


def test_evidence_convinces_whoever_has_nothing_but_it() -> None:
    Evidence.from_bytes(evidence().to_bytes()).check()


CHANGES: list[tuple[str, object]] = [
    ("target", "/Other"),
    ("nonce_ns", 8),
    ("validator", CHARLIE.ss58_address),
    ("validator", ""),
    ("validator_scheme", "ed25519"),
    ("request_signature", bytes(64)),
    ("request_signature", b""),
    ("request_body", b"another question"),
    ("miner", CHARLIE.ss58_address),
    ("miner", ""),
    ("miner_scheme", "ed25519"),
    ("reply_signature", bytes(64)),
    ("reply_signature", b""),
    ("status", 201),
    ("content_type", "application/msgpack"),
    ("content_type", "application/json\n"),
    ("reply_body", b'{"text":"no"}'),
]


@pytest.mark.parametrize(("field", "value"), CHANGES, ids=[f"{field}-{value!r:.12}" for field, value in CHANGES])
def test_evidence_of_which_any_part_was_changed_convinces_nobody(field: str, value: object) -> None:
    with pytest.raises(SubnetError) as error:
        evidence(**{field: value}).check()
    assert error.value.code in ("forged_reply", "bad_signature", "invalid_address")


def test_every_part_of_evidence_is_covered() -> None:
    assert {field for field, _ in CHANGES} == set(Evidence.__struct_fields__)


def test_an_answer_to_one_question_is_no_evidence_of_another() -> None:
    claim, _ = auth.sign(
        ALICE, method="POST", target="/Ask", digest=auth.body_digest(b"question"), nonce_ns=8, receiver=MINER
    )
    with pytest.raises(ForgedReply):
        evidence(nonce_ns=8, request_signature=claim.signature).check()


def test_a_miner_cannot_be_shown_to_have_answered_what_the_validator_never_signed() -> None:
    claim, _ = auth.sign(
        CHARLIE, method="POST", target="/Ask", digest=auth.body_digest(b"question"), nonce_ns=7, receiver=MINER
    )
    signature = bytes.fromhex(sealed(request=claim.signature)["x-subnet-signature"][2:])
    with pytest.raises(BadSignature):
        evidence(request_signature=claim.signature, reply_signature=signature).check()


@given(st.binary(max_size=200))
def test_any_bytes_are_evidence_or_a_typed_error(data: bytes) -> None:
    with pytest.raises(MalformedReply) as error:
        Evidence.from_bytes(data)
    assert error.value.message.isprintable()


@given(st.integers(0, 500), st.integers(0, 255))
def test_evidence_with_any_byte_changed_is_refused_or_the_same(at: int, value: int) -> None:
    data = bytearray(KEPT)
    data[at % len(data)] = value
    try:
        changed = Evidence.from_bytes(bytes(data))
        changed.check()
    except SubnetError:
        return
    assert changed == Evidence.from_bytes(KEPT)


@pytest.mark.parametrize("data", [b"\x91" * 100_000, b"\x81\xa1\xff\x01", b"\xde\xff\xff"], ids=["deep", "text", "cut"])
def test_evidence_that_cannot_be_read_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(MalformedReply):
        Evidence.from_bytes(data)


KEPT = evidence().to_bytes()

streams = st.lists(st.binary(max_size=12), max_size=6)


def rolled(frames: list[bytes], *, request: bytes = REQUEST, status: int = 200) -> bytes:
    """The bytes that the end of a stream of these frames signs."""
    rolling = RollingHash(request)
    for frame in frames:
        rolling.add(frame)
    return rolling.payload(Said(status, "stream", ""), request=request, miner=MINER, scheme="sr25519")


@given(streams, streams)
def test_two_streams_are_signed_alike_only_if_they_are_alike(one: list[bytes], other: list[bytes]) -> None:
    assert (rolled(one) == rolled(other)) == (one == other)


@given(st.binary(max_size=12), st.integers(0, 12))
def test_a_frame_cut_in_two_is_another_stream(frame: bytes, at: int) -> None:
    assert rolled([frame]) != rolled([frame[:at], frame[at:]])


def test_a_stream_is_bound_to_its_request_and_status() -> None:
    assert rolled([]) != rolled([], request=bytes(64))
    assert rolled([]) != rolled([], status=500)
    assert rolled([]).decode().split("\n")[:5] == ["subnet-stream/1", "sr25519", "200", "stream", "0"]


def test_a_stream_and_a_reply_are_never_signed_alike() -> None:
    assert not rolled([]).startswith(seal.REPLY.encode())
