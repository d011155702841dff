# SPDX-License-Identifier: Apache-2.0
"""The client's half of the v10 dialect: ask an axon of bittensor 10, take its reply and nothing else from it.

A v10 dendrite let the axon overwrite the question and its own records, and followed it to any address. Here only the
reply's fields are read out of what comes back. Nothing proves who gave it: there is no evidence.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Final
from uuid import uuid4

import msgspec

from protocols import keys
from protocols.codec import JSON, codec_for
from protocols.dialect import Arrived, Composed, Opened, StreamReader
from protocols.errors import InvalidSynapse, KeyMaterialError, MalformedReply, MessageError, MethodNotAllowed
from protocols.faults import peer_error
from protocols.keys import Signer
from protocols.legacy.v10 import wire
from protocols.legacy.v10.wire import AXON, DENDRITE, HashFields
from protocols.native.speaking import check_arrival
from protocols.synapse import Reply, Synapse

# An axon checks freshness only for releases from 7.2.0 on, and allows the timeout as age: both are what v10 sends.
_VERSION: Final = "10005000"
_TIMEOUT: Final = "12.0"

# An axon first builds the synapse from headers alone, with an empty value for each field that has no default.
_EMPTY: Final[Mapping[type, bytes]] = {str: b'""', int: b"0", float: b"0.0", bool: b"false", list: b"[]", tuple: b"[]"}

_CODES: Final[Mapping[int, str]] = {
    401: "auth_error",
    403: "not_admitted",
    404: "unknown_route",
    408: "deadline_exceeded",
    500: "handler_failed",
    503: "overloaded",
}


class V10Speaking:
    """The client's half; `unsigned_bodies` names the queries of which the v10 class signs nothing.

    Give a field of a query a default exactly where the v10 class has one: a header goes with each that has none.
    Handlers of v10 miners that look for their caller do so in the body: they find `sender` there, where it is given.
    An axon refuses requests of one sender that overtake each other, so ask each v10 peer one thing at a time.
    """

    name = wire.PROTOCOL
    accepts_once = True

    def __init__(
        self,
        hash_fields: HashFields | None = None,
        *,
        unsigned_bodies: AbstractSet[type[Synapse]] = frozenset(),
        sender: str | None = None,
    ) -> None:
        self._coverages = wire.coverages(hash_fields or {}, unsigned_bodies)
        self._sender = sender
        self._uuid = str(uuid4())

    def compose(self, query: Synapse) -> Composed:
        """Encode a query; raises `InvalidSynapse` for one whose hash fields were not told."""
        coverage = self._coverages.get(query.route())
        if coverage is None or coverage.query is not type(query):
            raise InvalidSynapse(
                f"{type(query).__name__} has no hash fields for v10 peers",
                help="name the v10 class's required_hash_fields, or put the query among unsigned_bodies",
            )
        encoded = JSON.encode(query)
        # The axon hashes what it reads, where 1 in a field of floats is 1.0, so what it will read is hashed here too.
        digest = coverage.digest(JSON.decode(encoded, coverage.query))
        fields: dict[str, Any] = {**wire.split(encoded), "name": type(query).__name__}
        if self._sender is not None:
            fields["dendrite"] = {"hotkey": self._sender}
        return Composed(query, query.route(), JSON.media_type, msgspec.json.encode(fields), digest)

    def ask(self, composed: Composed, me: Signer, receiver: str, now_ns: int) -> V10Asked:
        """Sign for one axon; raises `KeyMaterialError` for a key that no axon can verify."""
        sender = me.ss58_address
        if me.scheme != "sr25519":
            raise KeyMaterialError(f"v10 peers verify sr25519, the key of {keys.short(sender)} is {me.scheme}")
        if self._sender not in (None, sender):
            raise KeyMaterialError(f"the body names sender {self._sender}, the request is signed by {sender}")
        signed = wire.signed_text(
            nonce_ns=now_ns, sender=sender, receiver=receiver, uuid=self._uuid, digest=composed.digest
        )
        headers = {
            "Content-Type": composed.content_type,
            "name": type(composed.query).__name__,
            "timeout": _TIMEOUT,
            f"{AXON}hotkey": receiver,
            f"{DENDRITE}version": _VERSION,
            f"{DENDRITE}nonce": str(now_ns),
            f"{DENDRITE}uuid": self._uuid,
            f"{DENDRITE}hotkey": sender,
            f"{DENDRITE}signature": "0x" + me.sign(signed).hex(),
            "computed_body_hash": composed.digest,
            **_stand_ins(composed.query),
        }
        return V10Asked(composed.query.Reply, receiver, headers)


class V10Asked:
    """One question to a v10 axon."""

    __slots__ = ("_receiver", "_reply", "headers")

    def __init__(self, reply: type[Reply], receiver: str, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._reply = reply
        self._receiver = receiver

    def open(self, arrival: Arrived, body: bytes) -> Opened:
        """Take the reply's fields out of the synapse that came back; the rest is dropped unread."""
        check_arrival(arrival, self._receiver)
        if arrival.status != 200:
            raise peer_error(self._receiver, arrival.status, _fault(arrival.status, body), "unsigned")
        try:
            if codec_for(arrival.headers.get("content-type", "")) is not JSON:
                raise MalformedReply(f"reply of {keys.short(self._receiver)} is MessagePack, expected JSON")
            fields = wire.split(body)
            mine = {name: fields[name] for name in wire.names(self._reply) if name in fields}
            return Opened(JSON.decode(msgspec.json.encode(mine), self._reply), None)
        except MessageError as error:
            raise MalformedReply(f"reply of {keys.short(self._receiver)}: {error.message}") from None

    def stream(self, arrival: Arrived, kept_bytes: int = 0) -> StreamReader:
        """Each v10 subnet has a stream format of its own, so there is none to read."""
        raise MethodNotAllowed(
            f"a stream was asked of v10 peer {keys.short(self._receiver)}, which answers by one object",
            help="use Client.ask for v10 peers",
        )


class _Fault(msgspec.Struct):
    message: str = "no readable error body"


def _fault(status: int, body: bytes) -> bytes:
    """A v10 error in the form of ours."""
    try:
        message = msgspec.json.decode(body, type=_Fault).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = _Fault().message
    return msgspec.json.encode({"error": {"code": _CODES.get(status, "unknown"), "message": message[:256]}})


def _stand_ins(query: Synapse) -> dict[str, str]:
    values = ((name, getattr(query, field)) for field, name in _required(type(query)))
    return {
        f"bt_header_input_obj_{name}": b64encode(_EMPTY.get(type(value), b"{}")).decode()
        for name, value in values
        if value is not None
    }


@cache
def _required(kind: type[Synapse]) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, field.encode_name) for field in msgspec.structs.fields(kind) if field.required)


__all__ = ["V10Asked", "V10Speaking"]
