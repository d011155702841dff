# SPDX-License-Identifier: Apache-2.0
"""What a miner said: signed replies, bound to the one request they answer.

`btauth/1` signs requests only. Here the miner signs its reply too: the request's own signature, the status, the content
type, the body's hash and its hotkey. A reply can therefore not be forged, moved to another request or shown with
another status, and a validator that keeps an `Evidence` can prove to anyone what a miner answered. A stream is signed
in its last frame, over a rolling hash of all frames; of it a `StreamEvidence` is kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec

from protocols import auth, keys
from protocols.auth import Claim
from protocols.errors import ForgedReply, MalformedReply, UnsignedReply
from protocols.keys import Scheme, Signer

REPLY: Final = "subnet-reply/1"
STREAM: Final = "subnet-stream/1"

_SIGNATURE = "x-subnet-signature"
_HOTKEY = "x-subnet-hotkey"
_CRYPTO = "x-subnet-crypto"
_SIGNATURE_HEX = re.compile(r"0x([0-9a-f]{128})", re.ASCII)


class Said(msgspec.Struct, frozen=True):
    """What a reply's signature covers besides the request: the status, the content type and the body's hash."""

    status: int
    content_type: str
    digest: str


def reply_digest(body: bytes | bytearray | memoryview) -> str:
    """The body's hash as a reply's signature covers it."""
    return hashlib.sha256(body).hexdigest()


def reply_payload(said: Said, *, request: bytes, miner: str, scheme: Scheme) -> bytes:
    """The exact bytes that a reply's signature covers; `request` is the request's signature."""
    return f"{REPLY}\n{scheme}\n{said.status}\n{said.content_type}\n{said.digest}\n{request.hex()}\n{miner}".encode()


def seal(signer: Signer, said: Said, request: bytes) -> list[tuple[bytes, bytes]]:
    """Sign a reply; returns its headers as an ASGI server sends them."""
    miner, scheme = signer.ss58_address, signer.scheme
    signature = signer.sign(reply_payload(said, request=request, miner=miner, scheme=scheme))
    headers = [(b"x-subnet-hotkey", miner.encode()), (b"x-subnet-signature", b"0x" + signature.hex().encode())]
    if scheme != "sr25519":
        headers.append((b"x-subnet-crypto", scheme.encode()))
    return headers


def open_seal(headers: Mapping[str, str], said: Said, *, request: bytes, miner: str) -> bytes:
    """Check that `miner` said exactly this in reply to that request; returns the signature."""
    signature, scheme = read_seal(headers, miner)
    payload = reply_payload(said, request=request, miner=miner, scheme=scheme)
    if not keys.verify(payload, signature, miner, scheme):
        raise ForgedReply(
            f"reply with status {said.status} is not what hotkey {keys.short(miner)} signed for this request"
        )
    return signature


def read_seal(headers: Mapping[str, str], miner: str) -> tuple[bytes, Scheme]:
    """The signature that a reply carries and its scheme, refused where it names another miner."""
    hotkey, hexed = headers.get(_HOTKEY), headers.get(_SIGNATURE)
    if hotkey is None or hexed is None:
        raise UnsignedReply(f"reply of {keys.short(miner)} carries no signature")
    match = _SIGNATURE_HEX.fullmatch(hexed)
    crypto = headers.get(_CRYPTO, "sr25519")
    if hotkey != miner or match is None or crypto not in ("sr25519", "ed25519"):
        raise ForgedReply(f"reply is signed by {hotkey[:64]!r} with {crypto[:16]!r}, expected {miner}")
    return bytes.fromhex(match[1]), "ed25519" if crypto == "ed25519" else "sr25519"


class _Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """A signed question, and of its answer all that a signature covers beside what was said."""

    target: str
    nonce_ns: int
    validator: str
    validator_scheme: Scheme
    request_signature: bytes
    request_body: bytes
    miner: str
    miner_scheme: Scheme
    reply_signature: bytes
    status: int
    content_type: str

    def to_bytes(self) -> bytes:
        """One MessagePack document."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`; check it before believing it."""
        exchange: Self = _decoded(data, cls)
        return exchange

    def _check(self, payload: bytes) -> None:
        claim = Claim(self.validator, self.miner, self.nonce_ns, self.validator_scheme, self.request_signature)
        auth.check_signature(claim, method="POST", target=self.target, digest=auth.body_digest(self.request_body))
        if not keys.verify(payload, self.reply_signature, self.miner, self.miner_scheme):
            raise ForgedReply(f"evidence with status {self.status} is not what hotkey {keys.short(self.miner)} signed")


class Evidence(_Exchange, frozen=True, tag="reply"):
    """A question and its signed answer, complete enough for a third party to check with no trust in who kept it."""

    reply_body: bytes

    def check(self) -> None:
        """Raise unless this validator asked exactly that and this miner answered exactly this."""
        said, request = Said(self.status, self.content_type, reply_digest(self.reply_body)), self.request_signature
        self._check(reply_payload(said, request=request, miner=self.miner, scheme=self.miner_scheme))


class StreamEvidence(_Exchange, frozen=True, tag="stream"):
    """The same of a stream: its frames as they came, but for the last one, whose signature covers them all."""

    frames: tuple[bytes, ...]

    def check(self) -> None:
        """Raise unless this validator asked exactly that and this miner answered by exactly these frames, in order."""
        rolling = RollingHash(self.request_signature)
        for frame in self.frames:
            rolling.add(frame)
        said, request = Said(self.status, self.content_type, ""), self.request_signature
        self._check(rolling.payload(said, request=request, miner=self.miner, scheme=self.miner_scheme))


def read_evidence(data: bytes) -> Evidence | StreamEvidence:
    """Evidence of either kind from its bytes; check it before believing it."""
    evidence: Evidence | StreamEvidence = _decoded(data, Evidence | StreamEvidence)
    return evidence


def _decoded(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedReply(f"evidence cannot be read: {str(error)[:200]!r}") from None


class RollingHash:
    """The hash of a stream so far: each frame is hashed with all that came before it, starting from the request."""

    def __init__(self, request: bytes) -> None:
        self.frames = 0
        self._state = hashlib.sha256(f"{STREAM}\n{request.hex()}\n".encode()).digest()

    def add(self, frame: bytes) -> None:
        """Take in one whole frame, its header included."""
        self._state = hashlib.sha256(self._state + frame).digest()
        self.frames += 1

    def payload(self, said: Said, *, request: bytes, miner: str, scheme: Scheme) -> bytes:
        """The exact bytes that a stream's signature covers; the rolling hash stands in place of `said.digest`."""
        return (
            f"{STREAM}\n{scheme}\n{said.status}\n{said.content_type}\n{self.frames}\n{self._state.hex()}\n"
            f"{request.hex()}\n{miner}"
        ).encode()


__all__ = [
    "Evidence",
    "REPLY",
    "RollingHash",
    "STREAM",
    "Said",
    "StreamEvidence",
    "open_seal",
    "read_evidence",
    "read_seal",
    "reply_digest",
    "reply_payload",
    "seal",
]
