# SPDX-License-Identifier: Apache-2.0
"""The engine for a model that is an object of this program, as a test or a local network brings along."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from miners.engines.engine import Embedding, Engine, Job
from protocols.columns import Floats
from protocols.model import Model

__all__ = ["Plain"]


class Plain(Engine):
    """Runs a `Model` as it is: each job at once, on the event loop."""

    name = "plain"

    def __init__(self, model: Model) -> None:
        self._model = model

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """What the model streams."""
        async with aclosing(self._model.stream(job.prompt, job.max_tokens, job.sampling)) as pieces:
            async for piece in pieces:
                yield piece

    async def embed(self, job: Embedding) -> Floats:
        """The model's vectors."""
        return await self._model.embed(job.texts)
