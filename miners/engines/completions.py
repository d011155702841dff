# SPDX-License-Identifier: Apache-2.0
"""What an OpenAI-compatible server is asked, and how its answers are read: pure, bounded, and without trust.

The server may be broken, or not the operator's own: what it says is checked for its shape, cut to a size that a log can
bear, and never repeated with the key in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
import numpy as np

from miners.engines.engine import Job
from protocols.columns import Floats
from protocols.errors import EngineFailed
from protocols.faults import printable

__all__ = ["Event", "Lines", "Usage", "asked", "event", "models", "said", "vectors"]

_LINE_BYTES: Final = 1 << 16
"""Of one line of a stream."""
_HEAD_BYTES: Final = 1 << 16
_TOKEN_BYTES: Final = 1 << 12
"""Of all that a server says around a token."""
_SHOWN: Final = 200
"""Characters of a server's words that go into an error."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Usage(msgspec.Struct, frozen=True):
    """What an answer cost, as the server counts."""

    prompt_tokens: _Count = 0
    completion_tokens: _Count = 0


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    text: str | None = None
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()
    usage: Usage | None = None
    error: Any = None
    object: str = ""


class Event(msgspec.Struct, frozen=True):
    """One event of a stream."""

    text: str = ""
    usage: Usage | None = None
    is_last: bool = False
    """Whether no text follows."""


class _Vector(msgspec.Struct, frozen=True):
    index: int
    embedding: list[float]


class _Vectors(msgspec.Struct, frozen=True):
    data: list[_Vector]
    usage: Usage | None = None


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: list[_Model]


class Lines:
    """Cuts bytes into lines as they come, and refuses more than an answer of so many tokens can have."""

    def __init__(self, max_tokens: int) -> None:
        self._most = self._left = _HEAD_BYTES + _TOKEN_BYTES * max_tokens
        self._held = b""

    def add(self, data: bytes) -> list[bytes]:
        """The lines that are now whole."""
        self._left -= len(data)
        if self._left < 0:
            raise EngineFailed(f"the server sent more than {self._most} bytes, expected fewer for so few tokens")
        *whole, self._held = (self._held + data).split(b"\n")
        if len(self._held) > _LINE_BYTES:
            raise EngineFailed(f"the server sent a line of over {_LINE_BYTES} bytes, expected no longer ones")
        return whole


def asked(job: Job, model: str, *, chat: bool) -> bytes:
    """The body of a request for a stream."""
    sampling = job.sampling
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": job.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": sampling.temperature,
        # Said even where it is 1: servers have defaults of their own for what is left out.
        "top_p": sampling.top_p,
    }
    body |= {"messages": [{"role": "user", "content": job.prompt}]} if chat else {"prompt": job.prompt}
    body |= {"top_k": sampling.top_k} if sampling.top_k else {}
    body |= {"seed": sampling.seed} if sampling.seed is not None else {}
    body |= {"stop": list(sampling.stop)} if sampling.stop else {}
    return msgspec.json.encode(body)


def event(line: bytes, repeat: Callable[[bytes], str]) -> Event | None:
    """What a line of a stream says, None for one that says nothing; `repeat` makes words fit for an error."""
    line = line.strip()
    if not line.startswith(b"data:"):
        return None
    data = line[5:].strip()
    if data == b"[DONE]":
        return Event(is_last=True)
    try:
        chunk = msgspec.json.decode(data, type=_Chunk)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EngineFailed(f"the server sent {repeat(data)}, expected an event: {error}") from None
    if chunk.error is not None or chunk.object == "error":
        raise EngineFailed(f"the server broke off: {repeat(data)}")
    text = "".join(
        choice.text or (choice.delta.content if choice.delta is not None else None) or "" for choice in chunk.choices
    )
    return Event(text, chunk.usage, any(choice.finish_reason for choice in chunk.choices))


def vectors(body: bytes, count: int) -> tuple[Floats, Usage | None]:
    """The vectors of an answer in the order of the texts, (N, D), and what they cost."""
    try:
        reply = msgspec.json.decode(body, type=_Vectors)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EngineFailed(f"the server sent no embeddings: {error}") from None
    found = {one.index: one.embedding for one in reply.data}
    widths = {len(one) for one in found.values()}
    if sorted(found) != list(range(count)) or len(widths) != 1 or 0 in widths:
        raise EngineFailed(
            f"the server sent {len(reply.data)} vectors of {len(widths)} lengths, expected {count} of one length"
        )
    made = np.array([found[at] for at in range(count)], dtype=np.float64)
    return made, reply.usage


def models(body: bytes) -> Sequence[str]:
    """The names of the models that a server has."""
    try:
        return [one.id for one in msgspec.json.decode(body, type=_Models).data]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EngineFailed(f"the server sent no list of models: {error}") from None


def said(data: bytes, key: str) -> str:
    """A server's words as a log can bear them: short, printable, without the key."""
    text = data[:_LINE_BYTES].decode(errors="replace")
    if key:
        # First, and in the whole text: half a key is one, too.
        text = text.replace(key, "***")
    text = printable(text)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
