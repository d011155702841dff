# SPDX-License-Identifier: Apache-2.0
"""What all checks of a definition share: its tasks, its own answers to them, and populations of miners to score.

Each is made once, when a check first needs it. Where that fails, the check that came first tells why; those after it
only say that they could not be tried, so that one mistake reads as one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Generic, TypeVar

import numpy as np

from protocols.columns import Floats
from protocols.dialect import Caller
from protocols.errors import InvalidSubnet, OutOfRange
from protocols.keys import Keypair
from protocols.model import Model, Sampling
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Returned, Task
from protocols.types import Hotkey
from subnet.check.garbage import garbage
from subnet.check.playing import Answer, HurriedClock, Items, answer, draw
from subnet.check.room import Room

__all__ = ["Trial", "VALIDATOR", "Witness", "hotkey", "replies"]

T = TypeVar("T")

VALIDATOR: Final = 255
"""The number of the hotkey that asks."""
_TASK_PATIENCE: Final = 5


class Witness(Model):
    """A model, and whether anything was asked of it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.asked = False

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """What the model says."""
        self.asked = True
        return await self._model.generate(prompt, max_tokens)


class _Once(Generic[T]):
    """A value that is made when it is first wanted; whoever wants it after that failed is told so in a line."""

    def __init__(self, name: str, make: Callable[[], T]) -> None:
        self._name, self._make = name, make
        self._made: list[T] = []
        self._failed = False

    def __call__(self) -> T:
        if self._failed:
            raise InvalidSubnet(f"not tried: {self._name} failed above", help="mend that first")
        if not self._made:
            self._failed = True
            self._made.append(self._make())
            self._failed = False
        return self._made[0]


@dataclass(slots=True)
class Trial:
    """One definition under test."""

    make: Callable[[], Subnet]
    room: Room
    model: Model
    seed: int
    count: int
    deadline_s: float
    definition: _Once[Subnet] = field(init=False)
    """The definition, as an instance."""
    tasks: _Once[list[Task]] = field(init=False)
    """The first tasks of the seed."""
    answers: _Once[list[Answer]] = field(init=False)
    """The definition's own answer to each."""
    paid: _Once[list[Floats]] = field(init=False)
    """What the population of each task earns."""
    _garbage: Mapping[str, Sequence[Items]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.seed < 0 or self.count < 1:
            raise OutOfRange(f"seed is {self.seed} and tasks is {self.count}, expected from 0 and from 1 up")
        self.definition = _Once("making the definition", self.make)
        self.tasks = _Once("tasks", lambda: self.drawn(self.definition()))
        self.answers = _Once("answers", lambda: [self.answer(at, task.ask) for at, task in enumerate(self.tasks())])
        self.paid = _Once("rewards", lambda: [self.rewards(at, self.population(at)) for at in range(self.count)])

    def drawn(self, definition: Subnet) -> list[Task]:
        """The first tasks of the seed, as this instance makes them."""
        limit_s = _TASK_PATIENCE * self.deadline_s
        return self.room.run(draw(definition, self.seed, self.count), limit_s, "tasks")

    def answer(self, at: int, ask: Synapse, model: Model | None = None) -> Answer:
        """The definition's own answer to a query, the same each time as far as this depends on us."""
        clock = HurriedClock(time.monotonic)
        ctx = AnswerContext(
            caller=Caller(hotkey(VALIDATOR), clock.time_ns(), "btauth/1", f"check-{at}", b""),
            request_id=f"check-{at}",
            model=model or self.model,
            rng=np.random.default_rng([self.seed, at]),
            clock=clock,
            deadline=clock.monotonic() + self.deadline_s,
        )
        return self.room.run(answer(self.definition(), ask, ctx), self.deadline_s, "answer")

    def honest(self) -> list[Items]:
        """What the definition's own answers hold."""
        return [given.items for given in self.answers()]

    def population(self, at: int) -> dict[str, Items]:
        """Who answers a task: an honest miner, each kind of garbage, and one of whom nothing comes."""
        honest = self.honest()
        self._garbage = self._garbage or garbage(self.definition().synapse.Reply, honest, self.seed)
        others = {way: items[at] for way, items in self._garbage.items()}
        return {"honest": honest[at], **others, "missing": ()}

    def rewards(self, at: int, population: Mapping[str, Items]) -> Floats:
        """What the definition pays these miners for a task."""
        return self.definition().rewards(self.tasks()[at], replies(list(population.values())))


def replies(rows: Sequence[Items]) -> Replies:
    """What came back from as many miners; each took a moment longer than the one before it."""
    came = ((at, items, 0.5 + 0.01 * at) for at, items in enumerate(rows))
    return Replies(
        tuple(
            Returned(hotkey(at), items, elapsed_s, elapsed_s) if items else Returned(hotkey(at))
            for at, items, elapsed_s in came
        )
    )


@cache
def hotkey(number: int) -> Hotkey:
    """The address of a miner that exists only here."""
    return Hotkey(Keypair.from_uri(f"//check/{number}").ss58_address)
