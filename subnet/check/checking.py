# SPDX-License-Identifier: Apache-2.0
"""Runs every check over a definition, and keeps whatever it raises: a broken definition gives a report like any other.

The order matters to who reads it: what comes first is what the rest depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np

from protocols.columns import Floats
from protocols.model import Model
from protocols.spec import Subnet
from subnet.check.contracts import aggregate, policy, sample, weigh
from subnet.check.copies import likeness, variant
from subnet.check.fault import told
from subnet.check.repeatable import order, scores, tasks
from subnet.check.report import Report, Row
from subnet.check.room import Room
from subnet.check.serving import answers, event_loop, wire
from subnet.check.trial import Trial, Witness, replies
from subnet.check.worth import duplicates, honesty, rewards
from subnet.text import Extractive

__all__ = ["CHECKS", "Check", "check", "rehearse"]

Check: TypeAlias = Callable[[Trial], str]
"""Returns what was measured, or raises what is wrong; named for its subject, its sentence says what it proves."""

_DEADLINE_S: Final = 12.0

CHECKS: Final[tuple[Check, ...]] = (
    *(tasks, answers, event_loop, wire),
    *(rewards, scores, order, honesty, duplicates),
    *(variant, likeness),
    *(sample, aggregate, weigh, policy),
)


def check(
    definition: Subnet | type[Subnet],
    *,
    seed: int = 0,
    tasks: int = 8,
    model: Model | None = None,
    deadline_s: float = _DEADLINE_S,
) -> Report:
    """Try a definition on so many tasks; `model` is what its miners would work with, by default a reader of our texts.

    A class is tried with instances of its own, an instance with itself.
    """
    kind = definition if isinstance(definition, type) else type(definition)
    with Room() as room:
        worker = Witness(Extractive(1.0, seed)) if model is None else model
        trial = Trial(_maker(definition), room, worker, seed, tasks, deadline_s)
        rows = tuple(_row(one, trial, kind) for one in CHECKS)
    return Report(kind.ref(), seed, rows)


def rehearse(definition: Subnet | type[Subnet], models: Sequence[Model], *, seed: int = 0, tasks: int = 8) -> Floats:
    """The mean reward of miners that work with these models, in one process and without a network.

    good, poor = rehearse(MySubnet, [Extractive(0.9, 1), Extractive(0.3, 2)])
    """
    with Room() as room:
        trial = Trial(_maker(definition), room, models[0], seed, tasks, _DEADLINE_S)
        paid = []
        for at, task in enumerate(trial.tasks()):
            given = [trial.answer(at, task.ask, model).items for model in models]
            paid.append(trial.definition().rewards(task, replies(given)))
    mean: Floats = np.mean(paid, axis=0)
    return mean


def _maker(definition: Subnet | type[Subnet]) -> Callable[[], Subnet]:
    return definition if isinstance(definition, type) else lambda: definition


def _row(one: Check, trial: Trial, kind: type[Subnet]) -> Row:
    name, proves = one.__name__.replace("_", " "), (one.__doc__ or "").rstrip(".")
    try:
        return Row(name, True, proves, one(trial))
    except (Exception, SystemExit) as error:  # somebody else's code, which may raise anything
        return Row(name, False, proves, *told(error, kind))
