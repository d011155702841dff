# SPDX-License-Identifier: Apache-2.0
"""Answers to web pages that the operator named: the headers without which a browser would keep them from the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from protocols.dialect import Outgoing
from protocols.server.exchange import Scope, Send

__all__ = ["preflight", "with_origin"]

_ALLOWED: Final = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"*, authorization"),
    (b"access-control-max-age", b"600"),
)


def preflight() -> Outgoing:
    """The answer to a browser that asks whether it may ask."""
    return Outgoing(204, [*_ALLOWED, (b"content-length", b"0")], b"")


def with_origin(scope: Scope, send: Send, origins: Collection[str]) -> Send:
    """A `send` that tells a page of one of these origins that the response is meant for it."""
    given = dict(scope["headers"]).get(b"origin", b"")
    if not origins or given.decode("latin-1") not in origins:
        return send

    async def shared(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"access-control-allow-origin", given), (b"vary", b"origin")]
            message = {**message, "headers": headers}
        await send(message)

    return shared
