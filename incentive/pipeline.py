# SPDX-License-Identifier: Apache-2.0
"""Several opinions of an answer made one reward: a weighted mean of reward terms, times every mask.

Terms trade against each other, masks do not: an answer of the wrong format is worth nothing however good it reads.
Every stage is kept, so that a miner who asks why can be told. Nothing is rescaled to the best and worst of the batch:
that pays the best of a bad batch in full, and everybody alike when all answers are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, fractions, nonnegative, shares, sized
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Combined", "Explanation", "Pipeline", "Stage"]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One term: what it said of each miner, and for a reward how much it counts."""

    name: str
    kind: Literal["reward", "mask"]
    weight: float
    """Its part of the mean; 1 for a mask, which counts in full."""
    values: Array  # (N,)


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one miner's reward came about, stage by stage; `str()` of it is for reading."""

    miner: int
    stages: tuple[tuple[str, Literal["reward", "mask"], float, float], ...]
    """Name, kind, weight and value of each."""
    mean: float
    reward: float

    def __str__(self) -> str:
        rewards = [
            f"{weight:.3g} x {name} {value:.4g}" for name, kind, weight, value in self.stages if kind == "reward"
        ]
        masks = [f" x {name} {value:.4g}" for name, kind, _, value in self.stages if kind == "mask"]
        return f"miner {self.miner}: ({' + '.join(rewards)} = {self.mean:.4g}){''.join(masks)} = {self.reward:.4g}"

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain values, for a log or a reply."""
        stages = [{"name": n, "kind": k, "weight": w, "value": v} for n, k, w, v in self.stages]
        return {"miner": self.miner, "stages": stages, "mean": self.mean, "reward": self.reward}


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """The rewards of a round with everything that led to them."""

    stages: tuple[Stage, ...]
    mean: Array  # (N,) of the reward terms, before any mask
    rewards: Array  # (N,)

    def explain(self, miner: int) -> Explanation:
        """Why this miner, by its place among the answers, got its reward."""
        if not 0 <= miner < len(self.rewards):
            raise OutOfRange(f"miner {miner} is not among {len(self.rewards)} answers")
        stages = tuple((stage.name, stage.kind, stage.weight, float(stage.values[miner])) for stage in self.stages)
        return Explanation(miner, stages, float(self.mean[miner]), float(self.rewards[miner]))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Which terms make up a reward, and how much each counts.

    pipeline = Pipeline(rewards={"quality": 0.7, "speed": 0.3}, masks=("format", "diversity"))
    combined = pipeline.combine({"quality": q, "speed": s, "format": f, "diversity": d})
    """

    rewards: Mapping[str, float]
    """Weights, each 0 or more, that may sum to anything above zero: only their proportions count."""
    masks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [*self.rewards, *self.masks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise WrongShape(f"term {twice[0]!r} is named {names.count(twice[0])} times, expected once")
        if not any(self.weights.values()):
            raise OutOfRange(
                f"weights of rewards {dict(self.rewards)} sum to 0, expected more", help='rewards={"quality": 1.0}'
            )

    @property
    def weights(self) -> dict[str, float]:
        """Each reward's part of the mean."""
        parts = shares(nonnegative("weights of rewards", list(self.rewards.values())))
        return dict(zip(self.rewards, parts.tolist(), strict=True))

    def combine(self, terms: Mapping[str, npt.ArrayLike]) -> Combined:
        """Weigh the reward terms and apply the masks, all of which lie from 0 to 1 for each of N miners."""
        self._check_names(terms)
        stages = self._stages(terms)
        values = [stage.weight * stage.values for stage in stages if stage.kind == "reward"]
        # A mean of ones may round to just above one, which no reward may be.
        mean = np.minimum(np.sum(values, axis=0), 1.0)  # (N,)
        masked = mean.copy()
        for stage in stages:
            if stage.kind == "mask":
                masked *= stage.values
        return Combined(stages, mean, masked)

    def _stages(self, terms: Mapping[str, npt.ArrayLike]) -> tuple[Stage, ...]:
        miners: int | None = None
        stages = []
        for name, weight in [*self.weights.items(), *((mask, 1.0) for mask in self.masks)]:
            values = fractions(f"{name} of miner", terms[name])
            miners = values.size if miners is None else miners
            kind: Literal["reward", "mask"] = "mask" if name in self.masks else "reward"
            stages.append(Stage(name, kind, weight, sized(name, values, miners).copy()))
        return tuple(stages)

    def _check_names(self, terms: Mapping[str, npt.ArrayLike]) -> None:
        known = [*self.rewards, *self.masks]
        for name in terms:
            if name not in known:
                raise WrongShape(f"term {name!r} is not one of {known}", help=_meant(name, known))
        for name in known:
            if name not in terms:
                raise WrongShape(f"term {name!r} is missing from {sorted(terms)}", help=f"terms[{name!r}] = ...")


def _meant(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"add {name!r} to the pipeline's rewards or masks"
