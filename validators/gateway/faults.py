# SPDX-License-Identifier: Apache-2.0
"""Errors as OpenAI's clients read them: by status, with a type, a code, and the seconds after which to ask again."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import msgspec

from protocols.dialect import Outgoing
from protocols.errors import ApiKeyRefused, SubnetError
from protocols.faults import fault_headers

__all__ = ["Manner", "failed_event", "refusal"]

_TYPES: Final = MappingProxyType({401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"})
_UNPROCESSABLE: Final = 422


class Manner:
    """How whoever asks here is refused."""

    def refuse(self, error: SubnetError) -> Outgoing:
        """The error as a response."""
        return refusal(error)


def refusal(error: SubnetError) -> Outgoing:
    """An error as a response."""
    body = _body(error)
    headers = fault_headers(error, body)
    if isinstance(error, ApiKeyRefused):
        headers.append((b"www-authenticate", b"Bearer"))
    return Outgoing(_status(error), headers, body)


def failed_event(error: SubnetError) -> bytes:
    """An error as the last event of a stream that has begun."""
    return b"data: " + _body(error) + b"\n\n"


def _status(error: SubnetError) -> int:
    # OpenAI knows one status for whatever is wrong with a request.
    return 400 if error.status == _UNPROCESSABLE else error.status


def _body(error: SubnetError) -> bytes:
    status = _status(error)
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    told = {"message": error.message, "type": kind, "param": None, "code": error.code, "help": error.help}
    return msgspec.json.encode({"error": told})
