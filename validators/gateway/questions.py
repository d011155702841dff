# SPDX-License-Identifier: Apache-2.0
"""From a request to a question: what is asked in the words of a subnet, and how the user wants the answer.

What would make the answer mean something else and cannot be had here is refused in so many words; a user who asks for
five choices or for JSON and silently gets one text would never learn why nothing fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec

from protocols.errors import InvalidMessage, MalformedBody
from protocols.organic import Prompt, Texts
from validators.gateway.shapes import ChatRequest, CompletionRequest, EmbeddingRequest, Message, TextRequest

__all__ = ["PARSERS", "Question", "chat", "completion", "embedding", "rendered"]

_T = TypeVar("_T")

_MOST_MESSAGES: Final = 256
_MOST_TEXTS: Final = 256
_MOST_STOPS: Final = 4
_MOST_STOP_LENGTH: Final = 256
_MOST_TOKENS: Final = 1 << 20
_SPEAKERS: Final = MappingProxyType(
    {"system": "System", "developer": "System", "user": "User", "assistant": "Assistant"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a user asks, of which model, and how the answer is to come."""

    query: Prompt | Texts
    model: str
    is_chat: bool = False
    is_streamed: bool = False
    with_usage: bool = False
    """Whether a stream ends with what it cost."""
    stop: tuple[str, ...] = ()
    """Texts before which the answer ends."""
    as_base64: bool = False
    """Whether vectors are wanted as bytes."""


def chat(body: bytes) -> Question:
    """The question of a chat request; raises `MessageError`."""
    asked = _read(body, ChatRequest)
    if not asked.messages or len(asked.messages) > _MOST_MESSAGES:
        raise InvalidMessage(f"messages has {len(asked.messages)} entries, expected 1 to {_MOST_MESSAGES}")
    _refuse("tools", asked.tools)
    _refuse("functions", asked.functions)
    if asked.response_format is not None and asked.response_format.type != "text":
        _refuse("response_format", asked.response_format.type)
    if asked.modalities is not None and set(asked.modalities) != {"text"}:
        _refuse("modalities", asked.modalities)
    most = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
    return replace(_text(asked, rendered(asked.messages), most), is_chat=True)


def completion(body: bytes) -> Question:
    """The question of a completion request; raises `MessageError`."""
    asked = _read(body, CompletionRequest)
    prompts = (asked.prompt,) if isinstance(asked.prompt, str) else asked.prompt
    if len(prompts) != 1 or not isinstance(prompts[0], str):
        raise InvalidMessage("prompt is a list of texts or tokens, expected one text", help="send a request for each")
    if asked.best_of not in (None, 1):
        _refuse("best_of", asked.best_of)
    _refuse("echo", asked.echo)
    _refuse("suffix", asked.suffix)
    return _text(asked, prompts[0], asked.max_tokens)


def embedding(body: bytes) -> Question:
    """The question of an embedding request; raises `MessageError`."""
    asked = _read(body, EmbeddingRequest)
    texts = (asked.input,) if isinstance(asked.input, str) else asked.input
    if not texts or len(texts) > _MOST_TEXTS:
        raise InvalidMessage(f"input has {len(texts)} texts, expected 1 to {_MOST_TEXTS}")
    words = tuple(text for text in texts if isinstance(text, str) and text)
    if len(words) != len(texts):
        raise InvalidMessage("input holds tokens or an empty text, expected texts", help='input=["a text", "another"]')
    _refuse("dimensions", asked.dimensions)
    if asked.encoding_format not in (None, "float", "base64"):
        raise InvalidMessage(f"encoding_format is {asked.encoding_format[:32]!r}, expected 'float' or 'base64'")
    return Question(query=Texts(words), model=asked.model, as_base64=asked.encoding_format == "base64")


PARSERS: Final[Mapping[str, Callable[[bytes], Question]]] = MappingProxyType(
    {"chat": chat, "completions": completion, "embeddings": embedding}
)
"""How the body of each kind of request is read."""


def rendered(messages: tuple[Message, ...]) -> str:
    """A conversation as one text: a single message of a user as it is, else the turns by who spoke."""
    if len(messages) == 1 and messages[0].role == "user":
        return _content(messages[0])
    turns = []
    for message in messages:
        speaker = _SPEAKERS.get(message.role)
        if speaker is None:
            raise InvalidMessage(f"role is {message.role[:32]!r}, expected one of {', '.join(_SPEAKERS)}")
        turns.append(f"{speaker}: {_content(message)}")
    return "\n\n".join([*turns, "Assistant:"])


def _content(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    for part in message.content or ():
        if part.type != "text":
            raise InvalidMessage(f"content has a part of type {part.type[:32]!r}, expected 'text'")
    return "".join(part.text for part in message.content or ())


def _text(asked: TextRequest, prompt: str, most: int | None) -> Question:
    if asked.n not in (None, 1):
        _refuse("n", asked.n)
    _refuse("logprobs", asked.logprobs)
    _refuse("logit_bias", asked.logit_bias)
    if not prompt.strip():
        raise InvalidMessage("the question is empty, expected a text")
    if most is not None and not 1 <= most <= _MOST_TOKENS:
        raise InvalidMessage(f"max_tokens is {most}, expected 1 to {_MOST_TOKENS}")
    stop = (asked.stop,) if isinstance(asked.stop, str) else asked.stop or ()
    if len(stop) > _MOST_STOPS or not all(0 < len(text) <= _MOST_STOP_LENGTH for text in stop):
        raise InvalidMessage(f"stop is not up to {_MOST_STOPS} texts of 1 to {_MOST_STOP_LENGTH} characters")
    return Question(
        query=Prompt(prompt, most),
        model=asked.model,
        is_streamed=bool(asked.stream),
        with_usage=asked.stream_options is not None and asked.stream_options.include_usage,
        stop=stop,
    )


def _refuse(name: str, value: object) -> None:
    """Raise for a field that is set and would change what the answer means."""
    if value:
        raise InvalidMessage(f"{name} is {str(value)[:64]}, which is not offered here", help=f"leave out {name}")


def _read(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"request cannot be used: {error}", help="see OpenAI's description of it") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"request is not JSON: {error}", help="send a JSON object") from None
