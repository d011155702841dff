# SPDX-License-Identifier: Apache-2.0
"""Requests of OpenAI's protocol as they arrive: named fields of known types, and nothing believed beyond that.

Fields that only colour an answer (temperature, penalties, seed, user) are not listed: whatever they hold is read over.
Those that would make it another answer are listed, so that they can be refused.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "ChatRequest",
    "CompletionRequest",
    "EmbeddingRequest",
    "Format",
    "Message",
    "Part",
    "StreamOptions",
    "TextRequest",
]


class Part(msgspec.Struct, frozen=True):
    """A piece of a message."""

    type: str
    text: str = ""


class Message(msgspec.Struct, frozen=True):
    """A turn of a conversation."""

    role: str
    content: str | tuple[Part, ...] | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """What a stream has besides its text."""

    include_usage: bool = False


class Format(msgspec.Struct, frozen=True):
    """What an answer should look like."""

    type: str = "text"


class TextRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What requests for text have in common."""

    model: str
    max_tokens: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: str | tuple[str, ...] | None = None
    n: int | None = None
    logprobs: Any = None
    logit_bias: dict[str, float] | None = None


class ChatRequest(TextRequest, frozen=True, kw_only=True):
    """`POST /v1/chat/completions`."""

    messages: tuple[Message, ...]
    max_completion_tokens: int | None = None
    tools: tuple[Any, ...] | None = None
    functions: tuple[Any, ...] | None = None
    response_format: Format | None = None
    modalities: tuple[str, ...] | None = None


class CompletionRequest(TextRequest, frozen=True, kw_only=True):
    """`POST /v1/completions`."""

    prompt: str | tuple[Any, ...]
    best_of: int | None = None
    echo: bool | None = None
    suffix: str | None = None


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/embeddings`."""

    model: str
    input: str | tuple[Any, ...]
    encoding_format: str | None = None
    dimensions: int | None = None
