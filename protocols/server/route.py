# SPDX-License-Identifier: Apache-2.0
"""A query type and the function that answers it.

The function may be a coroutine, an async generator (each item is streamed) or a plain function, which runs in a
bounded pool of threads because it would stop the event loop. What it returns is checked, so that a bug in a miner is
an error there and not a puzzle at the validator.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from protocols.dialect import Caller
from protocols.errors import InvalidSynapse
from protocols.synapse import Reply, Synapse


class Context(msgspec.Struct, frozen=True):
    """What a handler knows besides the query: who asks, and how long the answer is of use."""

    caller: Caller
    request_id: str
    remaining: Callable[[], float]
    priority: float = 0.0
    """What admission gave the caller; whatever else has a queue should rank by it too."""

    @property
    def remaining_s(self) -> float:
        """Seconds until the caller stops waiting."""
        return self.remaining()


Answer = Callable[[Any, Context], Any]


class Admission(Protocol):
    """Who may call: the miner's policy, asked after the signature and before the body is parsed."""

    def knows(self, hotkey: str) -> bool:
        """Whether a caller of this name might be served; it is only claimed, and worth no more than a closer look."""
        ...

    def check(self, caller: Caller, query: type[Synapse]) -> None:
        """Raise `NotAdmitted` for a caller who is not served; it counts nothing, for this may yet be a replay."""
        ...

    def admit(self, caller: Caller, query: type[Synapse]) -> float:
        """The priority of this caller's query, or raise `NotAdmitted` or `RateLimited`; `check` came before."""
        ...

    def left(self, caller: Caller) -> None:
        """Note that a query that was admitted is over, however it ended."""
        ...


class AdmitAll:
    """Everyone who can sign is served, all alike."""

    def knows(self, hotkey: str) -> bool:
        """Any name will do."""
        return True

    def check(self, caller: Caller, query: type[Synapse]) -> None:
        """Nobody is turned away."""

    def admit(self, caller: Caller, query: type[Synapse]) -> float:
        """Priority 0 for all."""
        return 0.0

    def left(self, caller: Caller) -> None:
        """Nothing was counted."""


@dataclass(frozen=True, slots=True)
class Route:
    """One query type, its handler, and how that is called."""

    query: type[Synapse]
    answer: Answer
    name: str
    streams: bool
    awaits: bool

    @staticmethod
    def of(query: type[Synapse], answer: Answer) -> Route:
        """A route, with the handler's shape checked before anyone asks."""
        parameters = inspect.signature(answer).parameters.values()
        takes = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if len(takes) != 2 and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
            raise InvalidSynapse(
                f"handler of {query.__name__} takes {len(takes)} arguments, expected (query, context)",
                help=f"async def answer(ask: {query.__name__}, ctx: Context) -> {query.__name__}.Reply: ...",
            )
        if inspect.isgeneratorfunction(answer):
            raise InvalidSynapse(
                f"handler of {query.__name__} is a plain generator, expected an asynchronous one",
                help="a stream is written as  async def answer(ask, ctx): yield ...",
            )
        streams, awaits = inspect.isasyncgenfunction(answer), inspect.iscoroutinefunction(answer)
        return Route(query, answer, query.__name__, streams, awaits)

    async def reply(self, ask: Synapse, context: Context, pool: Executor) -> Reply:
        """Run the handler and check what it returns."""
        if self.awaits:
            result = await self.answer(ask, context)
        else:
            result = await asyncio.get_running_loop().run_in_executor(pool, self.answer, ask, context)
            if isinstance(result, Awaitable):
                result = await result
        return self.checked(result)

    def items(self, ask: Synapse, context: Context) -> AsyncGenerator[Any, None]:
        """Start the generator of a streaming handler."""
        generator: AsyncGenerator[Any, None] = self.answer(ask, context)
        return generator

    def checked(self, result: object) -> Reply:
        """Refuse what is not this query's reply: a mistake in the miner's code, which its log must show."""
        if isinstance(result, self.query.Reply):
            return result
        raise InvalidSynapse(f"handler of {self.name} returned {type(result).__name__}, expected {self.name}.Reply")


__all__ = ["Admission", "AdmitAll", "Answer", "Context", "Route"]
