# SPDX-License-Identifier: Apache-2.0
"""Definitions with one planted defect each, and where the checks have to find it.

`PLANTED` holds the class, the checks that must fail and no others, and words that the first of them has to say.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np

from protocols.columns import Flags, Floats
from protocols.dialect import Caller
from protocols.errors import NotAdmitted
from protocols.metagraph import Metagraph, Neuron
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Hotkey
from tests.subnet.check.sound import Ask, Reverse, shared

COUNTER = itertools.count()
NEEDS_REWARDS = ("rewards", "scores", "order", "honesty", "duplicates")
NEEDS_ANSWERS = ("answers", "event loop", "wire", *NEEDS_REWARDS, "likeness")
NEEDS_TASKS = (*NEEDS_ANSWERS[:-1], "variant", "likeness")


class Unseeded(Reverse):
    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        async for task in super().tasks(TaskContext(np.random.default_rng(), ctx.clock)):
            yield task


class Counting(Reverse):
    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            word = f"word {next(COUNTER)}"
            yield Task(Ask(prompt=word), reference=word[::-1])


class Empty(Reverse):
    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        return
        yield


class Raw(Reverse):
    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Any]:
        yield Ask(prompt="no task")


class Plain(Reverse):
    async def answer(self, ask: Ask, ctx: AnswerContext) -> Any:
        return ask.prompt[::-1]


class Raising(Reverse):
    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text=str(1 // 0))


class Quitting(Reverse):
    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        sys.exit(3)


class Sleeping(Reverse):
    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        await ctx.clock.sleep(60.0)
        return Ask.Reply(text=ask.prompt[::-1])


class Waiting(Reverse):
    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        await asyncio.Event().wait()
        return Ask.Reply(text=ask.prompt[::-1])


class Blocking(Reverse):
    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        await asyncio.sleep(0.01)
        time.sleep(0.08)  # noqa: ASYNC251
        return Ask.Reply(text=ask.prompt[::-1])


class Holding(Reverse):
    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        time.sleep(1.6)  # noqa: ASYNC251
        return Ask.Reply(text=ask.prompt[::-1])


class Mistyped(Reverse):
    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        async for task in super().tasks(ctx):
            assert isinstance(task.ask, Ask)
            yield Task(Ask(prompt=list(task.ask.prompt)), task.reference)  # type: ignore[arg-type]

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text="".join(ask.prompt)[::-1])


class Oversized(Reverse):
    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        async for task in super().tasks(ctx):
            assert isinstance(task.ask, Ask)
            yield Task(Ask(prompt=task.ask.prompt * 100_000), task.reference * 100_000)


class NotANumber(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return np.full(len(replies), np.nan)


class Generous(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return 2.0 * shared(text == task.reference for text in replies.texts)


class Forgetful(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return [float(text == task.reference) for text in replies.texts if text]


class Crashing(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return shared(row.text[0] == task.reference[0] and row.text == task.reference for row in replies if row.items)


class Lonely(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        right = np.array([text == task.reference for text in replies.texts], dtype=np.float64)
        return right / max(right.max(), right.sum())


class Random(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return super().score(task, replies) * np.random.default_rng().uniform(0.97, 1.0)


class FirstTakesAll(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        right = [text == task.reference for text in replies.texts]
        return [float(is_right and not any(right[:at])) for at, is_right in enumerate(right)]


class Wordy(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return shared(len(text) == max(map(len, replies.texts)) for text in replies.texts)


class Blind(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return shared(bool(row.items) for row in replies)


class Mean(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return np.zeros(len(replies))


class Repeating(Reverse):
    def score(self, task: Task, replies: Replies) -> Any:
        return [float(text == task.reference) for text in replies.texts]


class Drawn(Reverse):
    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        return Task(Ask(prompt=f"word {np.random.default_rng().integers(10**9)}"), task.reference)


class Bare(Reverse):
    def variant(self, task: Task, rng: np.random.Generator) -> Any:
        return task.ask


class Numbered(Reverse):
    def variant(self, task: Task, rng: np.random.Generator) -> Any:
        return Task(task.ask, task.reference, canary=int(rng.integers(10**9)))  # type: ignore[arg-type]


class Huge(Reverse):
    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        return Task(Ask(prompt=str(rng.integers(10)) * 800_000), task.reference)


class Forgotten(Reverse):
    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        return Task(task.ask, task.reference, canary="a word that is not there")


class Overheard(Reverse):
    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        assert isinstance(task.ask, Ask)
        return Task(Ask(prompt=f"{task.ask.prompt} by the way"), task.reference, canary="by the way")


class Strange(Reverse):
    def likeness(self, replies: Replies) -> Floats:
        return np.full((len(replies), len(replies)), np.nan)


class Fickle(Reverse):
    def likeness(self, replies: Replies) -> Floats:
        return np.full((len(replies), len(replies)), np.random.default_rng().random())


class Neighbours(Reverse):
    def likeness(self, replies: Replies) -> Floats:
        at = np.arange(len(replies))
        beside: Floats = (np.abs(at[:, None] - at) == 1).astype(np.float64)
        return np.maximum(super().likeness(replies), beside)


class Unlike(Reverse):
    def likeness(self, replies: Replies) -> Floats:
        return np.eye(len(replies))


class Selfish(Reverse):
    def sample(self, metagraph: Metagraph, rng: np.random.Generator, k: int, me: Hotkey) -> Sequence[Hotkey]:
        return [me]


class Moody(Reverse):
    def sample(self, metagraph: Metagraph, rng: np.random.Generator, k: int, me: Hotkey) -> Sequence[Hotkey]:
        return super().sample(metagraph, np.random.default_rng(), k, me)


class Shy(Reverse):
    def sample(self, metagraph: Metagraph, rng: np.random.Generator, k: int, me: Hotkey) -> Sequence[Hotkey]:
        return []


class Inverted(Reverse):
    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        return np.where(asked, 0.9 * scores + 0.1 * (1.0 - rewards), scores)


class InPlace(Reverse):
    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        scores[asked] = rewards[asked]
        return scores


class Shrinking(Reverse):
    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        return rewards[asked]


class Raw16(Reverse):
    def weigh(self, scores: Floats) -> Floats:
        return np.round(65_535 * super().weigh(scores))


class WholeTable(Reverse):
    def weigh(self, scores: Floats) -> Floats:
        return scores / max(float(scores.sum()), 1e-9)


class Levelling(Reverse):
    def weigh(self, scores: Floats) -> Floats:
        return super().weigh(1.0 - scores)


class Undefined(Reverse):
    def weigh(self, scores: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(scores / scores.sum(axis=-1, keepdims=True))


class SaysNo(Reverse):
    def policy(self, caller: Caller, neuron: Neuron | None) -> Any:
        return neuron is not None


class Closed(Reverse):
    def policy(self, caller: Caller, neuron: Neuron | None) -> None:
        raise NotAdmitted("nobody comes in")


class Careless(Reverse):
    def policy(self, caller: Caller, neuron: Neuron | None) -> None:
        if neuron.stake < 0:  # type: ignore[union-attr]
            raise NotAdmitted("in debt")


PLANTED = [
    (Unseeded, ("tasks", "scores"), "of seed 0 is Ask(prompt="),
    (Counting, ("tasks", "scores"), "word 0"),
    (Empty, ("tasks", *NEEDS_TASKS), "tasks ended without a task"),
    (Raw, ("tasks", *NEEDS_TASKS), "tasks gave Ask, expected Task(Ask(...))"),
    (Plain, NEEDS_ANSWERS, "answer gave str, expected Ask.Reply"),
    (Raising, NEEDS_ANSWERS, "ZeroDivisionError"),
    (Quitting, NEEDS_ANSWERS, "answer called sys.exit(3)"),
    (Sleeping, NEEDS_ANSWERS, "answer took 60.0 s, limit 0.5 s"),
    (Waiting, NEEDS_ANSWERS, "answer did not end within 0.5 s"),
    (Blocking, ("event loop",), "limit 50 ms"),
    (Holding, NEEDS_ANSWERS, "answer cannot be stopped 1 s after its 0.5 s"),
    (Mistyped, ("wire",), "expected `str`, got `array`"),
    (Oversized, ("wire",), "has 800000 bytes, limit 262144"),
    (NotANumber, NEEDS_REWARDS, "score gave nan at reply 0"),
    (Generous, NEEDS_REWARDS, "score gave 2.0 at reply 0, expected 0 to 1"),
    (Forgetful, NEEDS_REWARDS, "score gave shape (4,), expected (6,)"),
    (Crashing, NEEDS_REWARDS, "IndexError: string index out of range"),
    (Lonely, ("rewards",), "RuntimeWarning: invalid value"),
    (Random, ("scores", "order"), "for the honest answer to task 0, then 0.9"),
    (FirstTakesAll, ("order",), "the copied answer to task 0 earned 0.0 as reply 6, 1.0 as reply 0"),
    (Wordy, ("honesty",), "constant answers earned 1 a task, the definition's own answers 0"),
    (Blind, ("honesty", "duplicates"), "earned 0.2 a task, the definition's own answers 0.2"),
    (Mean, ("honesty",), "earned 0, expected above 0"),
    (Repeating, ("duplicates",), "an answer and 1 copy of it earned 2 a task, 1 alone, limit 1.05 times"),
    (Drawn, ("variant",), "variant of task 0 is Ask(prompt='word"),
    (Bare, ("variant",), "variant gave Ask, expected Task(Ask(...))"),
    (Numbered, ("variant",), "variant gave a canary of type int, expected text"),
    (Huge, ("variant",), "has 800000 bytes, limit 262144"),
    (Forgotten, ("variant",), "is not in its own question"),
    (Overheard, ("variant",), "canary 'by the way' of task 0 is in another miner's question"),
    (Strange, ("likeness",), "likeness gave nan for replies 0 and 0"),
    (Fickle, ("likeness",), "is not the same the second time"),
    (Neighbours, ("likeness",), "with the order"),
    (Unlike, ("likeness",), "and its copy have likeness 0, expected above 0.5"),
    (Selfish, ("sample",), "picked the validator itself"),
    (Moody, ("sample",), "with the same rng"),
    (Shy, ("sample",), "picked nobody"),
    (Inverted, ("aggregate",), "for a reward of"),
    (InPlace, ("aggregate",), "aggregate changed the arrays"),
    (Shrinking, ("aggregate",), "aggregate gave shape"),
    (Raw16, ("weigh",), "weigh gave weights that sum to 655"),
    (WholeTable, ("weigh",), "expected 1, or all zero"),
    (Levelling, ("weigh",), "a higher score less than a lower"),
    (Undefined, ("weigh",), "weigh gave"),
    (SaysNo, ("policy",), "policy returned True for validators"),
    (Closed, ("policy",), "policy refuses a validator"),
    (Careless, ("policy",), "AttributeError"),
]
