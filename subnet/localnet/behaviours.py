# SPDX-License-Identifier: Apache-2.0
"""How the miners of a local network differ, for any definition: each behaviour is a definition that answers otherwise.

A designer's own class is what runs in all of them; a behaviour only replaces its answer. So a weak miner of a subnet
that reverses strings and one of a subnet that reads documents are made by the same few lines.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from protocols.errors import NotAdmitted
from protocols.model import Model, Sampling
from protocols.spec import Subnet
from protocols.task import AnswerContext
from subnet.localnet.casting import Part

__all__ = ["behaviour"]

Answer = Callable[[Any, AnswerContext], Any]


def behaviour(definition: Subnet, part: Part) -> Subnet:
    """The definition as this part answers it; a copier's is made by `miners.relay.Relay`."""
    changes: dict[str, Callable[[Subnet], Answer]] = {
        "weak": lambda honest: _Careless(honest, part.skill).answer,
        "constant": lambda honest: _Constant(honest).answer,
        "silent": lambda honest: _refuse,
    }
    if part.role not in changes or definition.is_streaming:
        return definition
    changed = copy.copy(definition)
    vars(changed)["answer"] = changes[part.role](definition)
    return changed


class _Constant:
    """Says again and again what it said first."""

    def __init__(self, honest: Subnet) -> None:
        self._honest = honest
        self._said: Any = None

    async def answer(self, ask: Any, ctx: AnswerContext) -> Any:
        """The first answer."""
        if self._said is None:
            self._said = await _reply(self._honest, ask, ctx)
        return self._said


class _Careless:
    """Where the work is not the model's, and so the model's skill shows nowhere, it often answers the last question."""

    def __init__(self, honest: Subnet, skill: float) -> None:
        self._honest = honest
        self._skill = skill
        self._last: Any = None

    async def answer(self, ask: Any, ctx: AnswerContext) -> Any:
        """The honest answer, or the one before."""
        watched = _Watched(ctx.model)
        reply = await _reply(self._honest, ask, replace(ctx, model=watched))
        stale, self._last = self._last, reply
        careless = not watched.used and ctx.rng.random() >= self._skill
        return stale if careless and stale is not None else reply


@dataclass(slots=True)
class _Watched(Model):
    """A model, and whether it was asked."""

    inner: Model
    used: bool = False

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """What the model says."""
        self.used = True
        return await self.inner.generate(prompt, max_tokens)


async def _refuse(ask: Any, ctx: AnswerContext) -> Any:
    raise NotAdmitted("this miner answers nobody")


def _reply(definition: Subnet, ask: Any, ctx: AnswerContext) -> Awaitable[Any]:
    answer = definition.answer(ask, ctx)
    assert not isinstance(answer, AsyncIterator)
    return answer
