# SPDX-License-Identifier: Apache-2.0
"""What a definition sees of the machine that does its work: a model that continues texts and embeds them.

A subnet's designer writes `ctx.model.generate(...)` and never learns whether a toy, a transformer or a cluster
answers. A model that can only generate is enough: it is then streamed in one piece, and refuses to embed.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from protocols.columns import Floats
from protocols.errors import EngineLacks, OutOfRange

__all__ = ["Model", "Sampling"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is drawn; the default always takes the likeliest."""

    temperature: float = 0.0
    top_p: float = 1.0
    """Only the likeliest tokens that together have this probability."""
    top_k: int = 0
    """Only so many of the likeliest tokens; 0 for all."""
    seed: int | None = None
    """The same seed draws the same; None leaves it to the miner, which then draws the same for the same query."""
    stop: tuple[str, ...] = ()
    """Texts before which an answer ends."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < math.inf:
            raise OutOfRange(f"temperature is {self.temperature}, expected 0 or more")
        if not 0.0 < self.top_p <= 1.0:
            raise OutOfRange(f"top_p is {self.top_p}, expected above 0 and at most 1")
        if self.top_k < 0:
            raise OutOfRange(f"top_k is {self.top_k}, expected 0 or more")
        if not all(self.stop):
            raise OutOfRange("an answer cannot stop before the empty text", help='stop=("\\n",)')


class Model(Protocol):
    """What a miner was started with to do the work; subclass it and write `generate`."""

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        """Continue a text; without `sampling` as the miner's operator chose."""
        ...

    async def stream(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> AsyncGenerator[str, None]:
        """Continue a text, a piece at a time."""
        yield await self.generate(prompt, max_tokens, sampling)

    async def embed(self, texts: Sequence[str]) -> Floats:
        """A vector for each text, (N, D)."""
        raise EngineLacks(f"{type(self).__name__} makes no embeddings of its {len(texts)} texts")
