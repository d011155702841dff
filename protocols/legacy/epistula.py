# SPDX-License-Identifier: Apache-2.0
"""Epistula 2, the signed headers of Targon and Apex, so that their validators can ask our servers and we their miners.

    ServerOptions(legacy=(EpistulaHearing(),))
    Peer(hotkey, url, dialect=EpistulaSpeaking())

A signature covers the body, a uuid, the time and the receiver. It does not cover the path: who intercepts a request can
turn it to another query of the same server that can read its body, though not to both, because all queries share one
replay window. Replies and streams are not signed at all. The Secret-Signature headers are neither sent nor asked for,
because the implementations in use disagree about what is signed in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import uuid4

import msgspec

from protocols import auth, keys
from protocols.auth import Claim
from protocols.codec import JSON, codec_for
from protocols.dialect import Arrived, Caller, Composed, Head, Opened, Outgoing
from protocols.errors import (
    BadSignature,
    InvalidAddress,
    KeyMaterialError,
    MalformedAuth,
    MalformedReply,
    MessageError,
    StaleRequest,
    SubnetError,
    UnsupportedMedia,
)
from protocols.faults import peer_error, plain_refusal, retry_after
from protocols.keys import Signer
from protocols.legacy.events import EventReader, EventWriter
from protocols.synapse import Reply, Synapse

PROTOCOL: Final = "epistula/2"
MAX_AGE_S: Final = 8.0

_MS: Final = 1_000_000
# Two requests that one caller signs within this time share a nonce in one case of 100 million, for their uuids are
# random; the second is then refused as a replay, and no other caller can bring that about. The remainder is taken off
# the timestamp, so that no nonce lies further ahead than a request may: up to there a restarted server refuses all.
_SPREAD_NS: Final = 100_000_000

_VERSION: Final = re.compile(r"2", re.ASCII)
_DECIMAL: Final = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII | re.I)
_SIGNATURE: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{128}", re.ASCII)


def signed_text(claim: Claim, *, uuid: str, digest: str) -> bytes:
    """The exact bytes that an Epistula signature covers."""
    return f"{digest}.{uuid}.{claim.nonce_ns // _MS}.{claim.receiver or ''}".encode()


class EpistulaHearing:
    """The server's half; `unaddressed` names the queries that are also taken without Epistula-Signed-For.

    Such a request is good at every server that takes it, so whoever gets one can pass it on; a request that names
    another receiver is refused all the same.
    """

    name = PROTOCOL

    def __init__(self, *, unaddressed: AbstractSet[type[Synapse]] = frozenset()) -> None:
        self._unaddressed = frozenset(query.route() for query in unaddressed)

    def speaks(self, headers: Mapping[str, str]) -> bool:
        """The sender names itself in a header that nobody else sends."""
        return "epistula-signed-by" in headers

    def hear(self, head: Head, me: Signer, now_ns: int) -> EpistulaHeard:
        """Check shape, receiver and Epistula's own bound of age."""
        content_type = head.headers.get("content-type", "")
        if codec_for(content_type) is not JSON:
            raise UnsupportedMedia(f"content type is {content_type[:64]!a}, expected {JSON.media_type}")
        _read(head.headers, "Epistula-Version", _VERSION, "2")
        uuid = _read(head.headers, "Epistula-Uuid", _UUID4, "a uuid of version 4")
        claim = _read_claim(head.headers)
        if claim.receiver is not None or head.target not in self._unaddressed:
            auth.check_receiver(claim, me.ss58_address)
        if now_ns - claim.nonce_ns > MAX_AGE_S * 1e9:
            raise StaleRequest(f"request is over {MAX_AGE_S:g} s old, the most that Epistula allows")
        return EpistulaHeard(claim, uuid)

    def refuse(self, error: SubnetError) -> Outgoing:
        """The error in our own words, of which Epistula has none."""
        return plain_refusal(error)


class EpistulaHeard:
    """One request in Epistula."""

    __slots__ = ("_claim", "_uuid", "nonce_ns", "sender")

    def __init__(self, claim: Claim, uuid: str) -> None:
        self.sender = claim.sender
        self.nonce_ns = claim.nonce_ns - int(uuid.replace("-", ""), 16) % _SPREAD_NS
        self._claim = claim
        self._uuid = uuid

    def authenticate(self, body: bytes) -> Caller:
        """Check the signature over the whole body."""
        claim = self._claim
        signed = signed_text(claim, uuid=self._uuid, digest=auth.body_digest(body))
        if not keys.verify(signed, claim.signature, claim.sender):
            raise BadSignature(f"signature does not verify against hotkey {keys.short(claim.sender)}")
        return Caller(claim.sender, self.nonce_ns, PROTOCOL, self._uuid, claim.signature)

    def read(self, body: bytes, query: type[Synapse]) -> Synapse:
        """The body is the query and nothing else."""
        return JSON.decode(body, query)

    def answer(self, reply: Reply) -> Outgoing:
        """The reply as JSON, unsigned."""
        body = JSON.encode(reply)
        length = (b"content-length", str(len(body)).encode())
        return Outgoing(200, [(b"content-type", JSON.media_type.encode()), length], body)

    def refuse(self, error: SubnetError) -> Outgoing:
        """The error in our own words, of which Epistula has none."""
        return plain_refusal(error)

    def stream(self) -> EventWriter:
        """A stream of server-sent events, unsigned."""
        return EventWriter()


class EpistulaSpeaking:
    """The client's half; replies are not signed there, so none comes with evidence."""

    name = PROTOCOL
    accepts_once = False  # keeping the uuids is left to the receiver, and the reference code keeps none

    def compose(self, query: Synapse) -> Composed:
        """Encode a query."""
        body = JSON.encode(query)
        return Composed(query, query.route(), JSON.media_type, body, auth.body_digest(body))

    def ask(self, composed: Composed, me: Signer, receiver: str, now_ns: int) -> EpistulaAsked:
        """Sign for one peer; raises `KeyMaterialError` for a key that no peer can verify."""
        if me.scheme != "sr25519":
            sender = keys.short(me.ss58_address)
            raise KeyMaterialError(f"Epistula peers verify sr25519, the key of {sender} is {me.scheme}")
        claim, uuid = Claim(me.ss58_address, receiver, now_ns, me.scheme, b""), str(uuid4())
        headers = {
            "Content-Type": composed.content_type,
            "Epistula-Version": "2",
            "Epistula-Timestamp": str(now_ns // _MS),
            "Epistula-Uuid": uuid,
            "Epistula-Signed-By": claim.sender,
            "Epistula-Signed-For": receiver,
            "Epistula-Request-Signature": "0x" + me.sign(signed_text(claim, uuid=uuid, digest=composed.digest)).hex(),
        }
        return EpistulaAsked(composed.query.Reply, receiver, headers)


class EpistulaAsked:
    """One question to an Epistula peer."""

    __slots__ = ("_receiver", "_reply", "headers")

    def __init__(self, reply: type[Reply], receiver: str, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._reply = reply
        self._receiver = receiver

    def open(self, arrival: Arrived, body: bytes) -> Opened:
        """Decode the reply, which nothing proves."""
        if arrival.status != 200:
            wait_s = retry_after(arrival.headers)
            raise peer_error(self._receiver, arrival.status, _fault(body), "unsigned", retry_after_s=wait_s)
        try:
            if codec_for(arrival.headers.get("content-type", "")) is not JSON:
                raise MalformedReply(f"reply of {keys.short(self._receiver)} is MessagePack, expected JSON")
            return Opened(JSON.decode(body, self._reply), None)
        except MessageError as error:
            raise MalformedReply(f"reply of {keys.short(self._receiver)}: {error.message}") from None

    def stream(self, arrival: Arrived, kept_bytes: int = 0) -> EventReader:
        """A stream of server-sent events, which nothing proves: there is nothing to keep."""
        return EventReader(self._reply, self._receiver, arrival.headers.get("content-type", ""))


class _Detail(msgspec.Struct):
    detail: str


def _fault(body: bytes) -> bytes:
    """A peer's error in the form of ours; most of these peers are built with FastAPI, which says `detail`."""
    try:
        detail = msgspec.json.decode(body, type=_Detail).detail
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return body
    return msgspec.json.encode({"error": {"message": detail[:256]}})


def _read_claim(headers: Mapping[str, str]) -> Claim:
    timestamp_ms = int(_read(headers, "Epistula-Timestamp", _DECIMAL, "milliseconds in decimal"))
    signature = _read(headers, "Epistula-Request-Signature", _SIGNATURE, "64 bytes in hex")
    sender = headers.get("epistula-signed-by", "")
    try:
        keys.decode_address(sender)
    except InvalidAddress as error:
        raise MalformedAuth(f"Epistula-Signed-By: {error.message}", help=error.help) from None
    receiver = headers.get("epistula-signed-for") or None
    return Claim(sender, receiver, timestamp_ms * _MS, "sr25519", bytes.fromhex(signature.removeprefix("0x")))


def _read(headers: Mapping[str, str], name: str, shape: re.Pattern[str], expected: str) -> str:
    value = headers.get(name.lower())
    if value is None or not shape.fullmatch(value):
        told = "missing" if value is None else ascii(value[:64])
        raise MalformedAuth(f"{name} is {told}, expected {expected}", help="sign the request with Epistula version 2")
    return value


__all__ = [
    "EpistulaAsked",
    "EpistulaHeard",
    "EpistulaHearing",
    "EpistulaSpeaking",
    "MAX_AGE_S",
    "PROTOCOL",
    "signed_text",
]
