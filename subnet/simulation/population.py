# SPDX-License-Identifier: Apache-2.0
"""Miners of every kind answering a definition's tasks: the honest by its own `answer`, the others at their expense.

No network and no time passes. A miner that waits on its clock is later by that much, and whoever is later than a
validator waits has given nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from incentive.simulation.strategies import Cast
from protocols.dialect import Caller
from protocols.errors import SubnetError
from protocols.keys import encode_address
from protocols.model import Model, Sampling
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Returned, Task
from protocols.types import Hotkey
from subnet.simulation.corruption import corrupt_stream
from subnet.text import Extractive

__all__ = ["Models", "Population", "Purpose", "SimulatedClock", "chance", "readers"]

_DEADLINE_S: Final = 12.0
_WORK_S: Final = 1.0
_RELAY_S: Final = 0.1
_CARELESS: Final = 0.5
"""How often a weak miner of no model of its own spoils its answer."""


class Purpose(IntEnum):
    """What random numbers are for: each purpose has its own, so that one does not move the other."""

    CAST = 0
    MODELS = 1
    ANSWERS = 2
    GROUPS = 3
    TASKS = 4
    WORLDS = 5


def chance(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """The random numbers of one purpose at one place."""
    return np.random.default_rng([seed, int(purpose), *place])


@dataclass(frozen=True, slots=True)
class Models:
    """The models that miners are started with, each made from a seed of its miner.

    Models(honest=lambda seed: MyModel(seed), weak=lambda seed: MyModel(seed, layers=2))
    """

    honest: Callable[[int], Model]
    weak: Callable[[int], Model] | None = None
    """Without it, weak miners are honest ones who spoil every other answer."""


def readers() -> Models:
    """Readers of the bundled subnet's documents, of whom the honest recall nine facts in ten and the weak three."""
    return Models(lambda seed: Extractive(0.9, seed), lambda seed: Extractive(0.3, seed))


class SimulatedClock:
    """The clock of one task: whoever sleeps on it is later at once."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0

    def time_ns(self) -> int:
        """Nanoseconds since 1970, as if it were the same moment in every simulation."""
        return 1_700_000_000_000_000_000 + round(self._elapsed_s * 1e9)

    def monotonic(self) -> float:
        """Seconds since the task was sent."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Give way to others, and be later."""
        self._elapsed_s += max(0.0, seconds)
        await asyncio.sleep(0)


class Population:
    """The miners of a cast, each with its hotkey and its model."""

    def __init__(self, definition: Subnet, cast: Cast, models: Models, seed: int) -> None:
        self._definition = definition
        self._cast = cast
        self._seed = seed
        self._hotkeys = [_hotkey(seed, at) for at in range(len(cast.roles))]
        self._validator = _hotkey(seed, len(cast.roles))
        self._has_weak_model = models.weak is not None
        voices = chance(seed, Purpose.MODELS).integers(2**31, size=len(cast.roles)).tolist()
        makers = {"weak": models.weak or models.honest}
        self._models = [makers.get(role, models.honest)(voice) for role, voice in zip(cast.roles, voices, strict=True)]
        self._constant: Returned | None = None

    async def prepare(self, task: Task) -> None:
        """Let the constant miners take one answer to this task, which is not scored, as theirs to everything."""
        first = self._cast.roles.index("honest")
        self._constant = await self._answered(task.ask, 0, first)

    async def replies(self, task: Task, number: int) -> list[Returned]:
        """What each miner returns for the task of this number, which is 1 or more."""
        roles, source = self._cast.roles, self._cast.source
        workers = [at for at in np.unique(source).tolist() if roles[at] not in ("constant", "silent")]
        async with asyncio.TaskGroup() as group:
            work = {at: group.create_task(self._answered(task.ask, number, at)) for at in workers}
        given = {at: done.result() for at, done in work.items()}
        return [self._returned(at, given) for at in range(len(roles))]

    def _returned(self, at: int, given: dict[int, Returned]) -> Returned:
        role, hotkey, source = self._cast.roles[at], self._hotkeys[at], int(self._cast.source[at])
        if role == "silent" or (role == "constant" and self._constant is None):
            return Returned(hotkey)
        if role == "constant" and self._constant is not None:
            return _as(hotkey, self._constant)
        own = given[source]
        # A copier has to wait for its victim; a group's owner has the answer at once.
        return _as(hotkey, own, _RELAY_S if role == "copier" else 0.0)

    async def _answered(self, ask: Synapse, number: int, at: int) -> Returned:
        """What the definition answers for this miner; nothing where it refuses, or is late."""
        clock, hotkey, model = SimulatedClock(), self._hotkeys[at], _Noticed(self._models[at])
        rng = chance(self._seed, Purpose.ANSWERS, number, at)
        request_id = f"{number}-{at}"
        context = AnswerContext(
            caller=Caller(self._validator, clock.time_ns(), "simulated", request_id, b""),
            request_id=request_id,
            model=model,
            rng=rng,
            clock=clock,
            deadline=_DEADLINE_S,
        )
        try:
            items = await self._items(ask, context)
        except SubnetError:  # a miner may refuse a query, and then nothing comes
            return Returned(hotkey)
        if self._cast.roles[at] == "weak" and not (self._has_weak_model and model.used):
            items = corrupt_stream(items, rng) if rng.random() < _CARELESS else items
        elapsed_s = _WORK_S + clock.monotonic()
        return Returned(hotkey, tuple(items), elapsed_s, elapsed_s) if elapsed_s < _DEADLINE_S else Returned(hotkey)

    async def _items(self, ask: Synapse, context: AnswerContext) -> list[Any]:
        answer: Any = self._definition.answer(ask, context)
        if self._definition.is_streaming:
            return [item async for item in answer]
        return [await answer]


class _Noticed(Model):
    """A model that remembers its use: where an answer needs none, a weak model would not make a weak miner."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.used = False

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        self.used = True
        return await self._model.generate(prompt, max_tokens)


def _as(hotkey: Hotkey, reply: Returned, later_s: float = 0.0) -> Returned:
    return Returned(hotkey, reply.items, reply.elapsed_s + later_s, reply.first_item_s + later_s)


def _hotkey(seed: int, at: int) -> Hotkey:
    """An address like any other: nothing in it tells what its miner plays."""
    return encode_address(blake2b(f"{seed}/{at}".encode(), digest_size=32, person=b"simulation").digest())
