# SPDX-License-Identifier: Apache-2.0
"""From a definition to verdicts: record what its scoring pays, replay that to worlds of validators, judge.

Every question has a world of its own, in which one thing is different: copies are missing, validators are idle, or
some of them vote for themselves. All worlds see the same tasks at the same moments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np

from incentive.arrays import Array, Flags, Ints
from incentive.simulation.strategies import Cabal, Cast, Copying, Honest, Lazy, Strategy, cast
from incentive.simulation.world import Lifetime, Schedule, World, draws, run
from protocols.spec import Subnet
from subnet.simulation.plan import Plan
from subnet.simulation.population import Models, Purpose, chance, readers
from subnet.simulation.recording import Recording, record
from subnet.simulation.report import Report, Row
from subnet.simulation.rows import aggregate_of, weigh_of
from subnet.simulation.verdicts import cabal_row, follower_row, miner_rows

__all__ = ["Progress", "simulate"]

T = TypeVar("T")

Progress: TypeAlias = Callable[[int, int], object]
"""Called with how much is done, and of how much; both count epochs of one world."""

_TASK: Final = 100
"""Epochs that take about as long as one task with all its answers."""
_FOLLOWER_STAKE: Final = 0.05
_CABAL_STAKE: Final = 0.4
_OWNED_PART: Final = 16


def simulate(
    definition: Subnet, plan: Plan | None = None, *, models: Models | None = None, progress: Progress | None = None
) -> Report:
    """What every strategy would earn under this definition, and whether that is right.

    simulate(Text(), Plan(miners=64, epochs=100)).ok

    `models` are what miners are started with; without it they read documents as those of the bundled subnet. The same
    definition, plan and models give the same report.
    """
    chosen = Plan() if plan is None else plan
    trial = _Trial(definition, chosen, _Progress(progress, chosen))
    return trial.report(models or readers())


class _Progress:
    """Counts what is done and tells whoever wants to know."""

    def __init__(self, told: Progress | None, plan: Plan) -> None:
        copies = any(role in plan.roles for role in ("copier", "sybil"))
        worlds = 1 + copies + bool(plan.followers) + plan.has_cabal
        self._told = told
        self._done, self._total = 0, plan.tasks * _TASK + plan.epochs * worlds

    def epoch(self) -> None:
        self._add(1)

    def task(self) -> None:
        self._add(_TASK)

    def _add(self, count: int) -> None:
        self._done += count
        if self._told is not None:
            self._told(self._done, self._total)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A definition, a plan, and who hears of progress."""

    definition: Subnet
    plan: Plan
    progress: _Progress

    def report(self, models: Models) -> Report:
        """Record, live, judge."""
        plan = self.plan
        players = cast(plan.roles, plan.miners, chance(plan.seed, Purpose.CAST))
        recording = _finished(record(self.definition, players, plan, models, self.progress.task))
        schedule = Schedule(tasks=plan.tasks, validators=plan.validators, epochs=plan.epochs, rounds=plan.rounds)
        seed = int(chance(plan.seed, Purpose.WORLDS).integers(2**63))
        drawn = draws(schedule, seed, range(plan.seeds))
        rows = [*self._miners(recording, drawn), *self._followers(recording, drawn), *self._cabal(recording, drawn)]
        return Report(subnet=self.definition.ref(), plan=plan.to_dict(), rows=tuple(rows))

    def _miners(self, recording: Recording, drawn: Ints) -> Iterator[Row]:
        honest, stake = [Honest()] * self.plan.validators, np.ones(self.plan.validators)
        life = self._live(recording.rewards, honest, stake, drawn)
        alone = None
        if recording.without_copies is not None:
            alone = self._live(recording.without_copies[:, ~recording.cast.extras], honest, stake, drawn)
        return miner_rows(life, recording.cast, alone)

    def _followers(self, recording: Recording, drawn: Ints) -> Iterator[Row]:
        if not (names := self.plan.followers):
            return
        kinds: dict[str, Strategy] = {"lazy": Lazy(), "copying": Copying()}
        count = self.plan.validators - len(names)
        validators: list[Strategy] = [*[Honest()] * count, *[kinds[name] for name in names]]
        life = self._live(recording.rewards, validators, _stakes(count, [_FOLLOWER_STAKE] * len(names)), drawn)
        places = np.arange(self.plan.validators)
        for turn, name in enumerate(names):
            yield follower_row(life, name, places == count + turn, places < count)

    def _cabal(self, recording: Recording, drawn: Ints) -> Iterator[Row]:
        if not self.plan.has_cabal:
            return
        own, v = _owned(recording.cast), self.plan.validators
        members = min(max(1, round(_CABAL_STAKE * v)), v - 1)
        validators: list[Strategy] = [*[Honest()] * (v - members), *[Cabal(own)] * members]
        stake = _stakes(v - members, [_CABAL_STAKE / members] * members)
        life = self._live(recording.rewards, validators, stake, drawn)
        yield cabal_row(life, recording.cast, own, np.arange(v) >= v - members)

    def _live(self, rewards: Array, validators: Sequence[Strategy], stake: Array, drawn: Ints) -> Lifetime:
        world = World(
            rewards=rewards,
            validators=validators,
            stake=stake,
            aggregate=aggregate_of(self.definition, rewards.shape[1]),
            weigh=weigh_of(self.definition, rewards.shape[1]),
            consensus=self.plan.consensus,
        )
        return run(world, drawn, self.progress.epoch)


def _stakes(honest: int, others: list[float]) -> Array:
    """The others' parts of all stake, after an equal part of the rest for each honest validator."""
    return np.array([(1.0 - sum(others)) / honest] * honest + others)


def _owned(players: Cast) -> Flags:
    """The miners of a cabal: those that work badly, which gain most by it; where there are none, some of the honest."""
    if (weak := players.playing("weak")).any():
        return weak
    honest = players.bystanders
    return honest & (np.cumsum(honest) <= max(1, len(honest) // _OWNED_PART))


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, also where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
