# SPDX-License-Identifier: Apache-2.0
"""An engine that several miners of one process share: whoever made it starts and closes it, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from miners.engines.engine import Embedding, Engine, Job
from protocols.columns import Floats

__all__ = ["Lent"]


class Lent(Engine):
    """Somebody else's engine, which runs already."""

    name = "lent"

    def __init__(self, owned: Engine) -> None:
        self._owned = owned

    def facts(self) -> Mapping[str, Any]:
        """What there is to say of the engine itself."""
        return {"name": self._owned.name, **self._owned.facts()}

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """What the engine says."""
        async with aclosing(self._owned.generate(job)) as pieces:
            async for piece in pieces:
                yield piece

    async def embed(self, job: Embedding) -> Floats:
        """The engine's vectors."""
        return await self._owned.embed(job)
