# SPDX-License-Identifier: Apache-2.0
"""How an error crosses the wire: one JSON body, the same for all routes and dialects of ours.

The body holds a stable code, a message and a help line, never a stack trace. What a peer says of its own errors is
cut to a size that a log can bear.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec

from protocols import keys
from protocols.dialect import Outgoing
from protocols.errors import PeerError, SubnetError

MAX_FAULT_BYTES: Final = 16_384
"""How much of a peer's error is read."""

_MAX_RETRY_AFTER_S: Final = 3600


class PeerFault(msgspec.Struct, frozen=True):
    """The JSON body of an error."""

    code: str = "unknown"
    message: str = ""
    help: str = ""


class _FaultBody(msgspec.Struct, frozen=True):
    error: PeerFault


def fault_body(error: SubnetError) -> bytes:
    """The JSON body that tells a peer of an error."""
    return msgspec.json.encode({"error": error.to_json()})


def plain_refusal(error: SubnetError) -> Outgoing:
    """An error for somebody of whom nothing is known: nothing is signed."""
    body = fault_body(error)
    return Outgoing(error.status, fault_headers(error, body), body)


def fault_headers(error: SubnetError, body: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of an error, with the seconds after which asking again makes sense."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if error.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after_s))).encode()))
    return headers


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds after which a peer wants to be asked again, between one and an hour, or None where it names none."""
    text = headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    # A peer that says 0 does not get us to ask as fast as we can.
    return float(min(max(1, int(text)), _MAX_RETRY_AFTER_S))


def peer_error(miner: str, status: int, body: bytes, signed: str, *, retry_after_s: float | None = None) -> PeerError:
    """What a miner said went wrong, cut to a size that a log can bear."""
    try:
        fault = msgspec.json.decode(body[:MAX_FAULT_BYTES], type=_FaultBody).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        fault = PeerFault(message="no readable error body")
    # The code becomes part of a command that a person may type, so nothing passes that a shell would read.
    code = fault.code if fault.code.isascii() and fault.code.isidentifier() and len(fault.code) <= 64 else "unknown"
    said = printable(fault.message[:256])
    error = PeerError(
        f"miner {keys.short(miner)} answered {status} {code} ({signed}): {said}",
        help=f"subnet explain {code}",
        retry_after_s=retry_after_s,
    )
    error.peer_code = code
    return error


def printable(text: str) -> str:
    """A stranger's text as terminals and logs can bear it: no control sequences, no line breaks."""
    return "".join(character if character.isprintable() else "?" for character in text)


__all__ = [
    "MAX_FAULT_BYTES",
    "PeerFault",
    "fault_body",
    "fault_headers",
    "peer_error",
    "plain_refusal",
    "printable",
    "retry_after",
]
