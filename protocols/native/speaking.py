# SPDX-License-Identifier: Apache-2.0
"""The client's half of our own dialect: sign with `btauth/1`, believe only what the miner sealed for this question."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec

from protocols import auth, frames, keys, seal
from protocols.auth import Claim
from protocols.codec import JSON, MSGPACK, Codec, codec_for
from protocols.dialect import Arrived, Composed, Opened
from protocols.errors import (
    BrokenStream,
    ForgedReply,
    MalformedReply,
    MessageError,
    PeerError,
    RedirectRefused,
    ReplyTooLarge,
    UnsignedReply,
)
from protocols.faults import peer_error, printable, retry_after
from protocols.keys import Scheme, Signer
from protocols.seal import Evidence, RollingHash, Said, StreamEvidence
from protocols.synapse import Reply, Synapse

# What a frame that is kept takes besides its bytes: a stream of a million empty items is not small.
_FRAME_BYTES: Final = 64


class NativeSpeaking:
    """The client's half; the codec decides how queries, and so replies, are encoded."""

    name = auth.PROTOCOL
    accepts_once = True

    def __init__(self, codec: Codec = MSGPACK) -> None:
        self._codec = codec

    def compose(self, query: Synapse) -> Composed:
        body = self._codec.encode(query)
        return Composed(query, query.route(), self._codec.media_type, body, auth.body_digest(body))

    def ask(self, composed: Composed, me: Signer, receiver: str, now_ns: int) -> NativeAsked:
        claim, headers = auth.sign(
            me, method="POST", target=composed.target, digest=composed.digest, nonce_ns=now_ns, receiver=receiver
        )
        headers["Content-Type"] = composed.content_type
        return NativeAsked(composed, claim, receiver, headers)


class NativeAsked:
    """One question in our dialect."""

    __slots__ = ("_claim", "_composed", "_receiver", "headers")

    def __init__(self, composed: Composed, claim: Claim, receiver: str, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._composed = composed
        self._claim = claim
        self._receiver = receiver

    def open(self, arrival: Arrived, body: bytes) -> Opened:
        status, content_type = arrival.status, arrival.headers.get("content-type", "")
        said = Said(status, content_type, seal.reply_digest(body))
        try:
            signature = seal.open_seal(arrival.headers, said, request=self._claim.signature, miner=self._receiver)
        except UnsignedReply:
            if status == 200:
                raise
            raise self._refused(arrival, body, "unsigned") from None
        if status != 200:
            raise self._refused(arrival, body, "signed")
        reply = self._decode(body, content_type)
        return Opened(reply, self._evidence(said, signature, arrival, body))

    def stream(self, arrival: Arrived, kept_bytes: int = 0) -> NativeStreamReader:
        return NativeStreamReader(self, arrival.headers.get("content-type", ""), kept_bytes)

    def _refused(self, arrival: Arrived, body: bytes, signed: str) -> PeerError:
        wait_s = retry_after(arrival.headers)
        return peer_error(self._receiver, arrival.status, body, signed, retry_after_s=wait_s)

    def _decode(self, body: bytes, content_type: str) -> Reply:
        try:
            return codec_for(content_type).decode(body, self._composed.query.Reply)
        except MessageError as error:
            raise MalformedReply(f"reply of {keys.short(self._receiver)}: {error.message}") from None

    def _evidence(self, said: Said, signature: bytes, arrival: Arrived, body: bytes) -> Evidence:
        scheme: Scheme = "ed25519" if arrival.headers.get("x-subnet-crypto") == "ed25519" else "sr25519"
        return Evidence(**self._exchange(said, signature, scheme), reply_body=body)

    def _exchange(self, said: Said, signature: bytes, scheme: Scheme) -> dict[str, Any]:
        """What evidence of any kind holds."""
        claim, composed = self._claim, self._composed
        return {
            "target": composed.target,
            "nonce_ns": claim.nonce_ns,
            "validator": claim.sender,
            "validator_scheme": claim.scheme,
            "request_signature": claim.signature,
            "request_body": composed.body,
            "miner": self._receiver,
            "miner_scheme": scheme,
            "reply_signature": signature,
            "status": said.status,
            "content_type": said.content_type,
        }


class NativeStreamReader:
    """Items as they come; the end of the stream decides whether they were ever said."""

    def __init__(self, asked: NativeAsked, content_type: str, kept_bytes: int = 0) -> None:
        self.evidence: StreamEvidence | None = None
        self._kept: list[bytes] = []
        self._room = self._kept_bytes = kept_bytes
        self._asked = asked
        self._content_type = content_type
        self._reply = asked._composed.query.Reply
        self._codec = JSON if content_type.endswith("json") else MSGPACK
        if content_type != frames.media_type(self._codec.media_type):
            raise MalformedReply(
                f"content type is {content_type[:64]!r}, expected a stream of {self._codec.media_type}"
            )

    async def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[Reply]:
        request, miner = self._asked._claim.signature, self._asked._receiver
        rolling, fault = RollingHash(request), None
        unpacker = frames.Unpacker(self._reply.max_bytes)
        async for chunk in chunks:
            for kind, frame in unpacker.feed(chunk):
                payload = frames.payload_of(frame)
                if kind == frames.END:
                    status = self._check_end(payload, rolling, request, miner)
                    if (status == 200) != (fault is None):
                        raise BrokenStream(
                            f"stream of {keys.short(miner)} ends with status {status} against its frames"
                        )
                    if fault is not None:
                        raise peer_error(miner, status, fault, "signed")
                    return
                rolling.add(frame)
                self._keep(frame)
                if fault is not None:
                    raise BrokenStream(f"stream of {keys.short(miner)} goes on after its FAIL frame")
                if kind == frames.FAIL:
                    fault = payload
                else:
                    yield self._item(payload)
        raise unpacker.cut()

    def _keep(self, frame: bytes) -> None:
        if not self._kept_bytes:
            return
        self._room -= len(frame) + _FRAME_BYTES
        if self._room < 0:
            raise ReplyTooLarge(f"stream has over {self._kept_bytes} bytes, which is all that is kept of one")
        self._kept.append(frame)

    def _item(self, payload: bytes) -> Reply:
        try:
            return self._codec.decode(payload, self._reply)
        except MessageError as error:
            raise MalformedReply(f"stream item of {keys.short(self._asked._receiver)}: {error.message}") from None

    def _check_end(self, payload: bytes, rolling: RollingHash, request: bytes, miner: str) -> int:
        try:
            last = msgspec.json.decode(payload, type=frames.Seal)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            why = printable(str(error)[:200])
            raise BrokenStream(f"last frame of {keys.short(miner)} is not a seal: {why}") from None
        headers = {"x-subnet-hotkey": last.hotkey, "x-subnet-signature": last.signature, "x-subnet-crypto": last.crypto}
        signature, scheme = seal.read_seal(headers, miner)
        said = Said(last.status, self._content_type, "")
        if last.frames != rolling.frames:
            raise BrokenStream(f"stream has {rolling.frames} frames, its seal counts {last.frames}")
        if not keys.verify(
            rolling.payload(said, request=request, miner=miner, scheme=scheme), signature, miner, scheme
        ):
            raise ForgedReply(f"stream is not what hotkey {keys.short(miner)} signed for this request")
        if self._kept_bytes and last.status == 200:
            exchange = self._asked._exchange(said, signature, scheme)
            self.evidence = StreamEvidence(**exchange, frames=tuple(self._kept))
        return last.status


def check_arrival(arrival: Arrived, miner: str) -> None:
    """Refuse, before anything of its body is read, what no honest miner sends."""
    if 300 <= arrival.status < 400:
        where = arrival.headers.get("location", "")[:64]
        raise RedirectRefused(f"miner {keys.short(miner)} answered {arrival.status} to {where!r}, expected 200")
    encoding = arrival.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise MalformedReply(f"reply is encoded as {encoding[:32]!r}, expected identity")
    content_type = arrival.headers.get("content-type", "")
    if not content_type.isascii():
        raise MalformedReply(f"content type of the reply is {content_type[:64]!a}, expected ASCII")


__all__ = ["NativeAsked", "NativeSpeaking", "NativeStreamReader", "check_arrival"]
