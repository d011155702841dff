# SPDX-License-Identifier: Apache-2.0
"""Checks of what answers are worth: rewards are rewards, work pays more than none, and saying it again pays nothing.

These are the two ways in which a subnet is emptied: by miners who found an answer that costs nothing, and by one miner
who registers many times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from protocols.columns import Floats
from protocols.errors import InvalidSubnet
from subnet.check.playing import Items
from subnet.check.trial import Trial, Witness

__all__ = ["duplicates", "honesty", "rewards"]

_COPIES: Final = (1, 4)
_GAIN: Final = 1.05
_ROUNDING: Final = 1e-9


def rewards(trial: Trial) -> str:
    """There is one reward a reply, from 0 to 1, and 0 where none came."""
    paid = trial.paid()
    for at, given in enumerate(paid):
        _check(given, trial.population(at))
    # A round in which nobody answers, or nobody is asked, is scored like any other.
    for nobody in ({}, {"missing": ()}, {"missing": (), "silent": ()}):
        _check(trial.rewards(0, nobody), nobody)
    return f"{np.size(paid)} replies earned {np.min(paid):.3g} to {np.max(paid):.3g}"


def honesty(trial: Trial) -> str:
    """The definition's own answers earn more than any that take no work."""
    mean = np.mean(trial.paid(), axis=0)
    ways = list(trial.population(0))
    best = 1 + int(np.argmax(mean[1:]))
    garbage = "answers of other tasks" if ways[best] == "of other tasks" else f"{ways[best]} answers"
    if mean[0] < _ROUNDING and mean[best] < _ROUNDING:
        raise InvalidSubnet(f"the definition's own answers earned {mean[0]:.3g}, expected above 0", help=_advice(trial))
    if not mean[best] < mean[0] - _ROUNDING:
        raise InvalidSubnet(
            f"{garbage} earned {mean[best]:.3g} a task, the definition's own answers {mean[0]:.3g}", help=_advice(trial)
        )
    return f"own answers earned {mean[0]:.3g} a task, {garbage} {mean[best]:.3g}"


def duplicates(trial: Trial) -> str:
    """An answer and its copies together earn what it earned alone."""
    alone, gains = _with_copies(trial, 0), []
    for copies in _COPIES:
        together = _with_copies(trial, copies)
        if together > _GAIN * alone + _ROUNDING:
            raise InvalidSubnet(
                f"an answer and {copies} {'copy' if copies == 1 else 'copies'} of it earned {together:.3g} a task, "
                f"{alone:.3g} alone, limit {_GAIN:g} times that",
                help="divide what an answer is worth among those who gave it: incentive.attention.attention_reward",
            )
        gains.append(together / alone if alone else 0.0)
    return f"with {_COPIES[-1]} copies {max(gains):.2f} times as much"


def _with_copies(trial: Trial, copies: int) -> float:
    """What an answer and so many copies of it earn together for a task, on average."""
    trial.paid()
    total = 0.0
    for at in range(trial.count):
        mine, *others = trial.population(at).items()
        # Whoever happens to say the same would be a copy already; it keeps its place and says nothing.
        rows = dict([mine, *((way, () if items == mine[1] else items) for way, items in others)])
        clones = {f"copy {number}": mine[1] for number in range(copies)}
        paid = trial.rewards(at, rows | clones)
        total += float(paid[0] + paid[len(rows) :].sum())
    return total / trial.count


def _check(paid: Floats, population: Mapping[str, Items]) -> None:
    # `Subnet.rewards` holds `score` to this, and can itself be replaced.
    came = np.array([bool(items) for items in population.values()], dtype=np.bool_)
    if paid.shape != came.shape or not ((paid >= 0) & (paid <= 1)).all() or paid[~came].any():
        raise InvalidSubnet(
            f"rewards gave {paid}, expected {len(came)} numbers from 0 to 1, and 0 where no reply came",
            help="leave rewards as Subnet has it, and define score",
        )


def _advice(trial: Trial) -> str:
    if isinstance(trial.model, Witness) and trial.model.asked:
        return "the stand-in model reads only what subnet.text writes: check(..., model=the model of your miners)"
    return "let score pay for what only the work gives, and tasks differ; see what answer gives for them"
