# SPDX-License-Identifier: Apache-2.0
"""How a call fails, as JSON-RPC says it: a number, a sentence, and what a program may want to know besides.

Clients of Substrate nodes tell errors apart by these numbers, so each is the one that a Substrate node answers with.
What a method has to say of its own subject (an invalid transaction is 1010) is raised as a plain `RpcError` there.
"""

from __future__ import annotations

from protocols.types import Json

__all__ = [
    "RpcError",
    "busy",
    "internal_error",
    "invalid_params",
    "invalid_request",
    "method_not_found",
    "parse_error",
    "too_large_batch",
    "too_large_request",
    "too_large_response",
    "too_many_subscriptions",
]


class RpcError(Exception):
    """What the peer is told of a call that failed."""

    def __init__(self, code: int, message: str, data: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Json]:
        """The error as it stands in a response."""
        body: dict[str, Json] = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


def parse_error() -> RpcError:
    """The message is not JSON."""
    return RpcError(-32700, "Parse error")


def invalid_request(why: str) -> RpcError:
    """The message is JSON and no request."""
    return RpcError(-32600, "Invalid request", why)


def method_not_found(why: str | None = None) -> RpcError:
    """No such method, or none that can be called this way."""
    return RpcError(-32601, "Method not found", why)


def invalid_params(why: str) -> RpcError:
    """The method cannot be called with these parameters."""
    return RpcError(-32602, "Invalid params", why)


def internal_error(why: str | None = None) -> RpcError:
    """The fault is ours; what it was stands in our log only."""
    return RpcError(-32603, "Internal error", why)


def too_many_subscriptions(limit: int) -> RpcError:
    """The connection holds as many subscriptions as it may."""
    return RpcError(-32006, "Too many subscriptions on the connection", f"at most {limit}")


def too_large_request(limit: int, unit: str) -> RpcError:
    """The message holds more than is read."""
    return RpcError(-32007, "Request is too big", f"at most {limit} {unit}")


def too_large_response(limit: int) -> RpcError:
    """The answer is larger than a message may be."""
    return RpcError(-32008, "Response is too big", f"at most {limit} bytes")


def busy(why: str) -> RpcError:
    """The node has no room for this now."""
    return RpcError(-32009, "Server is busy, try again later", why)


def too_large_batch(limit: int) -> RpcError:
    """The batch holds more requests than are answered at once."""
    return RpcError(-32010, "The batch request was too large", f"at most {limit} requests")
