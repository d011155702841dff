# SPDX-License-Identifier: Apache-2.0
"""A population of miners in one process: who answers how, and what the bundled subnet pays each of them on average.

No server and no client takes part: what is tested is the definition, and with it the models and the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

import subnet.templates.text.text as bundled
from protocols.clock import VirtualClock
from protocols.columns import Floats
from protocols.model import Model, Sampling
from protocols.task import Replies, Returned, Task, TaskContext
from protocols.types import Ss58
from subnet.text import Constant, Extractive, Silent

__all__ = [
    "SKILLS",
    "TEMPLATE",
    "Reworded",
    "answers",
    "asked",
    "honest",
    "idle",
    "paid",
    "replies",
    "tasks",
]

TEMPLATE: Final = Path(bundled.__file__)
SKILLS: Final = (0.95, 0.85, 0.7, 0.5, 0.3)


@dataclass(frozen=True, slots=True)
class Reworded(Model):
    """Answers as another model does, but for some words, which ones its own seed says."""

    model: Model
    words: int
    seed: int

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        return _reworded(await self.model.generate(prompt, max_tokens), self.words, self.seed)


def _reworded(text: str, words: int, seed: int) -> str:
    """The text with so many of its words exchanged."""
    said = text.split(" ")
    for at in np.random.default_rng(seed).permutation(len(said))[:words].tolist():
        said[at] = "indeed"
    return " ".join(said)


def honest(seed: int) -> list[Model]:
    """One miner for each skill, with voices of their own."""
    seeds = np.random.default_rng(seed).integers(0, 10**6, len(SKILLS)).tolist()
    return [Extractive(skill, voice) for skill, voice in zip(SKILLS, seeds, strict=True)]


def idle() -> list[Model]:
    """Miners that read nothing."""
    return [Silent(), Constant("The keeper is Ada Bregate. The height is 123 metres of grey marble.")]


async def tasks(seed: int, count: int) -> list[Task]:
    """The first tasks of this seed."""
    made: list[Task] = []
    async for task in bundled.Text().tasks(TaskContext(rng=np.random.default_rng(seed), clock=VirtualClock())):
        made.append(task)
        if len(made) == count:
            break
    return made


def asked(task: Task) -> bundled.Ask:
    """The task's query."""
    assert isinstance(task.ask, bundled.Ask)
    return task.ask


async def answers(models: Sequence[Model], task: Task) -> list[str]:
    """What each model says to the task."""
    ask = asked(task)
    return [await model.generate(ask.prompt, ask.max_tokens) for model in models]


def replies(texts: Sequence[str | None]) -> Replies:
    """What came back: these texts, None where nothing came."""
    return Replies(
        tuple(
            Returned(Ss58(f"miner {at}"), () if text is None else (bundled.Ask.Reply(text=text),), 0.1)
            for at, text in enumerate(texts)
        )
    )


async def paid(models: Sequence[Model], seed: int, count: int = 30) -> Floats:
    """The mean reward of each over so many tasks."""
    rewards = []
    for task in await tasks(seed, count):
        rewards.append(bundled.Text().rewards(task, replies(await answers(models, task))))
    mean: Floats = np.mean(rewards, axis=0)
    return mean
