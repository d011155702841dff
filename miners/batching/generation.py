# SPDX-License-Identifier: Apache-2.0
"""One answer in the making, as the thread that computes it and the task that reads it share it.

Tokens go one way, from the thread to the event loop, and only the loop touches the inbox. The other way goes a single
flag: the reader has left. Neither side waits for a lock of the other.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import numpy as np

from protocols.errors import SubnetError
from protocols.model import Sampling

__all__ = ["Generation", "Inbox"]


class Inbox:
    """Where tokens arrive; used on the event loop alone."""

    __slots__ = ("_arrived", "_error", "_loop", "_over", "_tokens")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tokens: list[int] = []
        self._arrived: asyncio.Future[None] | None = None
        self._error: SubnetError | None = None
        self._over = False

    def put(self, tokens: Sequence[int], over: bool = False, error: SubnetError | None = None) -> None:
        """Add tokens, and say whether they are the last and why."""
        self._tokens.extend(tokens)
        self._over = self._over or over
        self._error = self._error or error
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    async def read(self) -> AsyncGenerator[list[int], None]:
        """Tokens as they come, several at once where the reader was slow; raises what ended them early."""
        while True:
            if self._tokens:
                tokens, self._tokens = self._tokens, []
                yield tokens
            elif self._error is not None:
                raise self._error
            elif self._over:
                return
            else:
                self._arrived = self._loop.create_future()
                await self._arrived


@dataclass(slots=True, eq=False, kw_only=True)
class Generation:
    """A prompt to continue, and how far it is."""

    prompt: Sequence[int]
    max_tokens: int
    inbox: Inbox
    sampling: Sampling = field(default_factory=Sampling)
    ends: frozenset[int] = frozenset()
    """Tokens that end the answer; they are not part of it."""
    lead: float = 0.0
    """Seconds of head start, which also say whether it is above the others."""
    deadline: float = math.inf
    left: bool = False
    """Whether its reader is gone; set by the loop, read by the thread."""
    made: int = field(default=0, init=False)
    last: int = field(default=-1, init=False)
    length: int = field(default=0, init=False)
    """Tokens whose keys and values are kept."""
    _rng: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.sampling.seed)

    def draw(self) -> float:
        """The random number of the next token: the n-th of an answer is always the same."""
        return self._rng.random() if self.sampling.temperature > 0.0 else 0.0

    def add(self, token: int) -> bool:
        """Go on by a token; whether there may be another."""
        if token in self.ends:
            return False
        self.last = token
        self.made += 1
        return self.made < self.max_tokens
