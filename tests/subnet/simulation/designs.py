# SPDX-License-Identifier: Apache-2.0
"""Definitions to simulate: the bundled one with its scoring broken in known ways, and some that need no model.

Each fault is one that designers make. What a simulation is for is to find it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import Enum
from typing import Annotated, Final, Literal

import numpy as np
from msgspec import Meta

from incentive.attention import contrast_quality
from protocols import synapse
from protocols.columns import Flags, Floats
from protocols.errors import NotAdmitted
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from subnet.simulation import Plan
from subnet.templates.text.text import Text
from subnet.text import by_facts

__all__ = [
    "SMALL",
    "Flat",
    "Guess",
    "Kind",
    "Late",
    "Letter",
    "Mean",
    "Naive",
    "Nothing",
    "Refusing",
    "Sorted",
    "Spelled",
    "Sums",
]


SMALL: Final = Plan(miners=32, validators=6, epochs=40, seeds=3, tasks=12)
"""Large enough for every verdict to be the same as in a full simulation."""


class Naive(Text):
    """Pays quality to whoever gives it, however many give the same."""

    def score(self, task: Task, replies: Replies) -> Floats:
        """Quality alone."""
        facts = by_facts()
        return contrast_quality(
            facts.embed(replies.texts), facts.embed([task.reference.answer]), facts.embed(task.reference.twins)
        )


class Flat(Text):
    """Pays everybody who answers."""

    def score(self, task: Task, replies: Replies) -> Floats:
        """The same for all."""
        return np.ones(len(replies))


class Nothing(Text):
    """Pays nobody."""

    def score(self, task: Task, replies: Replies) -> Floats:
        """Nothing."""
        return np.zeros(len(replies))


class Kind(Enum):
    """Which of two numbers is larger."""

    LEFT = "left"
    RIGHT = "right"


class Guess(Synapse):
    """Two numbers to add and to compare."""

    left: int
    right: int

    class Reply(synapse.Reply):
        """Their sum, the larger one, and how sure one is."""

        total: int
        larger: Kind
        sign: Literal["even", "odd"]
        sure: Annotated[float, Meta(ge=0.0, le=1.0)] = 1.0


class Sums(Subnet):
    """Arithmetic, for which no model is needed, and in which all honest answers are the same."""

    name, version = "sums", 1
    synapse = Guess

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        """Two random numbers."""
        left, right = ctx.rng.integers(1, 1000, size=2).tolist()
        yield Task(Guess(left=left, right=right))

    async def answer(self, ask: Guess, ctx: AnswerContext) -> Guess.Reply:
        """The truth."""
        total = ask.left + ask.right
        larger = Kind.LEFT if ask.left >= ask.right else Kind.RIGHT
        return Guess.Reply(total=total, larger=larger, sign="odd" if total % 2 else "even")

    def score(self, task: Task, replies: Replies) -> list[float]:
        """One for the right sum, a third for the right comparison alone, nothing for neither."""
        ask = task.ask
        assert isinstance(ask, Guess)
        rows = [row.reply for row in replies]
        return [0.0 if row is None else float(row.total == ask.left + ask.right) for row in rows]


class Sorted(Sums):
    """Its scores move row by row only."""

    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        """The mean of rank and reward, by a loop that knows one row."""
        assert scores.ndim == 1
        order = sorted(range(len(scores)), key=lambda at: float(rewards[at]))
        ranks = np.empty(len(scores))
        ranks[order] = np.arange(len(scores)) / len(scores)
        moved: Floats = 0.9 * scores + 0.1 * ranks * rewards
        return moved


class Mean(Sums):
    """Its scores are below zero."""

    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        """Distance from the mean, which is no score."""
        moved: Floats = rewards - rewards.mean(axis=-1, keepdims=True) - 0.5
        return moved


class Late(Sums):
    """Every answer comes too late."""

    async def answer(self, ask: Guess, ctx: AnswerContext) -> Guess.Reply:
        """The truth, after an hour."""
        await ctx.clock.sleep(3600.0)
        return await super().answer(ask, ctx)


class Refusing(Sums):
    """Miners refuse to answer."""

    async def answer(self, ask: Guess, ctx: AnswerContext) -> Guess.Reply:
        """A refusal."""
        raise NotAdmitted("no")


class Letter(Synapse):
    """A word to spell."""

    word: str

    class Reply(synapse.Reply):
        """The next letter."""

        text: str


class Spelled(Subnet):
    """Streams its answer, a letter at a time."""

    name, version = "spelled", 1
    synapse = Letter

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        """A word of random letters."""
        yield Task(Letter(word="".join(map(chr, ctx.rng.integers(97, 123, size=8).tolist()))))

    async def answer(self, ask: Letter, ctx: AnswerContext) -> AsyncIterator[Letter.Reply]:
        """Its letters."""
        for letter in ask.word:
            await asyncio.sleep(0)
            yield Letter.Reply(text=letter)

    def score(self, task: Task, replies: Replies) -> list[float]:
        """Right or wrong."""
        ask = task.ask
        assert isinstance(ask, Letter)
        return [float(text == ask.word) for text in replies.texts]
