# SPDX-License-Identifier: Apache-2.0
"""The attention rule: a good answer is paid once, however many miners give it.

Dividing by similarity with one kernel is not proof against clones: a hundred copies of one answer out of twenty took
more than eleven times its share. Two kernels are: the sharp one settles who owns an answer, the broad one who shares
a region, and the second counts every answer once. A copier then takes from its victim only, at most in proportion to
their priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, fractions, shares, sized
from incentive.attention.division import part, priors
from incentive.attention.explanation import Explanation, Neighbour
from incentive.attention.kernels import Kernels, kernel_pair
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Attention", "OPEN", "Rewards", "attention_reward"]


@dataclass(frozen=True, slots=True)
class Attention:
    """The parameters: sharp band (tau0, tau1), region (c0, p), crowding gamma, steepness beta.

    Calibrate the band for each embedder, with answers that the validator owns (`incentive.similarity.calibrate_tau`).
    """

    tau0: float = 0.85
    tau1: float = 0.95
    c0: float = 0.5
    p: float = 2.0
    gamma: float = 1.0
    beta: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            finite(field.name, getattr(self, field.name))
        if not -1.0 <= self.tau0 < self.tau1 <= 1.0:
            raise OutOfRange(f"tau0 is {self.tau0} and tau1 is {self.tau1}, expected -1 <= tau0 < tau1 <= 1")
        if not -1.0 <= self.c0 < 1.0:
            raise OutOfRange(f"c0 is {self.c0}, expected -1 <= c0 < 1")
        if self.p <= 0.0:
            raise OutOfRange(f"p is {self.p}, expected more than 0")
        if self.gamma < 0.0 or self.beta < 0.0:
            raise OutOfRange(f"gamma is {self.gamma} and beta is {self.beta}, expected 0 or more")

    @classmethod
    def closed(cls) -> Attention:
        """For tasks with one right answer: honest miners agree there, so a crowded region is no fault."""
        return cls(gamma=0.0)

    @classmethod
    def windowed(cls) -> Attention:
        """For a `window`: what correlates there are errors, so far less of it tells copies from honest answers."""
        return cls(tau0=0.1, tau1=0.3)

    def kernels(self, embeddings: npt.ArrayLike, window: npt.ArrayLike | None = None) -> Kernels:
        """How close answers are, for whoever asks more of them than the reward."""
        return kernel_pair(embeddings, window, (self.tau0, self.tau1), (self.c0, self.p))

    def value(self, quality: Array) -> Array:
        """What a quality is worth: itself, or (e^(beta q) - 1) / (e^beta - 1), written so that it cannot overflow."""
        if self.beta < np.finfo(np.float64).eps:
            return quality.copy()
        worth: Array = np.exp(self.beta * (quality - 1.0)) * (np.expm1(-self.beta * quality) / np.expm1(-self.beta))
        return worth


OPEN: Final = Attention()
"""The rule for tasks with many good answers."""


@dataclass(frozen=True, slots=True, eq=False)
class Rewards:
    """Every stage of the rule for N miners, each (N,)."""

    quality: Array  # q
    claim: Array  # m = pi q
    share: Array  # s: of the answer
    mass: Array  # t: quality, counted once per answer
    attention: Array  # u: of the region
    value: Array  # v
    reward: Array  # r
    weights: Array  # w
    kernels: Kernels
    rule: Attention

    def explain(self, miner: int, names: Sequence[str] | None = None) -> Explanation:
        """Why this miner got what it got; `names`, such as hotkeys, are for the reader."""
        count = len(self.reward)
        if not 0 <= miner < count:
            raise OutOfRange(f"miner is {miner}, expected 0 to {count - 1}")
        called = names if names is not None else [f"miner {i}" for i in range(count)]
        if len(called) != count:
            raise WrongShape(f"{len(called)} names for {count} miners")
        return Explanation(
            miner=miner,
            name=called[miner],
            quality=float(self.quality[miner]),
            share=float(self.share[miner]),
            mass=float(self.mass[miner]),
            attention=float(self.attention[miner]),
            value=float(self.value[miner]),
            crowding=self.rule.gamma,
            reward=float(self.reward[miner]),
            weight=float(self.weights[miner]),
            same=self._neighbours(miner, self.kernels.sharp, self.claim, called),
            near=self._neighbours(miner, self.kernels.broad, self.mass, called),
        )

    def _neighbours(self, miner: int, kernel: Array, amounts: Array, names: Sequence[str]) -> tuple[Neighbour, ...]:
        closeness = self.kernels.row(kernel, miner)  # (N,)
        mass = closeness * amounts
        parts = shares(mass)
        order = (int(i) for i in np.argsort(-mass, kind="stable") if mass[i] > 0.0 and i != miner)
        return tuple(Neighbour(i, names[i], float(closeness[i]), float(mass[i]), float(parts[i])) for i in order)


def attention_reward(
    embeddings: npt.ArrayLike | Kernels,
    quality: npt.ArrayLike,
    *,
    prior: npt.ArrayLike | None = None,
    window: npt.ArrayLike | None = None,
    rule: Attention = OPEN,
) -> Rewards:
    """The reward of each miner for one query, with every stage that led to it.

    `embeddings` (N, d) are the answers, or what `rule.kernels` made of them with or without a window; `quality` (N,) is
    what each is worth by itself. `prior` (N,) says how much a miner's claim to an answer counts against others' (stake,
    deposit, score; 1 by default), and `window` (N, N) says how alike miners were over many queries
    (`SimilarityTracker.matrix`), in place of this one answer's cosine.

    Three miners, of whom two gave the same answer: attention_reward([[1, 0], [1, 0], [0, 1]], [1, 1, 1]).reward is
    [0.5, 0.5, 1].
    """
    near = embeddings if isinstance(embeddings, Kernels) else rule.kernels(embeddings, window)
    miners = len(near.group)
    q = sized("quality", fractions("quality", quality), miners).copy()
    given, pi = priors(prior, miners)
    m = pi * q  # worthless answers exert no pressure
    s = part(m, near.spread(near.sharp, m))
    t = q * s
    u = part(q, near.spread(near.broad, t))
    v = rule.value(q)
    r = v * s * u**rule.gamma
    return Rewards(q, given * q, s, t, u, v, r, shares(r), near, rule)
