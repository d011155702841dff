# SPDX-License-Identifier: Apache-2.0
"""One question from its price to its last byte: paid for, asked, told, and settled however it ends.

A user who leaves cancels the work at the miner, and pays for the question and for what was shown; what nobody answered
costs nothing but the request.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, cast

from protocols.clock import Clock
from protocols.dialect import StreamWriter
from protocols.errors import BrokenStream, NobodyAnswered
from protocols.organic import Prompt, Texts
from protocols.server.exchange import Exchange
from protocols.server.leash import Leash
from protocols.task import Task
from validators.gateway import answers
from validators.gateway.answers import Cutter, Events, Naming
from validators.gateway.attempts import Missed, Stream
from validators.gateway.counting import Usage
from validators.gateway.desk import Desk, text_of, vectors_of
from validators.gateway.entry import Entry
from validators.gateway.keys import Holder
from validators.gateway.options import GatewayOptions
from validators.gateway.questions import Question

__all__ = ["Service"]

_SLACK_S: Final = 5.0
"""Beyond the deadline, for writing an answer that came with the last moment."""
_PIECE: Final = 1024
"""Characters of a whole answer that are sent as one event, where a stream was asked for."""


@dataclass(slots=True)
class _Bill:
    """What a request has cost so far."""

    usage: Usage

    def shown(self, tokens: int) -> None:
        self.usage = replace(self.usage, completion=tokens)


@dataclass(frozen=True, slots=True)
class _Case:
    """A question that is being answered."""

    question: Question
    task: Task
    key: int
    naming: Naming
    bill: _Bill


class Service:
    """Serves the questions of one gateway."""

    def __init__(self, desk: Desk, entry: Entry, clock: Clock, options: GatewayOptions) -> None:
        self._desk = desk
        self._entry = entry
        self._clock = clock
        self._options = options
        self._running: set[Leash] = set()

    async def serve(self, question: Question, holder: Holder, exchange: Exchange) -> None:
        """Answer a question; raises what keeps it from being answered."""
        self._desk.check_model(question.model)
        task, counter = self._desk.task(question.query), self._desk.counter
        expected = counter.asked(question.query)
        naming = Naming(question.is_chat, question.model, int(self._clock.time_ns() // 1_000_000_000))
        case = _Case(question, task, holder.id, naming, _Bill(Usage(expected.prompt)))
        reserved = await self._entry.spend(holder, expected.total)
        leash = Leash(self._limit_s(question), exchange.receive)
        self._running.add(leash)
        try:
            async with leash:
                await self._answer(case, exchange)
        except NobodyAnswered:
            case.bill.usage = Usage(0)
            raise
        finally:
            self._running.discard(leash)
            self._desk.meters.used(case.bill.usage)
            await self._entry.settle(reserved, case.bill.usage.total)

    def cut(self) -> None:
        """End all answers under way, because the gateway stops."""
        for leash in tuple(self._running):
            leash.drain()

    async def _answer(self, case: _Case, exchange: Exchange) -> None:
        query = case.question.query
        if isinstance(query, Texts):
            vectors = vectors_of(await self._desk.whole(query, case.task, case.key))
            as_base64, usage = case.question.as_base64, case.bill.usage
            await exchange.write(answers.embeddings(case.question.model, vectors, usage, as_base64=as_base64))
        elif case.question.is_streamed and self._desk.is_streaming:
            stream = await self._desk.begun(query, case.task, case.key)
            try:
                await self._relay(case, stream, exchange)
            finally:
                await stream.close()
                self._desk.streamed(stream, case.task, case.key)
        else:
            await self._tell(case, query, exchange)

    async def _tell(self, case: _Case, query: Prompt, exchange: Exchange) -> None:
        """Send an answer that is whole and verified, as it was asked for."""
        returned = await self._desk.whole(query, case.task, case.key)
        cutter = Cutter(case.question.stop)
        text = cutter.add(text_of(returned.items)) + cutter.rest()
        case.bill.shown(self._desk.counter.tokens(text))
        reason, usage = self._reason(query, cutter, case.bill), case.bill.usage
        if not case.question.is_streamed:
            await exchange.write(answers.whole(case.naming, text, reason, usage))
            return
        events = Events(case.naming, with_usage=case.question.with_usage)
        await exchange.start_stream(cast("StreamWriter", events))
        for at in range(0, max(len(text), 1), _PIECE):
            await exchange.write_chunk(events.text(text[at : at + _PIECE]))
        events.finish(reason, usage)
        await exchange.end_stream(events.end())

    async def _relay(self, case: _Case, stream: Stream, exchange: Exchange) -> None:
        """Send what a miner streams as it comes."""
        events, cutter, shown = Events(case.naming, with_usage=case.question.with_usage), Cutter(case.question.stop), ""
        await exchange.start_stream(cast("StreamWriter", events))
        try:
            async with aclosing(stream.items()) as items:
                async for item in items:
                    if piece := cutter.add(item.text):
                        shown += piece
                        case.bill.shown(self._desk.counter.tokens(shown))
                        await exchange.write_chunk(events.text(piece))
                    if cutter.is_over:
                        break
        except Missed as missed:
            # What was shown was never proved; whoever reads it has to know.
            broke = f"the miner's stream broke: {missed.answer.miss}"
            raise BrokenStream(broke, help="discard what came of it, and ask again") from None
        if rest := cutter.rest():
            shown += rest
            await exchange.write_chunk(events.text(rest))
        case.bill.shown(self._desk.counter.tokens(shown))
        query = cast("Prompt", case.question.query)
        events.finish(self._reason(query, cutter, case.bill), case.bill.usage)
        await exchange.end_stream(events.end())

    def _reason(self, query: Prompt, cutter: Cutter, bill: _Bill) -> str:
        most = query.max_tokens
        is_full = most is not None and bill.usage.completion >= most and not cutter.is_over
        return "length" if is_full else "stop"

    def _limit_s(self, question: Question) -> float:
        # A stream goes on after its beginning, for as long as a miner may take for one, and a little for slow readers.
        return self._options.deadline_s * (2.0 if question.is_streamed else 1.0) + _SLACK_S
