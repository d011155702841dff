# SPDX-License-Identifier: Apache-2.0
"""How a conversation with a node goes wrong, before it is known what that means for the one who asked.

A lost line says nothing about the chain and is tried again; an error that the node answered is about the request and is
not. What callers see are the errors of `protocols.errors`, which these become.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Lost", "NodeError"]


class Lost(Exception):
    """The connection ended, or no answer came in time: the request may or may not have been heard."""


class NodeError(Exception):
    """The node heard the request and answered with an error."""

    def __init__(self, code: int, message: str, data: str = "") -> None:
        super().__init__(f"{message} ({code}){f': {data}' if data else ''}")
        self.code = code
        self.message = message
        self.data = data

    @classmethod
    def read(cls, answer: Any) -> NodeError:
        """The error of a JSON-RPC answer, whatever shape it has."""
        if not isinstance(answer, dict):
            return cls(0, str(answer))
        code, data = answer.get("code"), answer.get("data")
        return cls(code if isinstance(code, int) else 0, str(answer.get("message", "")), str(data) if data else "")
