# SPDX-License-Identifier: Apache-2.0
"""Sound definitions of every kind of reply: texts, numbers, streams, arrays and records."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct

from protocols import synapse
from protocols.columns import Floats
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.tensor import Tensor


def shared(right: Iterable[bool]) -> Floats:
    """One reward, divided among those who are right."""
    flags = np.array(list(right), dtype=np.float64)
    return np.divide(flags, max(flags.sum(), 1.0))


def letters(ctx: TaskContext, count: int = 8) -> str:
    """A random word."""
    return "".join(ctx.rng.choice(list("abcdefgh"), count))


class Ask(Synapse):
    prompt: str

    class Reply(synapse.Reply):
        text: str


class Reverse(Subnet):
    """Turn a word around."""

    name, version = "reverse", 1
    synapse = Ask

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            word = letters(ctx)
            yield Task(Ask(prompt=word), reference=word[::-1])

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text=ask.prompt[::-1])

    def score(self, task: Task, replies: Replies) -> Any:
        return shared(text == task.reference for text in replies.texts)


class Spell(Reverse):
    """Turn a word around and say it letter by letter."""

    name = "spell"

    async def answer(self, ask: Ask, ctx: AnswerContext) -> AsyncIterator[Ask.Reply]:  # type: ignore[override]
        for letter in reversed(ask.prompt):
            await ctx.clock.sleep(1.0)
            yield Ask.Reply(text=letter)


class Sum(Synapse):
    a: int
    b: int

    class Reply(synapse.Reply):
        total: Annotated[int, Meta(ge=0, le=10_000)]


class Add(Subnet):
    """Add two numbers; the tasks are a list that ends."""

    name, version = "add", 1
    synapse = Sum

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        for a, b in ctx.rng.integers(1, 1000, (3, 2)).tolist():
            yield Task(Sum(a=a, b=b), reference=a + b)

    async def answer(self, ask: Sum, ctx: AnswerContext) -> Sum.Reply:
        return Sum.Reply(total=ask.a + ask.b)

    def score(self, task: Task, replies: Replies) -> Floats:
        return shared(reply is not None and reply.total == task.reference for reply in replies.replies)


class Grid(Synapse):
    cells: Tensor

    class Reply(synapse.Reply):
        cells: Tensor


class Double(Subnet):
    """Double an array, paid by how close it comes."""

    name, version = "double", 1
    synapse = Grid

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            cells = ctx.rng.random((2, 3))
            yield Task(Grid(cells=Tensor(cells)), reference=2 * cells)

    async def answer(self, ask: Grid, ctx: AnswerContext) -> Grid.Reply:
        return Grid.Reply(cells=Tensor(2 * ask.cells.array))

    def score(self, task: Task, replies: Replies) -> Floats:
        return shared(
            reply is not None
            and reply.cells.shape == task.reference.shape
            and bool(np.allclose(reply.cells.array, task.reference))
            for reply in replies.replies
        )


class Part(Struct, frozen=True):
    word: Annotated[str, Meta(min_length=1, max_length=20)]
    seen: int | None = None


class Count(Synapse):
    text: str

    class Reply(synapse.Reply):
        parts: list[Part]
        longest: float
        verdict: Literal["short", "long"]
        raw: bytes
        other: dict[str, int]
        pair: tuple[int, str] | None = None


class Census(Subnet):
    """Count letters and tell it in a record of many types."""

    name, version = "census", 1
    synapse = Count

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            yield Task(Count(text=letters(ctx)))

    async def answer(self, ask: Count, ctx: AnswerContext) -> Count.Reply:
        return self.told(ask.text)

    def score(self, task: Task, replies: Replies) -> Floats:
        assert isinstance(task.ask, Count)
        right = self.told(task.ask.text)
        return shared(reply == right for reply in replies.replies)

    def told(self, text: str) -> Count.Reply:
        """The true record."""
        parts = [Part(word=letter, seen=text.count(letter)) for letter in sorted(set(text))]
        return Count.Reply(
            parts=parts, longest=math.sqrt(len(text)), verdict="long", raw=text.encode(), other={text: len(parts)}
        )


SOUND = (Reverse, Spell, Add, Double, Census)
