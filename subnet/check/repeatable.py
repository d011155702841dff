# SPDX-License-Identifier: Apache-2.0
"""Checks that two validators of one version agree: the same seed, the same tasks; the same replies, the same scores.

Validators that disagree about the same replies take each other's dividends, and nobody can compute a score again.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from protocols.errors import InvalidSubnet
from protocols.task import Replies
from subnet.check.trial import Trial, replies

__all__ = ["order", "scores", "tasks"]

_ROUNDING: Final = 1e-9
_FROM_CTX: Final = "draw from ctx.rng and read ctx.clock; not random, time, sets of text, or what is kept between calls"


def tasks(trial: Trial) -> str:
    """The same seed makes the same tasks."""
    first, again = trial.tasks(), trial.drawn(trial.make())
    for at, (one, other) in enumerate(zip(first, again, strict=True)):
        if one.ask != other.ask:
            raise InvalidSubnet(
                f"task {at} of seed {trial.seed} is {_shown(one.ask)}, the second time {_shown(other.ask)}",
                help=_FROM_CTX,
            )
    return f"{len(first)} tasks, drawn twice"


def scores(trial: Trial) -> str:
    """The same replies earn the same, to the last bit."""
    paid, other = trial.paid(), trial.make()
    for at, task in enumerate(trial.drawn(other)):
        if task.ask != trial.tasks()[at].ask:
            raise InvalidSubnet("not tried: tasks failed above", help="mend that first")
        ways = trial.population(at)
        again = other.rewards(task, replies(list(ways.values())))
        if not np.array_equal(paid[at], again):
            row = int(np.argmax(paid[at] != again))
            raise InvalidSubnet(
                f"score gave {paid[at][row]} for the {list(ways)[row]} answer to task {at}, then {again[row]}",
                help="let score use nothing but the task and the replies",
            )
    return f"{trial.count} tasks with {len(ways)} replies each, scored twice"


def order(trial: Trial) -> str:
    """What an answer earns does not depend on where it stands."""
    trial.paid()
    rng = np.random.default_rng(trial.seed)
    for at, task in enumerate(trial.tasks()):
        ways = {**trial.population(at), "copied": trial.honest()[at]}
        rows, names = replies(list(ways.values())), list(ways)
        stood = trial.rewards(at, ways)
        for way in (np.arange(len(rows))[::-1], rng.permutation(len(rows))):
            moved = trial.definition().rewards(task, Replies(tuple(rows[row] for row in way)))
            off = np.abs(moved - stood[way])
            if off.max() > _ROUNDING:
                to = int(np.argmax(off))
                raise InvalidSubnet(
                    f"the {names[way[to]]} answer to task {at} earned {stood[way[to]]} as reply {way[to]}, "
                    f"{moved[to]} as reply {to}",
                    help="treat replies as a set: no first come, first served, no comparison with the reply before",
                )
    return f"{trial.count} tasks with {len(rows)} replies each, in 3 orders"


def _shown(ask: object) -> str:
    said = repr(ask)
    return said if len(said) <= 80 else f"{said[:77]}..."
