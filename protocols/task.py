# SPDX-License-Identifier: Apache-2.0
"""What passes between a subnet's definition and those who run it: tasks, what came back, and what to work with.

Everything is a value. Random numbers, time and the model are handed in, so that a definition gives the same results in
a test, in a simulation and in production.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from protocols.clock import Clock
from protocols.columns import Flags, Floats
from protocols.dialect import Caller
from protocols.model import Model
from protocols.synapse import Synapse
from protocols.types import Hotkey

__all__ = ["AnswerContext", "Replies", "Returned", "Task", "TaskContext"]


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What `tasks` may use; with the same seed and clock it makes the same tasks."""

    rng: np.random.Generator
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """What `answer` may use besides the query."""

    caller: Caller
    """The verified sender. Where `body_authenticated` is false, the query may have been changed on its way."""
    request_id: str
    model: Model
    rng: np.random.Generator
    clock: Clock
    deadline: float
    """The moment on `clock.monotonic()` after which nobody waits for the answer."""

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self.clock.monotonic()


@dataclass(frozen=True, slots=True)
class Task:
    """A query, and what the validator knows of its true answer; the reference never travels."""

    ask: Synapse
    reference: Any = None
    canary: str = ""
    """Of a variant: a text that only who was asked this can know; in another's answer it shows that it was copied."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What one miner returned: one item, several of a stream, or none where nothing came that it can be held to."""

    hotkey: Hotkey
    items: tuple[Any, ...] = ()
    elapsed_s: float = math.inf
    """From sending until all was here, as the validator measured it."""
    first_item_s: float = math.inf
    asked: Task | None = None
    """What this miner was asked, where each is asked in words of its own."""

    @property
    def reply(self) -> Any:
        """The reply, the last item of a stream, or None."""
        return self.items[-1] if self.items else None

    @property
    def text(self) -> str:
        """The reply's `text`, that of a stream in one piece, or nothing."""
        return "".join(item.text for item in self.items)


@dataclass(frozen=True, slots=True)
class Replies:
    """What came back for one task, a row for each miner that was asked."""

    rows: tuple[Returned, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Returned]:
        return iter(self.rows)

    def __getitem__(self, row: int) -> Returned:
        return self.rows[row]

    @property
    def hotkeys(self) -> tuple[Hotkey, ...]:
        """Who was asked."""
        return tuple(row.hotkey for row in self.rows)

    @property
    def replies(self) -> tuple[Any, ...]:
        """The replies, None where none came."""
        return tuple(row.reply for row in self.rows)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the replies, empty where none came."""
        return tuple(row.text for row in self.rows)

    @property
    def arrived(self) -> Flags:
        """Where a reply came, (N,)."""
        return np.array([bool(row.items) for row in self.rows], dtype=np.bool_)

    @property
    def elapsed_s(self) -> Floats:
        """How long each took, infinite where none came, (N,)."""
        return np.array([row.elapsed_s for row in self.rows], dtype=np.float64)
