# SPDX-License-Identifier: Apache-2.0
"""Questions of users, as a subnet's definition may take them up: a text to be continued, or texts to be embedded.

A miner must not be able to tell them from a validator's own, so they become the same query. A synapse with the usual
fields takes them as it is; a definition with others says how in `organic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import msgspec

from protocols.errors import NotOffered
from protocols.synapse import Synapse
from protocols.task import Task

__all__ = ["CountsTokens", "Prompt", "Texts", "default_tokens", "task_of"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text that a user wants to be continued."""

    text: str
    max_tokens: int | None = None
    """As many as the user wants at most; None leaves it to the query's own default, as a validator does."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of which a user wants the embeddings."""

    texts: tuple[str, ...]


@runtime_checkable
class CountsTokens(Protocol):
    """A definition that counts the tokens of a text itself; without it a token is four bytes."""

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        ...


def task_of(synapse: type[Synapse], query: Prompt | Texts) -> Task:
    """The query with fields `prompt` and `max_tokens`, or `texts`; raises `NotOffered` where it has none such."""
    fields, reply = synapse.__struct_fields__, synapse.Reply.__struct_fields__
    values: dict[str, Any] = {}
    if isinstance(query, Prompt) and "prompt" in fields and "text" in reply:
        is_limited = "max_tokens" in fields and query.max_tokens is not None
        values = {"prompt": query.text} | ({"max_tokens": query.max_tokens} if is_limited else {})
    elif isinstance(query, Texts) and "texts" in fields and "vectors" in reply:
        values = {"texts": query.texts}
    if not values:
        wanted = "prompts and texts" if isinstance(query, Prompt) else "texts and vectors"
        raise NotOffered(
            f"{synapse.__name__} asks for {', '.join(fields)} and gets {', '.join(reply)}, a user has {wanted}"
        )
    return Task(synapse(**values))


def default_tokens(synapse: type[Synapse]) -> int | None:
    """How many tokens a query asks for that names no number, if it says."""
    for field in msgspec.structs.fields(synapse):
        if field.name == "max_tokens" and isinstance(field.default, int):
            return field.default
    return None
