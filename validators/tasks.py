# SPDX-License-Identifier: Apache-2.0
"""One task a round out of a definition's generator, which is started again when it ends or fails.

Before each draw the generator's random numbers are set to those of the round. A definition that keeps nothing between
two tasks therefore makes the same task in the same round after a restart; one that walks through a list begins anew.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import cast

import numpy as np

from protocols.clock import Clock
from protocols.errors import InvalidSubnet
from protocols.spec import Subnet
from protocols.task import Task, TaskContext
from protocols.types import Hotkey
from validators.chance import Purpose, chance

__all__ = ["TaskSource"]


class TaskSource:
    """Draws the tasks of one validator."""

    def __init__(self, definition: Subnet, clock: Clock, seed: int, *, varies: bool = True) -> None:
        self._varies = varies
        self._definition = definition
        self._clock = clock
        self._seed = seed
        self._rng = np.random.default_rng(0)
        self._tasks: AsyncIterator[Task] | None = None

    async def draw(self, number: int) -> Task:
        """The task of a round; `InvalidSubnet` where the definition makes none, or one of another query."""
        task: object = await self._next(number)
        if task is None:  # at its end: once more from the beginning
            task = await self._next(number)
        return self._checked("tasks", task)

    def each(self, task: Task, number: int, asked: Sequence[Hotkey]) -> list[Task]:
        """The task as each of these miners gets it, in words of its own where the definition has such."""
        if not self._varies:
            return [task] * len(asked)
        # Drawn in the order of hotkeys, so that what one is asked does not depend on where in the list it stands.
        rng = chance(self._seed, number, Purpose.VARIANTS)
        drawn = {hotkey: self._definition.variant(task, rng) for hotkey in sorted(asked)}
        return [self._checked("variant", drawn[hotkey]) for hotkey in asked]

    async def close(self) -> None:
        """Let the generator clean up after itself."""
        tasks, self._tasks = self._tasks, None
        if tasks is not None:
            await cast("AsyncGenerator[Task, None]", tasks).aclose()

    async def _next(self, number: int) -> Task | None:
        self._rng.bit_generator.state = chance(self._seed, number, Purpose.TASKS).bit_generator.state
        tasks = self._tasks or self._definition.tasks(TaskContext(self._rng, self._clock))
        self._tasks = None  # a generator that fails or is cancelled has ended
        with suppress(StopAsyncIteration):
            task = await anext(tasks)
            self._tasks = tasks
            return task
        return None

    def _checked(self, method: str, task: object) -> Task:
        if isinstance(task, Task) and not isinstance(task.canary, str):
            raise InvalidSubnet(
                f"{self._definition.ref()}: {method} gave a canary of type {type(task.canary).__name__}, expected text",
                help='Task(ask, canary="a text that stands in this question alone")',
            )
        if isinstance(task, Task) and isinstance(task.ask, self._definition.synapse):
            return task
        given = "nothing" if task is None else type(task.ask if isinstance(task, Task) else task).__name__
        wanted = f"Task({self._definition.synapse.__name__}(...))"
        how = "yield" if method == "tasks" else "return"
        raise InvalidSubnet(
            f"{self._definition.ref()}: {method} gave {given}, expected {wanted}", help=f"{how} {wanted}"
        )
