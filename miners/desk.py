# SPDX-License-Identifier: Apache-2.0
"""An engine as one query's definition sees it: a model that knows whose work it does, how urgent, and until when.

A definition says what shall be done. For whom, with which priority, by when, with which random numbers and on whose
account is known here, so that no definition has to pass it on and none can forget to.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from miners.engines.engine import Embedding, Engine, Job, Tally
from protocols.columns import Floats
from protocols.model import Model, Sampling

__all__ = ["Desk", "Terms"]

_SEEDS: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms an engine works for one query."""

    priority: float
    deadline: float
    """The moment on the miner's clock after which nobody waits."""
    sampling: Sampling
    """What the operator chose for definitions that choose nothing."""
    rng: np.random.Generator
    """The query's generator; seeds come from its children, so that it draws for the definition as if no model were."""
    charge: Callable[[Tally], None]
    """Told once, when a job is over, what it has cost, also when it failed or was left."""


class Desk(Model):
    """One query's access to the engine."""

    def __init__(self, engine: Engine, terms: Terms) -> None:
        self._engine = engine
        self._terms = terms

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """Continue a text."""
        async with aclosing(self.stream(prompt, max_tokens, sampling)) as pieces:
            return "".join([piece async for piece in pieces])

    async def stream(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> AsyncGenerator[str, None]:
        """Continue a text, a piece at a time; whoever closes this early frees what the engine holds."""
        terms = self._terms
        job = Job(
            prompt=prompt,
            max_tokens=max_tokens,
            sampling=self._seeded(sampling or terms.sampling),
            priority=terms.priority,
            deadline=terms.deadline,
        )
        try:
            async with aclosing(self._engine.generate(job)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            terms.charge(job.tally)

    async def embed(self, texts: Sequence[str]) -> Floats:
        """A vector for each text, (N, D)."""
        job = Embedding(texts=texts, priority=self._terms.priority, deadline=self._terms.deadline)
        try:
            return await self._engine.embed(job)
        finally:
            self._terms.charge(job.tally)

    def _seeded(self, sampling: Sampling) -> Sampling:
        if sampling.temperature == 0.0 or sampling.seed is not None:
            return sampling
        return replace(sampling, seed=int(self._terms.rng.spawn(1)[0].integers(_SEEDS)))
