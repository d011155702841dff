# SPDX-License-Identifier: Apache-2.0
"""The server's half of the v10 dialect: a real dendrite is served, and only what it really signed is believed.

A v10 axon signed texts of a stranger's making, let the unsigned `version` and `timeout` headers widen its window, and
took the caller's name from the body. Here nothing is ever signed, the window is the server's own, nonces may overtake
each other because the replay window remembers each, and the caller is whoever the signature verifies for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from protocols import auth, keys
from protocols.auth import Claim
from protocols.codec import JSON, codec_for
from protocols.dialect import Caller, Head, Outgoing, StreamWriter
from protocols.errors import (
    BadSignature,
    DeadlineExceeded,
    InvalidAddress,
    MalformedAuth,
    MethodNotAllowed,
    ReplayedRequest,
    SubnetError,
    UnsupportedMedia,
    WrongReceiver,
)
from protocols.faults import fault_headers
from protocols.keys import Signer
from protocols.legacy.v10 import wire
from protocols.legacy.v10.wire import AXON, DENDRITE, Coverage, HashFields
from protocols.synapse import Reply, Synapse

_DECIMAL: Final = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_SIGNATURE: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{128}", re.ASCII)
_UUID: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
# Nothing but a hash: a v10 axon signs, for anybody, texts that end in its own uuid, and none may pass for a request.
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)

# Where v10 has a status of its own: a dendrite reads 401 as `failed_verification` and 408 as `is_timeout`.
_STATUS: Final[Mapping[type[SubnetError], int]] = {WrongReceiver: 401, ReplayedRequest: 401, DeadlineExceeded: 408}


class V10Hearing:
    """The server's half; `unsigned_bodies` names the queries of which v10 may sign nothing at all.

    Where a signature covers all fields of a query its caller's `body_authenticated` is True; where it covers only some,
    or none, it is False, because the rest may be anyone's.
    """

    name = wire.PROTOCOL

    def __init__(
        self,
        hash_fields: HashFields | None = None,
        *,
        unsigned_bodies: AbstractSet[type[Synapse]] = frozenset(),
    ) -> None:
        self._coverages = wire.coverages(hash_fields or {}, unsigned_bodies)

    def speaks(self, headers: Mapping[str, str]) -> bool:
        """A dendrite names itself in a header that nobody else sends."""
        return f"{DENDRITE}hotkey" in headers

    def hear(self, head: Head, me: Signer, now_ns: int) -> V10Heard:
        """Check that the query is open to v10, then its shape; the receiver is part of what is signed."""
        coverage = self._coverages.get(head.target)
        if coverage is None:
            raise MalformedAuth(
                f"{head.target[:64]!a} is not open to v10 peers: none of its fields is known to be signed",
                help="sign with btauth/1; the miner can name hash fields, or accept unsigned bodies, in V10Hearing",
            )
        if codec_for(head.headers.get("content-type", "")) is not JSON:
            raise UnsupportedMedia(f"content type is {head.headers['content-type'][:64]!a}, expected {JSON.media_type}")
        claim = _read_claim(head.headers, me.ss58_address)
        return V10Heard(head, claim, me.ss58_address, coverage)

    def refuse(self, error: SubnetError) -> Outgoing:
        """The error as v10 words it."""
        return _refusal(error)


class V10Heard:
    """One request of a v10 dendrite."""

    __slots__ = ("_claim", "_coverage", "_digest", "_headers", "_me", "_query", "_uuid", "nonce_ns", "sender")

    _query: Synapse

    def __init__(self, head: Head, claim: Claim, me: str, coverage: Coverage) -> None:
        self.sender = claim.sender
        self.nonce_ns = claim.nonce_ns
        self._uuid = _read(head.headers, f"{DENDRITE}uuid", _UUID, "up to 64 printable characters")
        self._digest = _read(head.headers, "computed_body_hash", _DIGEST, "64 lower-case hex digits")
        self._headers = head.headers
        self._claim = claim
        self._me = me
        self._coverage = coverage

    def authenticate(self, body: bytes) -> Caller:
        """Check the signature first, which a stranger fails, and only then read the body to hash what is in it."""
        claim, coverage = self._claim, self._coverage
        signed = wire.signed_text(
            nonce_ns=claim.nonce_ns, sender=claim.sender, receiver=self._me, uuid=self._uuid, digest=self._digest
        )
        if not keys.verify(signed, claim.signature, claim.sender):
            # Nobody signs this header, so it decides nothing; it can explain why the signature does not verify.
            auth.check_receiver(claim, self._me)
            raise BadSignature(f"signature does not verify against hotkey {keys.short(claim.sender)}")
        self._query = coverage.read(body)
        digest = coverage.digest(self._query)
        if digest != self._digest:
            raise BadSignature(
                f"body hashes to {digest[:16]}, signed was {self._digest[:16]}",
                help=f"hash these fields, in this order: {', '.join(coverage.fields) or 'none'}",
            )
        return Caller(
            claim.sender,
            claim.nonce_ns,
            wire.PROTOCOL,
            claim.signature[:8].hex(),
            claim.signature,
            body_authenticated=coverage.whole,
        )

    def read(self, body: bytes, query: type[Synapse]) -> Synapse:
        """The query was read to be hashed; the route that names its type is the one it was read for."""
        return self._query

    def answer(self, reply: Reply) -> Outgoing:
        """One object with the query's fields and the reply's, as a dendrite wants its synapse back."""
        headers = self._headers
        fields: dict[str, object] = {
            **wire.split(JSON.encode(self._query)),
            **wire.split(JSON.encode(reply)),
            "name": self._coverage.query.__name__,
            "timeout": headers.get("timeout"),
            "dendrite": _terminal(headers, DENDRITE),
            # A dendrite takes its success from here, not from the response's own status.
            "axon": {
                **_terminal(headers, AXON),
                "hotkey": self._me,
                "status_code": 200,
                "status_message": "Success",
            },
        }
        body = msgspec.json.encode(fields)
        length = (b"content-length", str(len(body)).encode())
        return Outgoing(200, [(b"content-type", JSON.media_type.encode()), length], body)

    def refuse(self, error: SubnetError) -> Outgoing:
        """The error as v10 words it."""
        return _refusal(error)

    def stream(self) -> StreamWriter:
        """Each v10 subnet has a stream format of its own, so there is none to write."""
        raise MethodNotAllowed(
            f"{self._coverage.query.__name__} is answered by a stream, v10 peers are answered by one object",
            help="ask with btauth/1",
        )


def _refusal(error: SubnetError) -> Outgoing:
    body = msgspec.json.encode({"message": error.message})
    return Outgoing(_STATUS.get(type(error), error.status), fault_headers(error, body), body)


def _read_claim(headers: Mapping[str, str], me: str) -> Claim:
    nonce = _read(headers, f"{DENDRITE}nonce", _DECIMAL, "nanoseconds in decimal")
    signature = _read(headers, f"{DENDRITE}signature", _SIGNATURE, "64 bytes in hex")
    sender = headers.get(f"{DENDRITE}hotkey", "")
    try:
        keys.decode_address(sender)
    except InvalidAddress as error:
        raise MalformedAuth(f"{DENDRITE}hotkey: {error.message}", help=error.help) from None
    receiver = headers.get(f"{AXON}hotkey", me)
    return Claim(sender, receiver, int(nonce), "sr25519", bytes.fromhex(signature.removeprefix("0x")))


def _read(headers: Mapping[str, str], name: str, shape: re.Pattern[str], expected: str) -> str:
    value = headers.get(name)
    if value is None or not shape.fullmatch(value):
        told = "missing" if value is None else ascii(value[:64])
        raise MalformedAuth(f"{name} is {told}, expected {expected}", help="ask with a dendrite of bittensor 10")
    return value


def _terminal(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}


__all__ = ["V10Heard", "V10Hearing"]
