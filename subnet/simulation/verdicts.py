# SPDX-License-Identifier: Apache-2.0
"""What each strategy may earn at most, and whether it did: the criteria are here, each with its reason.

All are ratios, so that neither the size of a network nor that of its pool moves them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from incentive.arrays import Array, Flags
from incentive.simulation.measure import capture, each, pool, ratio, yields
from incentive.simulation.strategies import Cast
from incentive.simulation.world import Lifetime
from subnet.simulation.report import Row, Status

__all__ = ["Criterion", "cabal_row", "follower_row", "miner_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A limit for a figure, and what to do where it is broken."""

    text: str
    sign: Literal["<", "<=", ">"]
    limit: float
    advice: str
    warn_above: float = np.inf
    warning: str = ""

    def judged(self, strategy: str, count: int, earned: tuple[Array, Array], figures: Array) -> Row:
        """The row: `earned` are the pool and each, and `figures` what is judged, in every seed, (B,)."""
        at = int(np.argmin(figures) if self.sign == ">" else np.argmax(figures))
        worst = float(figures[at])
        status, advice = self._verdict(worst)
        return Row(
            strategy=strategy,
            count=count,
            pool=float(earned[0].mean()),
            each=float(earned[1].mean()),
            mean=float(figures.mean()),
            worst=worst,
            worst_seed=at,
            criterion=self.text,
            status=status,
            advice=advice,
        )

    def _verdict(self, worst: float) -> tuple[Status, str]:
        held = {"<": worst < self.limit, "<=": worst <= self.limit, ">": worst > self.limit}[self.sign]
        if not held:
            return "fail", self.advice
        return ("warn", self.warning) if worst > self.warn_above else ("pass", "")


_HONEST: Final = Criterion(
    text="pool > 0: honest work is paid",
    sign=">",
    limit=0.0,
    advice="the score gives honest answers nothing: if they need a model, hand one in (Models)",
)
_WEAK: Final = Criterion(
    text="each < 1: worse earns less",
    sign="<",
    limit=1.0,
    advice="worse answers earn as much as good ones: compare them with what the validator knows to be true",
)
_COPIER: Final = Criterion(
    text="copier / victim <= 1.001",
    sign="<=",
    limit=1.001,  # beyond what 16 bits round
    advice="a copy earns more than its original",
)
_COPIES: Final = Criterion(
    text="with copies / alone <= 1.05",
    sign="<=",
    limit=1.05,
    advice="an answer pays again each time it is copied: divide the reward among equal ones (attention_reward)",
)
_SYBIL: Final = Criterion(
    text="group / one of each <= 1.10",
    sign="<=",
    limit=1.10,
    advice="one model earns more under many hotkeys: divide the reward among equal answers (attention_reward)",
)
_IDLE: Final = Criterion(
    text="pool < 0.02: no work, no pay",
    sign="<",
    limit=0.02,
    advice="answers that ignore the question are paid: take off what they would get for other tasks (contrast_quality)",
)
_FOLLOWERS: Final = {
    # No threshold can be stricter than nature: where honest miners are alike, equal weights are nearly right.
    "lazy": Criterion(
        text="each < 1: idleness costs",
        sign="<",
        limit=1.0,
        advice="validators that ask nobody earn as much as honest ones: rewards say too little about miners",
        warn_above=0.95,
        warning="rewards are so flat that equal weights for all cost a validator almost nothing",
    ),
    # Who copies what all agree on is never cut by consensus, and an honest validator's chance errors are.
    "copying": Criterion(
        text="each <= 1.05: no gain in it",
        sign="<=",
        limit=1.05,
        advice="honest validators disagree so much that copying pays: lower alpha, or hide weights by commit-reveal",
    ),
}
_CABAL: Final = Criterion(
    text="pool / stake < 1, from 40%",
    sign="<",
    limit=1.0,
    advice="votes of a minority for its own miners are not cut: honest validators agree too little on what those earn",
)


def miner_rows(life: Lifetime, cast: Cast, alone: Lifetime | None) -> Iterator[Row]:
    """The rows of all ways to mine; `alone` is the life without copies, with a column for each that is not one."""
    honest = cast.bystanders
    yield _miners(_HONEST, "honest", life, cast, pool(life, cast.playing("honest")))
    if (weak := cast.playing("weak")).any():
        yield _miners(_WEAK, "weak", life, cast, each(life, weak, honest))
    if alone is not None:
        yield from _copies(life, cast, alone)
    idle = [role for role in ("constant", "silent") if role in cast.roles]
    if idle:
        members = cast.playing(*idle)
        earned = pool(life, members), each(life, members, honest)
        yield _IDLE.judged(" + ".join(idle), int(members.sum()), earned, earned[0])


def follower_row(life: Lifetime, strategy: str, members: Flags, honest: Flags) -> Row:
    """The row of a way to validate without asking anyone."""
    figures = yields(life, members, honest)
    paid = life.dividends[:, members].sum(axis=-1)
    return _FOLLOWERS[strategy].judged(f"{strategy} validator", int(members.sum()), (paid, figures), figures)


def cabal_row(life: Lifetime, cast: Cast, own: Flags, members: Flags) -> Row:
    """The row of validators who vote for their own miners."""
    earned = pool(life, own), yields(life, members, ~members)
    return _CABAL.judged("cabal", int(members.sum()), earned, capture(life, own, members))


def _miners(criterion: Criterion, role: str, life: Lifetime, cast: Cast, figures: Array) -> Row:
    members = cast.playing(role)
    earned = pool(life, members), each(life, members, cast.bystanders)
    return criterion.judged(role, int(members.sum()), earned, figures)


def _copies(life: Lifetime, cast: Cast, alone: Lifetime) -> Iterator[Row]:
    if (copiers := cast.playing("copier")).any():
        victims = cast.source[copiers]
        highest = ratio(life.incentive[:, copiers], life.incentive[:, victims]).max(axis=-1)
        yield _miners(_COPIER, "copier", life, cast, highest)
        yield _grown(_COPIES, "copier + victim", (life, alone), cast, copiers | cast.victims)
    if (sybils := cast.playing("sybil")).any():
        yield _grown(_SYBIL, "sybil", (life, alone), cast, sybils)


def _grown(criterion: Criterion, strategy: str, lives: tuple[Lifetime, Lifetime], cast: Cast, group: Flags) -> Row:
    """What a group earned beside what those of it earned that were there before the copies."""
    present, honest = ~cast.extras, cast.bystanders
    attacked = each(lives[0], group, honest) * group.sum()
    originals = (group & present)[present]
    before = each(lives[1], originals, honest[present]) * originals.sum()
    earned = pool(lives[0], group), each(lives[0], group, honest)
    return criterion.judged(strategy, int(group.sum()), earned, ratio(attacked, before))
