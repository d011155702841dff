# SPDX-License-Identifier: Apache-2.0
"""A subnet's economy in arrays: rewards move scores, scores become votes, votes become pay, and pay becomes stake.

What answers are worth is recorded beforehand, by the code that a validator runs; a world replays these rewards to many
validators over many epochs and seeds at once. All chance is drawn before it begins, from a seed of each cell, so worlds
that differ in one thing see the same tasks, and any seed can be run again alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from incentive.arrays import Array, Flags, Ints, fractions, nonnegative, shares, sized
from incentive.consensus import Consensus, Network
from incentive.fixed import PROPORTION
from incentive.simulation.strategies import Strategy, View
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Aggregate", "Lifetime", "Schedule", "Weigh", "World", "draws", "quantised", "run"]

Aggregate: TypeAlias = Callable[[Array, Array, Flags], Array]
"""Scores, rewards and who was asked, (..., N) each, to the scores after the round."""

Weigh: TypeAlias = Callable[[Array], Array]
"""Scores, (..., N), to weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """T recorded tasks and N miners, V validators with their stakes, and the rules by which one becomes the other."""

    rewards: Array  # (T, N)
    validators: Sequence[Strategy]  # V
    stake: Array  # (V,)
    aggregate: Aggregate
    weigh: Weigh
    consensus: Consensus
    growth: float = 0.001
    """What an epoch's dividends add to all stake, as a part of it."""

    def __post_init__(self) -> None:
        if fractions("rewards", self.rewards).ndim != 2 or not self.rewards.size:
            raise WrongShape(f"rewards have shape {self.rewards.shape}, expected (tasks, miners)")
        sized("stake", nonnegative("stake", self.stake), len(self.validators))
        if not 0.0 <= self.growth <= 1.0:
            raise OutOfRange(f"growth is {self.growth}, expected 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often what happens: each validator sees `rounds` of the T tasks in each epoch."""

    tasks: int
    validators: int
    epochs: int
    rounds: int


@dataclass(frozen=True, slots=True, eq=False)
class Lifetime:
    """What everybody had on average over the later half of the epochs, in each of B seeds.

    The earlier half is not counted: while scores and bonds still form, a validator that follows others pays for it
    once, and a short run would take that for a price that it goes on paying.
    """

    incentive: Array  # (B, N) miners' shares of the pool
    dividends: Array  # (B, V) validators' shares
    stake: Array  # (B, V) parts of all stake


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """Where a world stands between two epochs."""

    scores: Array  # (B, V, N)
    votes: Array  # (B, V, N) as set last
    consensus: Array  # (B, N)
    bonds: Array  # (B, V, N)
    stake: Array  # (B, V)


def draws(schedule: Schedule, seed: int, cells: Sequence[int]) -> Ints:
    """Which task each validator sees in each round, (E, B, V, rounds), for these of a seed's cells.

    Each cell first draws its own T tasks from the T that were recorded, with replacement: that the cells differ shows
    how far a result hangs on which tasks were recorded.
    """
    size = (schedule.epochs, schedule.validators, schedule.rounds)
    drawn = np.empty((schedule.epochs, len(cells), schedule.validators, schedule.rounds), dtype=np.int64)
    for place, cell in enumerate(cells):
        # The same as the cell's place in SeedSequence(seed).spawn(...), without those before it.
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(cell,)))
        bag = rng.integers(schedule.tasks, size=schedule.tasks)
        drawn[:, place] = bag[rng.integers(schedule.tasks, size=size)]
    return drawn


def run(world: World, drawn: Ints, after: Callable[[], object] | None = None) -> Lifetime:
    """Let a world live through the epochs of `draws`; `after` is called at the end of each."""
    epochs, cells, v, _ = drawn.shape
    n = world.rewards.shape[1]
    if v != len(world.validators):
        raise WrongShape(f"tasks are drawn for {v} validators, and the world has {len(world.validators)}")
    nothing = np.zeros((cells, v, n))
    stake = np.tile(shares(nonnegative("stake", world.stake)), (cells, 1))
    state = _State(nothing, nothing, np.zeros((cells, n)), nothing, stake)
    totals = np.zeros((cells, n)), np.zeros((cells, v)), np.zeros((cells, v))
    for epoch, picks in enumerate(drawn):
        staked = state.stake
        state, incentive, dividends = _epoch(world, state, picks)
        if epoch >= epochs // 2:
            for total, now in zip(totals, (incentive, dividends, staked), strict=True):
                total += now
        if after is not None:
            after()
    return Lifetime(*(total / (epochs - epochs // 2) for total in totals))


def quantised(weights: Array) -> Array:
    """Weights, (..., N), as the chain's 16 bits keep them: counts of which the largest is 65535, as shares."""
    largest = weights.max(axis=-1, keepdims=True, initial=0.0)
    relative = np.divide(weights, largest, out=np.zeros_like(weights), where=largest > 0.0)
    return shares(np.floor(relative * PROPORTION + 0.5))


def _epoch(world: World, state: _State, picks: Ints) -> tuple[_State, Array, Array]:
    state = _voted(world, _judged(world, state, picks))
    outcome = world.consensus.run(Network(state.votes, state.stake, state.bonds))
    grown = shares(state.stake + world.growth * outcome.dividends)
    after = replace(state, consensus=outcome.consensus, bonds=outcome.bonds, stake=grown)
    return after, outcome.incentive, outcome.dividends


def _judged(world: World, state: _State, picks: Ints) -> _State:
    """The scores after an epoch's rounds, (B, V, rounds) of them."""
    scores = state.scores
    asked = np.ones(scores.shape, dtype=np.bool_)
    for seen in np.moveaxis(picks, -1, 0):
        scores = world.aggregate(scores, world.rewards[seen], asked)
    return replace(state, scores=scores)


def _voted(world: World, state: _State) -> _State:
    """The votes of all validators; whoever has nothing to say holds on to its last."""
    judged = sized("weights", nonnegative("weights", world.weigh(state.scores)), *state.scores.shape)
    votes = np.empty_like(judged)
    for place, strategy in enumerate(world.validators):
        votes[:, place] = strategy.votes(View(judged[:, place], state.consensus))
    votes = quantised(votes)
    return replace(state, votes=np.where(votes.any(axis=-1, keepdims=True), votes, state.votes))
