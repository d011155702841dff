# SPDX-License-Identifier: Apache-2.0
"""How two parties speak on the wire: the seam between the machinery (server, client) and a protocol.

The native dialect is `btauth/1` with signed replies. Peers that still run the v10 SDK or Epistula are reached through
dialects of their own, which nobody gets without asking for them. A dialect has two halves: `Hearing` is what a server
needs, in the order of its pipeline, and `Speaking` is what a client needs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import msgspec

from protocols.errors import SubnetError
from protocols.keys import Signer
from protocols.seal import Evidence, StreamEvidence
from protocols.synapse import Reply, Synapse


class Head(msgspec.Struct, frozen=True):
    """A request before its body: header names are lower-case, the target is what was sent, with its query."""

    method: str
    target: str
    headers: Mapping[str, str]


class Caller(msgspec.Struct, frozen=True):
    """The verified sender of a request. Where the body was not signed, what it says may come from anyone."""

    hotkey: str
    nonce_ns: int
    dialect: str
    request_id: str
    signature: bytes
    body_authenticated: bool = True


class Outgoing(msgspec.Struct, frozen=True):
    """A response ready to be written."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Heard(Protocol):
    """One incoming request as its dialect understands it; `authenticate` comes before all that follows it."""

    sender: str
    nonce_ns: int

    def authenticate(self, body: bytes) -> Caller:
        """Verify the signature over the body, or raise `AuthError`."""
        ...

    def read(self, body: bytes, query: type[Synapse]) -> Synapse:
        """Decode the query, or raise `MessageError`."""
        ...

    def answer(self, reply: Reply) -> Outgoing:
        """The response that carries a reply."""
        ...

    def refuse(self, error: SubnetError) -> Outgoing:
        """The response that carries an error; signed only where the caller was authenticated."""
        ...

    def stream(self) -> StreamWriter:
        """The writer of a streamed response, or `MethodNotAllowed` where the dialect has none."""
        ...


class StreamWriter(Protocol):
    """Turns items into the chunks of one streamed response."""

    content_type: str

    def item(self, reply: Reply) -> bytes:
        """The chunk that carries one item."""
        ...

    def fail(self, error: SubnetError) -> bytes:
        """The last chunk of a stream that could not be finished."""
        ...

    def end(self) -> bytes:
        """The last chunk of a whole stream."""
        ...


class Hearing(Protocol):
    """The server's half of a dialect."""

    name: str

    def speaks(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers is in this dialect."""
        ...

    def hear(self, head: Head, me: Signer, now_ns: int) -> Heard:
        """Check shape and receiver, before the body is read; raises `AuthError`. The server checks the freshness."""
        ...

    def refuse(self, error: SubnetError) -> Outgoing:
        """The response to a request that was not even heard; never signed."""
        ...


class Composed(msgspec.Struct, frozen=True):
    """A query encoded once, to be sent to many."""

    query: Synapse
    target: str
    content_type: str
    body: bytes
    digest: str


class Asked(Protocol):
    """One signed question to one peer, and the only thing that can open what comes back for it."""

    headers: Mapping[str, str]

    def open(self, arrival: Arrived, body: bytes) -> Opened:
        """Verify and decode what came back; raises `ReplyError`, for a peer's own error `PeerError`."""
        ...

    def stream(self, arrival: Arrived, kept_bytes: int = 0) -> StreamReader:
        """The reader of a streamed response; it keeps evidence of so many bytes, and refuses a stream of more."""
        ...


class Arrived(msgspec.Struct, frozen=True):
    """The head of what came back: header names are lower-case."""

    status: int
    headers: Mapping[str, str]


class Opened(msgspec.Struct, frozen=True):
    """A reply and the proof of who gave it; legacy dialects prove nothing."""

    reply: Reply
    evidence: Evidence | None


class StreamReader(Protocol):
    """Turns the chunks of a streamed response into items."""

    evidence: StreamEvidence | None
    """The proof of who gave them, once they have ended well; legacy dialects prove nothing."""

    def items(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[Reply]:
        """The items as they come; raises `BrokenStream` at the end of a stream that is not whole and signed."""
        ...


class Speaking(Protocol):
    """The client's half of a dialect."""

    name: str
    accepts_once: bool
    """Whether peers refuse a signed request that they have seen, so that sending it twice is safe."""

    def compose(self, query: Synapse) -> Composed:
        """Encode a query, once for all who will be asked."""
        ...

    def ask(self, composed: Composed, me: Signer, receiver: str, now_ns: int) -> Asked:
        """Sign a composed query for one receiver, at the moment it is sent."""
        ...


__all__ = [
    "Arrived",
    "Asked",
    "Caller",
    "Composed",
    "Head",
    "Heard",
    "Hearing",
    "Opened",
    "Outgoing",
    "Speaking",
    "StreamReader",
    "StreamWriter",
]
