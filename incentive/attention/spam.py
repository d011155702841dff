# SPDX-License-Identifier: Apache-2.0
"""What constant output earns, measured: answers that are the same whatever was asked.

Rewarding what is rare rewards junk too, since nobody else says it. So a rule is not judged by clones alone: here some
miners always give the one answer that is a little like every reference, and the share of the pool that they take is
the number that whoever chooses a rule must know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from incentive.arrays import Array, shares
from incentive.attention.contrast import contrast, contrast_gate, moving_contrast
from incentive.attention.draws import across, toward
from incentive.attention.rivals import diversity_mask, fitness_sharing, naive
from incentive.attention.rule import OPEN, Attention, attention_reward
from protocols.errors import OutOfRange

__all__ = ["SpamReport", "constant_spam"]

_HONEST: Final = 20
_DIMENSION: Final = 64
_HONEST_COSINES: Final = (0.75, 0.92)
_CALIBRATED_SHARE: Final = 0.4
_CALIBRATED_SPAMMERS: Final = 19
_COMMON: Final = 0.7
_ALPHA: Final = 0.05


@dataclass(frozen=True, slots=True)
class SpamReport:
    """The spammers' share of the pool under each rule; `str()` of it is a Markdown table."""

    spammers: int
    shares: Mapping[str, float]

    def cut(self, name: str) -> float:
        """How much of what quality alone would pay them the rule takes away."""
        return 1.0 - self.shares[name] / self.shares["quality alone"]

    def __str__(self) -> str:
        lines = [f"| rule | share of {self.spammers} spammers | cut |", "|---|---|---|"]
        lines += [f"| {name} | {share:.2%} | {self.cut(name):.1%} |" for name, share in self.shares.items()]
        return "\n".join(lines)


def constant_spam(
    rng: np.random.Generator, rule: Attention = OPEN, *, spammers: int = 19, tasks: int = 100
) -> SpamReport:
    """The share that constant answers take, mean over the second half of the tasks; the first half fills the window.

    print(constant_spam(numpy.random.default_rng(0)))

    The world: 20 honest miners with cosines .75 to .92 to the reference, references that have some direction in
    common, and spammers who say that direction, just so near to it that 19 of them get 40% for quality alone.
    """
    if spammers < 1 or tasks < 2:
        raise OutOfRange(f"spammers is {spammers} and tasks {tasks}, expected 1 or more, and 2 or more")
    references, answers = _world(rng, spammers, tasks)
    contrasts = np.array([contrast(x, e, np.delete(references, t, 0)) for t, (x, e) in _tasks(answers, references)])
    taken: dict[str, list[float]] = {}
    for t, (x, e) in _tasks(answers, references)[tasks // 2 :]:
        gate = contrast_gate(moving_contrast(contrasts[: t + 1], _ALPHA))
        for name, rewards in _paid(x, np.clip(x @ e, 0.0, 1.0), np.clip(contrasts[t], 0.0, 1.0), gate, rule).items():
            taken.setdefault(name, []).append(float(shares(rewards)[_HONEST:].sum()))
    return SpamReport(spammers, {name: float(np.mean(values)) for name, values in taken.items()})


def _paid(x: Array, similar: Array, contrasted: Array, gate: Array, rule: Attention) -> dict[str, Array]:
    def attention(quality: Array, rule: Attention) -> Array:
        return attention_reward(x, quality, rule=rule).reward

    return {
        "quality alone": naive(x, similar),
        "nearest-neighbour mask": diversity_mask(x, similar),
        "fitness sharing": fitness_sharing(x, similar),
        "attention": attention(similar, rule),
        "attention, beta 5": attention(similar, replace(rule, beta=5.0)),
        "contrast": contrasted,
        "attention + contrast": attention(contrasted, rule),
        "attention + contrast gate": attention(similar * gate, rule),
    }


def _world(rng: np.random.Generator, spammers: int, tasks: int) -> tuple[Array, Array]:
    """The references (T, d) and the answers (T, 20 + spammers, d), the honest ones first."""
    common, own = np.eye(_DIMENSION)[:2]
    axes = np.broadcast_to(common, (tasks, _DIMENSION))
    references = toward(axes, across(rng, axes, 1)[:, 0], _COMMON)
    to_reference = rng.uniform(*_HONEST_COSINES, _HONEST)[:, None]  # (20, 1)
    honest = toward(references[:, None], across(rng, references, _HONEST), to_reference)
    wanted = _CALIBRATED_SHARE / (1.0 - _CALIBRATED_SHARE) * to_reference.sum() / _CALIBRATED_SPAMMERS
    constant = toward(common, own, wanted / _COMMON)
    return references, np.concatenate([honest, np.broadcast_to(constant, (tasks, spammers, _DIMENSION))], axis=1)


def _tasks(answers: Array, references: Array) -> list[tuple[int, tuple[Array, Array]]]:
    return list(enumerate(zip(answers, references, strict=True)))
