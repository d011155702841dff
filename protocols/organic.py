# SPDX-License-Identifier: Apache-2.0
"""Questions of users, as a subnet's definition may take them up: a text to be continued, or texts to be embedded.

A miner must not be able to tell them from a validator's own, so they become the same query. A synapse with the usual
fields takes them as it is; a definition with others says how in `organic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protocols.errors import NotOffered
from protocols.synapse import Synapse
from protocols.task import Task

__all__ = ["Prompt", "Texts", "task_of"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text that a user wants to be continued."""

    text: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of which a user wants the embeddings."""

    texts: tuple[str, ...]


def task_of(synapse: type[Synapse], query: Prompt | Texts) -> Task:
    """The query with fields `prompt` and `max_tokens`, or `texts`; raises `NotOffered` where it has none such."""
    fields, reply = synapse.__struct_fields__, synapse.Reply.__struct_fields__
    values: dict[str, Any] = {}
    if isinstance(query, Prompt) and "prompt" in fields and "text" in reply:
        values = {"prompt": query.text} | ({"max_tokens": query.max_tokens} if "max_tokens" in fields else {})
    elif isinstance(query, Texts) and "texts" in fields and "vectors" in reply:
        values = {"texts": query.texts}
    if not values:
        wanted = "prompts and texts" if isinstance(query, Prompt) else "texts and vectors"
        raise NotOffered(
            f"{synapse.__name__} asks for {', '.join(fields)} and gets {', '.join(reply)}, a user has {wanted}"
        )
    return Task(synapse(**values))
