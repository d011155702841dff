# SPDX-License-Identifier: Apache-2.0
"""The seam behind which a miner's model runs: a job goes in, text comes out in pieces.

An engine knows nothing of keys, callers or chains. It may batch jobs, forward them or do them one by one; whatever it
does, it takes them in the order of their priority, drops those whose deadline has passed, and frees what a job holds
as soon as its generator is closed. To write one, subclass `Engine` and write `generate`:

    class Shout(Engine):
        name = "shout"

        async def generate(self, job):
            yield job.prompt.upper()
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

from protocols.columns import Floats
from protocols.errors import EngineLacks
from protocols.histogram import Histogram
from protocols.model import Sampling

__all__ = ["Embedding", "Engine", "Job", "Tally"]

_GREEDY: Final = Sampling()


@dataclass(slots=True)
class Tally:
    """What a job has cost so far, in tokens; an engine that cannot count leaves it at nought."""

    prompt: int = 0
    generated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A text to continue, and on what terms."""

    prompt: str
    max_tokens: int
    sampling: Sampling = _GREEDY
    priority: float = 0.0
    """The higher, the sooner it is begun."""
    deadline: float = math.inf
    """The moment on the miner's `clock.monotonic()` after which nobody waits for it."""
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """Texts to make vectors of, and on what terms."""

    texts: Sequence[str]
    priority: float = 0.0
    deadline: float = math.inf
    tally: Tally = field(default_factory=Tally)


class Engine(Protocol):
    """What does the work."""

    name: ClassVar[str]

    async def start(self) -> None:
        """Load what is needed; raises `ModelUnloadable`, and jobs come only afterwards."""
        return

    async def close(self) -> None:
        """End jobs under way and give everything back."""
        return

    def facts(self) -> Mapping[str, Any]:
        """What the miner tells the public of it in `/info`, such as the digest of its weights."""
        return {}

    def gauges(self) -> Mapping[str, float]:
        """How things stand, read at each look at the metrics: `waiting` and `running` jobs, and whatever else."""
        return {}

    def histograms(self) -> Mapping[str, Histogram]:
        """What it counts: `wait`, the seconds that jobs waited in its own line, and `batch`, the rows of each step."""
        return {}

    @abstractmethod
    def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """Continue the job's text, in pieces as they come; raises `Overloaded`, `DeadlineExceeded`, `EngineFailed`."""

    async def embed(self, job: Embedding) -> Floats:
        """A vector for each text, (N, D)."""
        raise EngineLacks(f"engine {self.name} makes no embeddings")
