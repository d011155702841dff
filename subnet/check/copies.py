# SPDX-License-Identifier: Apache-2.0
"""Checks of the parts by which a validator finds copies: questions in other words, and which answers are one.

Both have a default that says nothing wrong. A designer's own can do harm: a canary that others know strikes honest
miners out, and a likeness that changes with the order of replies makes validators disagree.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from protocols.errors import InvalidSubnet
from protocols.spec import Subnet
from protocols.task import Replies, Task
from subnet.check.playing import Items
from subnet.check.serving import carried
from subnet.check.trial import Trial, replies
from validators.vetting import likeness as likened
from validators.vetting import spoken

__all__ = ["likeness", "variant"]

_MINERS: Final = 4
_ALIKE: Final = 0.5
_ROUNDING: Final = 1e-9


def variant(trial: Trial) -> str:
    """`variant` asks the same of each miner in words that survive the wire, and a canary is in its own words alone."""
    changed, canaries = 0, 0
    for at, task in enumerate(trial.tasks()):
        drawn = [_variant(trial, at, number) for number in range(_MINERS)]
        for number, one in enumerate(drawn):
            if one.ask != task.ask:
                changed += 1
                carried(one.ask, f"the variant of task {at}")
            if one.canary:
                canaries += 1
                _check_secret(one, [task, *drawn[:number], *drawn[number + 1 :]], at)
    said = f"{changed} of {trial.count * _MINERS} questions in other words"
    return f"{said}, {canaries} with a canary" if canaries else said


def likeness(trial: Trial) -> str:
    """`likeness` is the same for the same replies in any order, and an answer is like its copy."""
    rng, definition = np.random.default_rng(trial.seed), trial.definition()
    for at in range(trial.count):
        ways = {**trial.population(at), "copied": trial.honest()[at]}
        rows, names = replies(list(ways.values())), list(ways)
        alike = likened(definition, rows)
        if not np.array_equal(alike, likened(trial.make(), rows)):
            raise InvalidSubnet(
                f"likeness of the replies to task {at} is not the same the second time", help="use no chance in it"
            )
        if alike[0, -1] <= _ALIKE:
            raise InvalidSubnet(
                f"an answer to task {at} and its copy have likeness {alike[0, -1]:.4g}, expected above {_ALIKE:g}",
                help="give 1 to answers that are equal",
            )
        way = rng.permutation(len(rows))
        off = np.abs(likened(definition, Replies(tuple(rows[row] for row in way))) - alike[np.ix_(way, way)])
        if off.max() > _ROUNDING:
            one, other = (names[row] for row in way[list(np.unravel_index(int(off.argmax()), off.shape))])
            raise InvalidSubnet(
                f"likeness of the {one} and the {other} answer to task {at} changes by {off.max():.4g} with the order",
                help="compare each two replies by what they say alone",
            )
    nobody: list[list[Items]] = [[], [()], [(), ()]]
    for none in nobody:
        likened(definition, replies(none))
    return f"{trial.count} tasks with {len(rows)} replies each, in 2 orders"


def _variant(trial: Trial, at: int, number: int) -> Task:
    """The question for one miner, the same each time."""
    makers = (trial.definition(), trial.make())
    one, again = (_checked(made, trial.tasks()[at], [trial.seed, at, number]) for made in makers)
    if (one.ask, one.canary) != (again.ask, again.canary):
        raise InvalidSubnet(
            f"variant of task {at} is {one.ask!r:.80}, the second time {again.ask!r:.80}", help="draw from rng only"
        )
    return one


def _checked(definition: Subnet, task: Task, seed: list[int]) -> Task:
    given: object = definition.variant(task, np.random.default_rng(seed))
    wanted = f"Task({definition.synapse.__name__}(...))"
    if not isinstance(given, Task) or not isinstance(given.ask, definition.synapse):
        name = type(given.ask if isinstance(given, Task) else given).__name__
        raise InvalidSubnet(f"variant gave {name}, expected {wanted}", help=f"return {wanted}")
    canary: object = given.canary
    if not isinstance(canary, str):
        name = type(canary).__name__
        raise InvalidSubnet(f"variant gave a canary of type {name}, expected text", help="make it a text")
    return given


def _check_secret(one: Task, others: list[Task], at: int) -> None:
    canary = one.canary
    if canary not in spoken([one.ask]):
        raise InvalidSubnet(
            f"canary {canary!r:.80} of task {at} is not in its own question, expected it there", help="plant it there"
        )
    if any(canary in spoken([other.ask]) for other in others):
        raise InvalidSubnet(
            f"canary {canary!r:.80} of task {at} is in another miner's question, expected it in one alone",
            help="draw it from rng, long enough to be met nowhere else",
        )
