# SPDX-License-Identifier: Apache-2.0
"""What a server answers to a query that it does not, or could not, carry out."""

from __future__ import annotations

from protocols.errors.base import SubnetError

__all__ = [
    "AuthError",
    "BadSignature",
    "BodyTooLarge",
    "DeadlineExceeded",
    "Denied",
    "Draining",
    "HandlerError",
    "HandlerFailed",
    "HeadTooLarge",
    "InvalidMessage",
    "MalformedAuth",
    "MalformedBody",
    "MessageError",
    "MethodNotAllowed",
    "NotAdmitted",
    "NotAllowed",
    "Overloaded",
    "PermitNeeded",
    "RateLimited",
    "Refusal",
    "ReplayedRequest",
    "RequestsSpent",
    "SlowRequest",
    "StakeNeeded",
    "StaleRequest",
    "TokensSpent",
    "TooManyAtOnce",
    "UnknownRoute",
    "Unregistered",
    "UnsupportedMedia",
    "WarmingUp",
    "WireError",
    "WrongReceiver",
]


class WireError(SubnetError):
    """A query or its reply went wrong between a validator and a miner."""

    code = "wire_error"


class AuthError(WireError):
    """The sender of a request did not prove who it is; the request is worth nothing."""

    code, status = "auth_error", 401


class MalformedAuth(AuthError):
    """A required X-Bittensor header is missing, repeated or unreadable."""

    code = "malformed_auth"
    advice = "sign the request as docs/reference/wire.md describes, or ask with subnet.Client"


class WrongReceiver(AuthError):
    """The request was signed for another hotkey, or for none: a request to one miner must not be usable at another."""

    code, status = "wrong_receiver", 403
    advice = "sign for the hotkey that GET /info reports"


class StaleRequest(AuthError):
    """The nonce lies outside the freshness window: the request is old, was captured, or a clock is wrong."""

    code = "stale_request"
    advice = "compare both clocks: timedatectl status"


class BadSignature(AuthError):
    """The signature does not verify: body, path, receiver or sender was changed, or another key signed."""

    code = "bad_signature"
    advice = "sign the exact bytes that are sent: docs/reference/wire.md has test vectors"


class ReplayedRequest(AuthError):
    """This sender's nonce was accepted before; each request, also each retry, is signed anew."""

    code, status = "replayed_request", 409
    advice = "sign each request with a fresh nonce"


class MessageError(WireError):
    """What was sent cannot be read as a query."""

    code, status = "message_error", 400


class MalformedBody(MessageError):
    """The body is not JSON or MessagePack, or is nested too deeply."""

    code = "malformed_body"
    advice = "see the schema: GET /openapi.json"


class InvalidMessage(MessageError):
    """The body was read but breaks the schema: an unknown field, a missing one, a wrong type or a limit."""

    code, status = "invalid_message", 422
    advice = "see the schema: GET /openapi.json"


class BodyTooLarge(MessageError):
    """The body, or one field of it, is larger than the query's type allows."""

    code, status = "body_too_large", 413
    advice = "send less, or raise `max_bytes` on the Synapse of both sides"


class HeadTooLarge(MessageError):
    """The request line and headers are more, or larger, than the server reads."""

    code, status = "head_too_large", 431
    advice = "send only the headers of docs/reference/wire.md"


class UnsupportedMedia(MessageError):
    """The content type is not one of ours, or the body is compressed (a small body could unpack into a huge one)."""

    code, status = "unsupported_media", 415
    advice = "send application/json or application/msgpack without Content-Encoding"


class UnknownRoute(MessageError):
    """No query of that name is served here."""

    code, status = "unknown_route", 404
    advice = "list what is served: GET /info"


class MethodNotAllowed(MessageError):
    """Queries are sent with POST, pages are read with GET."""

    code, status = "method_not_allowed", 405
    advice = "use POST for a query"


class SlowRequest(MessageError):
    """The request did not arrive whole in the time the server waits for one."""

    code, status = "slow_request", 408
    advice = "send the body at once"


class Refusal(WireError):
    """The request was read and understood; the answer is no for now."""

    code, status = "refusal", 503


class NotAdmitted(Refusal):
    """The miner's policy does not serve this caller: not registered, no permit, too little stake, or denied."""

    code, status = "not_admitted", 403
    advice = "subnet explain not_admitted"


class Unregistered(NotAdmitted):
    """The caller's hotkey is not registered on the subnet, as far as the miner has read the chain."""

    code = "unregistered"
    advice = "register the hotkey; a miner may take a minute to see it"


class PermitNeeded(NotAdmitted):
    """The miner serves only neurons that may set weights."""

    code = "permit_needed"
    advice = "a permit comes with enough stake, at the next epoch"


class StakeNeeded(NotAdmitted):
    """The caller has less stake than the miner asks for."""

    code = "stake_needed"
    advice = "btcli stake add"


class Denied(NotAdmitted):
    """The miner's operator refuses this hotkey or its coldkey by name."""

    code = "denied"
    advice = "ask another miner"


class NotAllowed(NotAdmitted):
    """The miner serves only the hotkeys that its operator has named."""

    code = "not_allowed"
    advice = "ask another miner"


class RateLimited(Refusal):
    """Too many requests of this address failed, or this caller's budget is spent."""

    code, status = "rate_limited", 429
    advice = "wait for the seconds that Retry-After names"


class RequestsSpent(RateLimited):
    """The caller has sent as many queries as its stake has a share in."""

    code = "requests_spent"


class TokensSpent(RateLimited):
    """The caller has had as many tokens read and written as its stake has a share in."""

    code = "tokens_spent"


class TooManyAtOnce(RateLimited):
    """The caller has as many queries under way as one caller may."""

    code = "too_many_at_once"


class Overloaded(Refusal):
    """The server's queue is full; nothing was started, asking again later is safe."""

    code, status = "overloaded", 503
    advice = "wait for the seconds that Retry-After names"


class WarmingUp(Refusal):
    """The server has just started and cannot yet tell a new request from one accepted before the restart."""

    code, status = "warming_up", 503
    advice = "wait for the seconds that Retry-After names, or give the server a durable replay store"


class Draining(Refusal):
    """The server is stopping: it finishes what it has and takes nothing new."""

    code, status = "draining", 503
    advice = "ask another miner"


class HandlerError(WireError):
    """The miner accepted the query but its work did not end well."""

    code, status = "handler_error", 500


class HandlerFailed(HandlerError):
    """The miner's own code raised; the details are in the miner's log, never in the reply."""

    code, status = "handler_failed", 500
    advice = "miner: search the log for the request id; validator: ask another miner"


class DeadlineExceeded(HandlerError):
    """The miner's work, or its wait for a turn, took longer than the query's deadline and was cancelled."""

    code, status = "deadline_exceeded", 504
    advice = "ask for less, or allow more time"
