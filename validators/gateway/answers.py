# SPDX-License-Identifier: Apache-2.0
"""Answers in OpenAI's words: whole as JSON, or as a stream of events, and the place where an answer ends.

An answer ends before the first of the texts that the user named. In a stream what could be the beginning of one is
held back until it is known to be none.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from protocols.columns import Floats
from protocols.dialect import Outgoing
from protocols.errors import SubnetError
from protocols.synapse import Reply
from validators.gateway.counting import Usage
from validators.gateway.faults import failed_event

__all__ = ["Cutter", "Events", "Naming", "embeddings", "json", "models", "whole"]

_DONE: Final = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Naming:
    """What an answer is called: of a chat or a completion, by which model, made when."""

    is_chat: bool
    model: str
    made_s: int
    id: str = field(default_factory=lambda: secrets.token_hex(12))

    def head(self, *, streamed: bool) -> dict[str, Any]:
        """The fields that each answer, and each piece of one, begins with."""
        kind = ("chat.completion.chunk" if streamed else "chat.completion") if self.is_chat else "text_completion"
        identity = f"{'chatcmpl' if self.is_chat else 'cmpl'}-{self.id}"
        return {"id": identity, "object": kind, "created": self.made_s, "model": self.model}


class Cutter:
    """Lets a text pass, piece by piece, up to the first of some texts."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = stop
        self._held = ""
        self.is_over = False
        """Whether such a text has come."""

    def add(self, text: str) -> str:
        """What of the text so far can be shown."""
        if self.is_over or not self._stop:
            return "" if self.is_over else text
        self._held += text
        found = [at for at in (self._held.find(stop) for stop in self._stop) if at >= 0]
        if found:
            self.is_over = True
            shown, self._held = self._held[: min(found)], ""
            return shown
        keep = max(_overlap(self._held, stop) for stop in self._stop)
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def rest(self) -> str:
        """What was held back, now that nothing more comes."""
        shown, self._held = self._held, ""
        return shown


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text could be the beginning of the other."""
    longest = min(len(stop) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


class Events:
    """A stream of events; what it begins and ends with is said once."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, naming: Naming, *, with_usage: bool) -> None:
        self._naming = naming
        self._with_usage = with_usage
        self._has_begun = False
        self._end = b""

    def item(self, reply: Reply) -> bytes:
        """A reply's text as an event."""
        return self.text(str(getattr(reply, "text", "")))

    def text(self, text: str) -> bytes:
        """A piece of the answer as an event."""
        first = {} if self._has_begun else {"role": "assistant"}
        self._has_begun = True
        return self._chunk([self._choice({**first, "content": text}, text, None)])

    def finish(self, reason: str, usage: Usage) -> None:
        """Say how the answer ended; `end` sends it."""
        self._end = self._chunk([self._choice({}, "", reason)])
        if self._with_usage:
            self._end += self._chunk([], _usage(usage))

    def fail(self, error: SubnetError) -> bytes:
        """The last event of an answer that broke off."""
        return failed_event(error)

    def end(self) -> bytes:
        """The last events of a whole answer."""
        return self._end + _DONE

    def _choice(self, delta: dict[str, str], text: str, reason: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {"delta": delta} if self._naming.is_chat else {"text": text}
        return {"index": 0, **said, "logprobs": None, "finish_reason": reason}

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
        chunk = {**self._naming.head(streamed=True), "choices": choices}
        if self._with_usage:
            chunk["usage"] = usage
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def whole(naming: Naming, text: str, reason: str, usage: Usage) -> Outgoing:
    """A whole answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    said: dict[str, Any] = {"message": message} if naming.is_chat else {"text": text}
    choice = {"index": 0, **said, "logprobs": None, "finish_reason": reason}
    return json({**naming.head(streamed=False), "choices": [choice], "usage": _usage(usage)})


def embeddings(model: str, vectors: Floats, usage: Usage, *, as_base64: bool) -> Outgoing:
    """Vectors, (N, D), in the order of the texts."""
    data = [
        {
            "object": "embedding",
            "index": at,
            "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode() if as_base64 else row.tolist(),
        }
        for at, row in enumerate(np.asarray(vectors))
    ]
    cost = {"prompt_tokens": usage.prompt, "total_tokens": usage.total}
    return json({"object": "list", "data": data, "model": model, "usage": cost})


def models(names: Sequence[str], made_s: int) -> list[dict[str, Any]]:
    """The models that there are, as entries of a list."""
    return [{"id": name, "object": "model", "created": made_s, "owned_by": "subnet"} for name in names]


def json(value: object) -> Outgoing:
    """A value as a response."""
    body = msgspec.json.encode(value)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return Outgoing(200, headers, body)


def _usage(usage: Usage) -> dict[str, int]:
    return {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion, "total_tokens": usage.total}
