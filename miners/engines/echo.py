# SPDX-License-Identifier: Apache-2.0
"""The engine that says what it was told: for trying a network out, and for measuring everything around a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Self

from miners.engines.engine import Engine, Job

if TYPE_CHECKING:
    from miners.engines.opening import EngineOptions

__all__ = ["Echo"]


class Echo(Engine):
    """Gives back a prompt's first words, one piece a word."""

    name = "echo"

    @classmethod
    def opened(cls, options: EngineOptions) -> Self:
        """An echo, which has nothing to choose."""
        return cls()

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """At most `max_tokens` words, each with the space before it."""
        words = job.prompt.split()
        job.tally.prompt = len(words)
        for at, word in enumerate(words[: max(job.max_tokens, 0)]):
            job.tally.generated += 1
            yield f" {word}" if at else word
