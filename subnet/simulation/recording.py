# SPDX-License-Identifier: Apache-2.0
"""What a definition's own scoring pays every miner for each of some tasks, with the copies and without them.

Tasks, answers and groups are the same in both, and miners who are left out are not there at all: a miner that merely
kept silent would still be seen by a rule that compares, or divides by how many were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from incentive.arrays import Array, Flags, Ints
from incentive.simulation.strategies import Cast
from protocols.columns import Floats
from protocols.spec import Subnet
from protocols.task import Replies, Returned, Task
from subnet.simulation.plan import Plan
from subnet.simulation.population import Models, Population, Purpose, SimulatedClock, chance
from validators.tasks import TaskSource

__all__ = ["Recording", "record"]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The rewards of T tasks; both arrays have a column for each of N miners, in the second those left out have 0."""

    cast: Cast
    rewards: Array  # (T, N)
    without_copies: Array | None  # (T, N); None where nobody copies


async def record(definition: Subnet, cast: Cast, plan: Plan, models: Models, after: Callable[[], object]) -> Recording:
    """Make the tasks, let everybody answer, and score; `after` is called at the end of each task."""
    source = TaskSource(definition, SimulatedClock(), int(chance(plan.seed, Purpose.TASKS).integers(2**31)))
    population = Population(definition, cast, models, plan.seed)
    everybody, originals = np.ones(plan.miners, dtype=np.bool_), ~cast.extras
    rewards, without = np.zeros((plan.tasks, plan.miners)), np.zeros((plan.tasks, plan.miners))
    try:
        await population.prepare(await source.draw(0))
        for at in range(plan.tasks):
            task = await source.draw(at + 1)
            replies = await population.replies(task, at + 1)
            groups = _groups(plan, at)
            rewards[at] = _paid(definition, task, replies, groups, everybody)
            if not originals.all():
                without[at] = _paid(definition, task, replies, groups, originals)
            after()
    finally:
        await source.close()
    return Recording(cast, rewards, None if originals.all() else without)


def _groups(plan: Plan, task: int) -> list[Ints]:
    """The miners that are scored together: all, or random groups of the size that a round asks."""
    size = plan.miners if plan.asked is None else plan.asked
    order = chance(plan.seed, Purpose.GROUPS, task).permutation(plan.miners)
    return [np.sort(group) for group in np.array_split(order, -(-plan.miners // size))]


def _paid(
    definition: Subnet, task: Task, replies: Sequence[Returned], groups: Sequence[Ints], present: Flags
) -> Floats:
    paid = np.zeros(len(replies))
    for group in groups:
        asked = group[present[group]]
        paid[asked] = definition.rewards(task, Replies(tuple(replies[at] for at in asked.tolist())))
    return paid
