# SPDX-License-Identifier: Apache-2.0
"""What a caller finds when it asks a miner and gets nothing that it can use."""

from __future__ import annotations

from protocols.errors.request import WireError

__all__ = [
    "BrokenStream",
    "Disconnected",
    "ForgedReply",
    "MalformedReply",
    "PeerError",
    "RedirectRefused",
    "ReplyError",
    "ReplyTooLarge",
    "TimedOut",
    "TransportError",
    "Unreachable",
    "UnsignedReply",
]


class ReplyError(WireError):
    """Something came back that proves nothing; it is scored as no reply."""

    code = "reply_error"


class UnsignedReply(ReplyError):
    """The reply carries no signature, so nobody can say who gave it."""

    code = "unsigned_reply"
    advice = "the peer must serve with this project, or be asked through a legacy dialect"


class ForgedReply(ReplyError):
    """The reply's signature does not bind this body, this status, this request and this miner."""

    code = "forged_reply"
    advice = "treat the path to this miner as hostile"


class MalformedReply(ReplyError):
    """The reply is signed, yet does not fit the reply type of the query."""

    code = "malformed_reply"
    advice = "compare versions: GET /info of the miner"


class ReplyTooLarge(ReplyError):
    """The reply is larger than the query's type allows; reading stopped there."""

    code = "reply_too_large"
    advice = "raise `max_bytes` on the Reply if the size is legitimate"


class RedirectRefused(ReplyError):
    """The miner answered with a redirect; following one would let it aim the validator at any address."""

    code = "redirect_refused"
    advice = "register the address that answers itself"


class BrokenStream(ReplyError):
    """A stream ended without its signed last frame, or a frame was lost, added or changed."""

    code = "broken_stream"
    advice = "score only what a verified stream delivered"


class PeerError(ReplyError):
    """The miner answered with an error of its own, whose code and message are shown."""

    code = "peer_error"
    advice = "subnet explain CODE with the miner's code"
    peer_code: str = "unknown"


class TransportError(WireError):
    """No reply came back."""

    code = "transport_error"


class Unreachable(TransportError):
    """No connection could be opened; nothing was sent."""

    code = "unreachable"
    advice = "check address and port: curl http://HOST:PORT/livez"


class Disconnected(TransportError):
    """The connection closed before the reply was whole; the miner may or may not have done the work."""

    code = "disconnected"
    advice = "check the miner: curl http://HOST:PORT/livez"


class TimedOut(TransportError):
    """No whole reply arrived within the deadline, counted from the moment the request was sent."""

    code = "timed_out"
    advice = "allow more time, or ask for less"
