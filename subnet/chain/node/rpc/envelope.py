# SPDX-License-Identifier: Apache-2.0
"""What surrounds every call: requests read from bytes, responses and notifications written to bytes.

An id is echoed as the very bytes that came, so a client gets back its own number or text whatever its size or type.
Reading tells three things apart that clients tell apart: bytes that are not JSON, JSON that is no request, a request.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from protocols.types import Json
from subnet.chain.node.rpc.errors import RpcError, invalid_params, invalid_request, parse_error

__all__ = [
    "Refused",
    "Request",
    "encode",
    "failure",
    "notification",
    "parameters",
    "read_batch",
    "read_request",
    "success",
]

_ABSENT: Final = msgspec.Raw()
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Request(msgspec.Struct, frozen=True, gc=False):
    """One call."""

    method: str
    jsonrpc: Literal["2.0"]
    params: Any = None
    id: msgspec.Raw = _ABSENT

    @property
    def wants_answer(self) -> bool:
        """Whether it has an id; one without is a notification."""
        return bool(self.id)


class Refused(Exception):
    """Bytes that hold no request, with the id under which their sender is told so."""

    def __init__(self, error: RpcError, id: bytes = b"null") -> None:
        super().__init__(error.message)
        self.error = error
        self.id = id


class _Addressed(msgspec.Struct):
    id: msgspec.Raw = msgspec.Raw(b"null")


_REQUEST: Final = msgspec.json.Decoder(Request)
_ADDRESSED: Final = msgspec.json.Decoder(_Addressed)
_BATCH: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()


def read_request(message: bytes | msgspec.Raw) -> Request:
    """The one call that a message holds; raises `Refused`."""
    try:
        return _REQUEST.decode(message)
    except msgspec.ValidationError as error:
        raise _no_request(message, str(error)) from None
    except _UNREADABLE:
        raise Refused(parse_error()) from None


def read_batch(message: bytes) -> list[msgspec.Raw]:
    """The parts of a batch, each of which may hold a call; raises `Refused`."""
    try:
        parts = _BATCH.decode(message)
    except _UNREADABLE:
        raise Refused(parse_error()) from None
    if not parts:
        raise Refused(invalid_request("a batch holds at least one request"))
    return parts


def parameters(request: Request) -> list[Json]:
    """The parameters by position; raises `RpcError` where they are given in another way."""
    params = request.params
    if params is None:
        return []
    if type(params) is not list:
        raise invalid_params("give parameters by position: an array, null, or nothing")
    return params


def success(id: msgspec.Raw, result: Json) -> bytes:
    """The response that holds a result."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (id, _ENCODER.encode(result))


def failure(id: msgspec.Raw | bytes, error: RpcError) -> bytes:
    """The response that holds an error."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (id, _ENCODER.encode(error.to_json()))


def notification(method: str, subscription: str) -> bytes:
    """What comes before the result in each notification of one subscription; `}}` comes after it."""
    return b'{"jsonrpc":"2.0","method":%b,"params":{"subscription":%b,"result":' % (
        encode(method),
        encode(subscription),
    )


def encode(value: Json) -> bytes:
    """A value as JSON."""
    return _ENCODER.encode(value)


def _no_request(message: bytes | msgspec.Raw, why: str) -> Refused:
    try:
        return Refused(invalid_request(why), bytes(_ADDRESSED.decode(message).id))
    except _UNREADABLE:
        return Refused(invalid_request(why))
