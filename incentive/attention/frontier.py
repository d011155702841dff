# SPDX-License-Identifier: Apache-2.0
"""What cloning gains, measured: the sybil frontier of a rule.

One of twenty honest miners splits into k, whose answers are copies of its own, exact or paraphrased. How much more of
the pool they take together than the one did is the number that whoever chooses a rule must know; and so is what a
victim keeps when strangers copy it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from incentive.arrays import Array, fractions
from incentive.attention.draws import across, directions, toward
from incentive.attention.rivals import Rival
from incentive.attention.rule import OPEN, Attention, attention_reward
from incentive.attention.tracker import SimilarityTracker
from protocols.errors import OutOfRange

__all__ = ["COSINES", "Frontier", "Standing", "sybil_frontier"]

COSINES: Final = (1.0, 0.99, 0.97, 0.94, 0.90, 0.85)
"""How alike the copies are in the table, exact ones first."""

_HONEST: Final = 20
_DIMENSION: Final = 64
_COSINE: Final = 0.75
_TASKS: Final = 32
_SIZES: Final = 10

_Pays: TypeAlias = Callable[[int], Array]
_Scheme: TypeAlias = Callable[[Array], _Pays]


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule: its gains by cosine of the copies, and what is left to a victim after 1 and after 99 exact copies."""

    name: str
    gains: tuple[float, ...]
    victim: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frontier:
    """The table; `str()` of it is Markdown."""

    cosines: tuple[float, ...]
    rows: tuple[Standing, ...]

    def __getitem__(self, name: str) -> Standing:
        """The rule of that name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise OutOfRange(f"no rule is called {name!r}, expected one of {[row.name for row in self.rows]}")

    def __str__(self) -> str:
        heads = ["exact" if cosine == 1.0 else f"{cosine:.2f}" for cosine in self.cosines]
        lines = [f"| rule | {' | '.join(heads)} | victim after 1 | after 99 |", "|---" * (len(heads) + 3) + "|"]
        for row in self.rows:
            cells = [f"{gain:.2f}" for gain in row.gains] + [f"{kept:.3f}" for kept in row.victim]
            lines.append(f"| {row.name} | {' | '.join(cells)} |")
        return "\n".join(lines)


def sybil_frontier(
    rng: np.random.Generator,
    rule: Attention = OPEN,
    *,
    windowed: Attention | None = None,
    rivals: Mapping[str, Rival] | None = None,
    cosines: Sequence[float] = COSINES,
    copies: int = 100,
) -> Frontier:
    """The most that k <= `copies` copies gain over one answer: of the rule, of `windowed` with a window, of rivals.

    print(sybil_frontier(numpy.random.default_rng(0), windowed=Attention.windowed(), rivals=RIVALS))

    The world: 20 honest answers with pairwise cosine .75 in 64 dimensions, all of quality 1, and copies of one of them
    with the stated cosine among each other; k takes ten values up to `copies`. The window is of 32 queries.
    """
    if copies < 1:
        raise OutOfRange(f"copies is {copies}, expected 1 or more")
    fractions("cosines", cosines)
    world = _World.drawn(rng, max(copies, 99))
    schemes = _schemes(world, rule, windowed, rivals or {})
    sizes = np.unique(np.geomspace(1, copies, _SIZES).round().astype(np.int64))
    alone = {name: _taken(scheme(world.original())) for name, scheme in schemes.items()}
    gains: dict[str, list[float]] = {name: [] for name in schemes}
    for cosine in cosines:
        answers = world.split(cosine)
        for name, scheme in schemes.items():
            pays = scheme(answers)
            gains[name].append(max(_taken(pays, int(k)) for k in sizes) / alone[name])
    exact = world.split(1.0)
    rows = (Standing(name, tuple(gains[name]), _kept(scheme(exact))) for name, scheme in schemes.items())
    return Frontier(tuple(cosines), tuple(rows))


@dataclass(frozen=True, slots=True, eq=False)
class _World:
    references: Array  # (T, d)
    honest: Array  # (T, 20, d)
    noise: Array  # (T, copies, d), across the first honest answer

    @classmethod
    def drawn(cls, rng: np.random.Generator, copies: int) -> _World:
        references = directions(rng, _TASKS, _DIMENSION)
        # Answers at sqrt(c) to one axis, at random otherwise, have cosine c among each other.
        honest = toward(references[:, None], across(rng, references, _HONEST), math.sqrt(_COSINE))
        return cls(references, honest, across(rng, honest[:, 0], copies))

    def original(self) -> Array:
        """The honest miners, (T, 20, d), the one that will split last."""
        return np.roll(self.honest, -1, axis=1)

    def split(self, cosine: float) -> Array:
        """Copies with this cosine among each other in the place of the original, (T, 19 + copies, d)."""
        copied = toward(self.honest[:, :1], self.noise, math.sqrt(cosine))
        return np.concatenate([self.honest[:, 1:], copied], axis=1)

    def window(self, answers: Array) -> Array:
        """The window similarity after all tasks."""
        names = [str(i) for i in range(answers.shape[1])]
        tracker = SimilarityTracker()
        for answer, reference in zip(answers, self.references, strict=True):
            tracker.update(names, answer, reference)
        return tracker.matrix(names)


def _schemes(
    world: _World, rule: Attention, windowed: Attention | None, rivals: Mapping[str, Rival]
) -> dict[str, _Scheme]:
    """By name: from all answers (T, N, d), what the rule pays the first n miners for the last task."""

    def by_answers(pays: Rival) -> _Scheme:
        return lambda answers: lambda n: pays(answers[-1, :n], np.ones(n))

    def with_window(rule: Attention) -> _Scheme:
        def scheme(answers: Array) -> _Pays:
            seen = world.window(answers)
            return lambda n: attention_reward(answers[-1, :n], np.ones(n), window=seen[:n, :n], rule=rule).reward

        return scheme

    schemes = {"attention": by_answers(lambda answers, q: attention_reward(answers, q, rule=rule).reward)}
    if windowed is not None:
        schemes["attention + window"] = with_window(windowed)
    return schemes | {name: by_answers(rival) for name, rival in rivals.items()}


def _taken(pays: _Pays, copies: int = 1) -> float:
    """The part of the pool that goes to the copies, who come after the other honest miners."""
    rewards = pays(_HONEST - 1 + copies)
    return float(rewards[_HONEST - 1 :].sum() / rewards.sum())


def _kept(pays: _Pays) -> tuple[float, float]:
    """What part of its reward the original keeps after 1 and after 99 exact copies."""
    before, after_1, after_99 = (float(pays(_HONEST + copies)[_HONEST - 1]) for copies in (0, 1, 99))
    return after_1 / before, after_99 / before
