# SPDX-License-Identifier: Apache-2.0
"""The server's half of our own dialect: verify `btauth/1`, seal whatever is answered."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from protocols import auth, frames, seal
from protocols.auth import Claim
from protocols.codec import JSON, Codec, codec_for
from protocols.dialect import Caller, Head, Outgoing
from protocols.errors import SubnetError
from protocols.faults import fault_body, plain_refusal
from protocols.keys import Signer
from protocols.seal import RollingHash, Said
from protocols.synapse import Reply, Synapse


class NativeHearing:
    """The server's half."""

    name = auth.PROTOCOL

    def speaks(self, headers: Mapping[str, str]) -> bool:
        """Everything that no other dialect claims is ours to refuse."""
        return True

    def hear(self, head: Head, me: Signer, now_ns: int) -> NativeHeard:
        """Check shape and receiver."""
        claim = auth.read_claim(head.headers)
        auth.check_receiver(claim, me.ss58_address)
        return NativeHeard(head, claim, me)

    def refuse(self, error: SubnetError) -> Outgoing:
        """The error, unsigned."""
        return plain_refusal(error)


class NativeHeard:
    """One request in our dialect."""

    __slots__ = ("_authenticated", "_claim", "_codec", "_head", "_me", "nonce_ns", "sender")

    def __init__(self, head: Head, claim: Claim, me: Signer) -> None:
        self.sender = claim.sender
        self.nonce_ns = claim.nonce_ns
        self._codec = codec_for(head.headers.get("content-type", ""))
        self._head = head
        self._claim = claim
        self._me = me
        self._authenticated = False

    def authenticate(self, body: bytes) -> Caller:
        claim, head = self._claim, self._head
        auth.check_signature(claim, method=head.method, target=head.target, digest=auth.body_digest(body))
        self._authenticated = True
        return Caller(claim.sender, claim.nonce_ns, auth.PROTOCOL, claim.signature[:8].hex(), claim.signature)

    def read(self, body: bytes, query: type[Synapse]) -> Synapse:
        return self._codec.decode(body, query)

    def answer(self, reply: Reply) -> Outgoing:
        body = self._codec.encode(reply)
        return self._sealed(200, self._codec.media_type, body, [(b"content-length", str(len(body)).encode())])

    def refuse(self, error: SubnetError) -> Outgoing:
        refusal = plain_refusal(error)
        # Nothing is signed for a stranger: whoever has not proved a key gets no signature of ours over anything.
        if not self._authenticated:
            return refusal
        return self._sealed(error.status, JSON.media_type, refusal.body, refusal.headers[1:])

    def stream(self) -> NativeStreamWriter:
        return NativeStreamWriter(self._codec, self._me, self._claim.signature)

    def _sealed(self, status: int, media_type: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> Outgoing:
        said = Said(status, media_type, seal.reply_digest(body))
        headers = [(b"content-type", media_type.encode()), *headers, *seal.seal(self._me, said, self._claim.signature)]
        return Outgoing(status, headers, body)


class NativeStreamWriter:
    """Frames with a rolling hash, sealed in the last one."""

    def __init__(self, codec: Codec, me: Signer, request: bytes) -> None:
        self.content_type = frames.media_type(codec.media_type)
        self._codec = codec
        self._me = me
        self._request = request
        self._rolling = RollingHash(request)

    def item(self, reply: Reply) -> bytes:
        return self._frame(frames.ITEM, self._codec.encode(reply))

    def fail(self, error: SubnetError) -> bytes:
        return self._frame(frames.FAIL, fault_body(error)) + self._end(error.status)

    def end(self) -> bytes:
        return self._end(200)

    def _frame(self, kind: int, payload: bytes) -> bytes:
        frame = frames.pack(kind, payload)
        self._rolling.add(frame)
        return frame

    def _end(self, status: int) -> bytes:
        me, rolling = self._me, self._rolling
        said = Said(status, self.content_type, "")
        signature = me.sign(rolling.payload(said, request=self._request, miner=me.ss58_address, scheme=me.scheme))
        last = frames.Seal(status, rolling.frames, me.ss58_address, "0x" + signature.hex(), me.scheme)
        return frames.pack(frames.END, msgspec.json.encode(last))


__all__ = ["NativeHeard", "NativeHearing", "NativeStreamWriter"]
