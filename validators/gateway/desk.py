# SPDX-License-Identifier: Apache-2.0
"""Finds a miner's answer to a user's question: who can be asked, who is chosen, who is first, and what of it is scored.

It knows nothing of HTTP. A miner is asked with the validator's own key and client, for as long as in a round, so that
only the words of the question could tell it that a user asks.
"""

from __future__ import annotations

import math
import secrets
from collections import Counter as Tally
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from protocols.codec import JSON
from protocols.columns import Floats
from protocols.errors import NobodyAnswered, NotOffered
from protocols.organic import Prompt, Texts
from protocols.task import Returned, Task
from protocols.types import Hotkey
from validators.gateway.attempts import Attempt, Inquiry, Stream, Whole
from validators.gateway.audits import Audits
from validators.gateway.counting import Counter
from validators.gateway.meters import GatewayMeters
from validators.gateway.options import GatewayOptions
from validators.gateway.paces import Paces
from validators.gateway.racing import Race, Terms
from validators.gateway.roster import Roster
from validators.gateway.routing import Condition, pick
from validators.query import Answer, Heard

if TYPE_CHECKING:
    from validators.base import Validator

__all__ = ["Desk", "text_of", "vectors_of"]

A = TypeVar("A", bound=Attempt)


class Desk:
    """Answers users out of one validator's miners."""

    def __init__(self, validator: Validator, options: GatewayOptions, seed: int | None = None) -> None:
        every_s = validator.options.interval_s if options.audit_every_s is None else options.audit_every_s
        # Nobody may foretell who is asked, or which question is scored.
        seeds = np.random.SeedSequence(secrets.randbits(128) if seed is None else seed).spawn(2)
        self._rng, drawing = (np.random.default_rng(one) for one in seeds)
        self._validator = validator
        self._options = options
        self._paces = Paces(options)
        self._under_way: Tally[Hotkey] = Tally()
        self.roster = Roster(validator)
        self.counter = Counter(validator.definition)
        self.audits = Audits(
            validator.organic,
            validator.clock,
            drawing,
            share=options.audit,
            size=options.audit_size,
            every_s=every_s,
        )
        self.meters = GatewayMeters(self.audits, self._states)

    @property
    def is_streaming(self) -> bool:
        """Whether answers come in pieces."""
        return self._validator.definition.is_streaming

    @property
    def is_fresh(self) -> bool:
        """Whether what is known of the miners is not older than a few readings."""
        return self.roster.age_s < 5 * self._options.refresh_s

    async def refresh(self) -> None:
        """Read anew who can be asked."""
        await self.roster.refresh()
        self._paces.keep({one.hotkey for one in self.roster.candidates})

    def offers(self) -> list[str]:
        """The models that there are: the subnet's name, if users can ask anything of it."""
        for query in (Prompt("a"), Texts(("a",))):
            try:
                self.task(query)
            except NotOffered:
                continue
            return [self._validator.definition.name]
        return []

    def check_model(self, name: str) -> None:
        """Raise `NotOffered` for a model that there is not."""
        known = self.offers()
        if not known or name not in (*known, self._validator.definition.ref()):
            raise NotOffered(f"there is no model {name[:64]!r}, expected {' or '.join(known) or 'none at all'}")

    def task(self, query: Prompt | Texts) -> Task:
        """What miners are asked; raises `NotOffered`, or `MessageError` for what the query's type cannot hold."""
        task, wanted = self._validator.definition.organic(query), "text" if isinstance(query, Prompt) else "vectors"
        synapse = type(task.ask)
        if wanted not in synapse.Reply.__struct_fields__:
            raise NotOffered(f"{synapse.__name__} is answered with no {wanted}")
        JSON.decode(JSON.encode(task.ask), synapse)
        return task

    async def whole(self, query: Prompt | Texts, task: Task, key: int) -> Returned:
        """The first good answer, verified; `key` is whose question it is. Raises `NobodyAnswered`."""
        won = await self._won(query, task, key, Whole)
        assert won.answer is not None
        return won.answer.returned

    async def begun(self, query: Prompt | Texts, task: Task, key: int) -> Stream:
        """The first answer that has begun, to be closed; raises `NobodyAnswered`."""
        return await self._won(query, task, key, Stream)

    def streamed(self, stream: Stream, task: Task, key: int) -> None:
        """Note that a stream came to its end, or broke."""
        if stream.answer is None:
            return
        if stream.answer.miss:
            self._failed(stream.answer)
        self.audits.offer(key, task, Heard.of([stream.answer]))

    async def _won(self, query: Prompt | Texts, task: Task, key: int, kind: Callable[[Inquiry, Hotkey], A]) -> A:
        if self.roster.known is None:
            raise NobodyAnswered("the chain was not read yet", retry_after_s=self._options.refresh_s)
        metagraph, asker = self.roster.known
        inquiry = Inquiry(asker, task, metagraph, _goodness(query), self._options.max_stream_bytes)
        began, clock = self._validator.clock.monotonic(), self._validator.clock

        def condition(hotkey: Hotkey) -> Condition:
            return Condition(
                under_way=self._under_way[hotkey],
                typical_s=self._paces.typical_s(hotkey),
                rests_s=self._paces.rests(hotkey, clock.monotonic()),
                is_free=inquiry.is_free(hotkey),
            )

        def choose(tried: Collection[Hotkey]) -> A | None:
            found = pick(self.roster.candidates, condition, tried, self._options.explore, self._rng)
            if found is None:
                return None
            self._under_way[found] += 1
            return kind(inquiry, found)

        terms = Terms(deadline_s=self._options.deadline_s, attempts=self._options.attempts)
        race = Race(choose, inquiry.is_free, self._paces, clock, terms)
        try:
            won = await race.winner()
        finally:
            self._under_way -= Tally(race.asked)
            self.meters.hedged(race.hedges)
            for missed in race.missed:
                self.meters.missed(missed.miss)
        self.meters.answered(clock.monotonic() - began)
        if isinstance(won, Whole) and won.answer is not None:
            self.audits.offer(key, task, Heard.of([*race.missed, won.answer]))
        return won

    def _failed(self, answer: Answer) -> None:
        self._paces.failed(answer.returned.hotkey, self._validator.clock.monotonic())
        self.meters.missed(answer.miss)

    def _states(self) -> dict[str, int]:
        now = self._validator.clock.monotonic()
        resting = sum(self._paces.rests(one.hotkey, now) > 0.0 for one in self.roster.candidates)
        return {"ready": len(self.roster.candidates) - resting, "resting": resting}


def text_of(items: tuple[Any, ...]) -> str:
    """The text of an answer, whole or in pieces."""
    return "".join(item.text for item in items)


def vectors_of(returned: Returned) -> Floats:
    """The vectors of an answer, (N, D)."""
    vectors = returned.reply.vectors
    return np.asarray(getattr(vectors, "array", vectors), dtype=np.float64)


def _goodness(query: Prompt | Texts) -> Callable[[Returned], bool]:
    if isinstance(query, Prompt):
        return lambda returned: bool(text_of(returned.items).strip())
    count = len(query.texts)

    def is_good(returned: Returned) -> bool:
        try:
            vectors = vectors_of(returned)
        except (TypeError, ValueError):  # rows of several lengths
            return False
        return vectors.ndim == 2 and len(vectors) == count and vectors.size > 0 and math.isfinite(vectors.sum())

    return is_good
