# SPDX-License-Identifier: Apache-2.0
"""The thread of a language model: who is served, who is let go, who is told, and that priority counts under load."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
import torch

from miners.batching.batcher import Batcher
from miners.batching.capacity import Capacity
from miners.batching.generation import Generation, Inbox
from miners.batching.slab import Decoder, Slab
from protocols.clock import Clock, SystemClock, VirtualClock
from protocols.errors import DeadlineExceeded, Draining, EngineFailed, OutOfRange, Overloaded
from tests.miners.batching.tiny import alone, model

GREAT, SMALL = 1e6, 1.0


class Gated(Decoder):
    """A decoder that takes a step when it is let, notes how many rows each had, and breaks down when it is told to."""

    def __init__(self) -> None:
        super().__init__(model("llama"))
        self.gate = threading.Event()
        self.gate.set()
        self.at_the_gate = threading.Event()
        self.steps: list[int] = []
        self.broken = False

    def step(self, slab: Slab, tokens: Sequence[int], lengths: Sequence[int]) -> torch.Tensor:
        """Wait for the gate, then step."""
        self.at_the_gate.set()
        assert self.gate.wait(30.0)
        self.steps.append(len(tokens))
        if self.broken:
            raise RuntimeError("no memory left")
        return super().step(slab, tokens, lengths)


@asynccontextmanager
async def batching(decoder: Decoder, capacity: Capacity, clock: Clock | None = None) -> AsyncIterator[Batcher]:
    """A batcher that is closed in the end."""
    batcher = Batcher(decoder, capacity, clock or SystemClock())
    batcher.start()
    try:
        yield batcher
    finally:
        await batcher.close()


async def answer(
    batcher: Batcher, prompt: list[int], size: int, priority: float = SMALL, deadline: float = math.inf
) -> list[int]:
    """All tokens of an answer."""
    row = Generation(prompt=prompt, max_tokens=size, inbox=Inbox(), deadline=deadline)
    return [token async for tokens in batcher.tokens(row, priority) for token in tokens]


async def until(batcher: Batcher, running: int, waiting: int) -> None:
    """Wait until so many run and wait."""
    async with asyncio.timeout(20.0):
        while (batcher.running, batcher.waiting) != (running, waiting):  # noqa: ASYNC110 - a thread changes it
            await asyncio.sleep(0.001)


async def test_many_callers_get_what_each_gets_alone() -> None:
    asked = [([2 + at % 90] * (1 + at % 17), 5 + at % 9, GREAT if at % 7 == 0 else SMALL) for at in range(24)]
    async with batching(Decoder(model("llama")), Capacity(rows=6, tokens=32)) as batcher:
        got = await asyncio.gather(*(answer(batcher, *one) for one in asked))
    assert got == [alone("llama", prompt, size) for prompt, size, _ in asked]


async def test_a_reader_who_leaves_frees_the_row_by_the_next_turn() -> None:
    decoder = Gated()
    async with batching(decoder, Capacity(rows=2)) as batcher:
        row = Generation(prompt=[5, 6], max_tokens=400, inbox=Inbox())
        async with aclosing(batcher.tokens(row, SMALL)) as tokens:
            await anext(tokens)
            assert batcher.running == 1
        await until(batcher, 0, 0)
        taken = len(decoder.steps)
        assert taken < 200
        assert await answer(batcher, [7], 4) == alone("llama", [7], 4)
        assert len(decoder.steps) == taken + 3


async def test_an_answer_that_is_late_ends_and_one_that_waited_too_long_is_never_begun() -> None:
    decoder, clock = Gated(), VirtualClock()
    decoder.gate.clear()
    async with batching(decoder, Capacity(rows=1, express_rows=1), clock) as batcher:
        running = asyncio.create_task(answer(batcher, [5, 6], 50, deadline=1.0))
        await until(batcher, 1, 0)
        waiting = asyncio.create_task(answer(batcher, [7], 5, deadline=2.0))
        await until(batcher, 1, 1)
        await clock.advance(3.0)
        decoder.gate.set()
        for task in (running, waiting):
            with pytest.raises(DeadlineExceeded):
                await task
        assert decoder.steps in ([], [1])


async def test_a_full_line_turns_away_the_lesser_newcomer_and_gives_its_place_to_a_greater() -> None:
    decoder = Gated()
    decoder.gate.clear()
    async with batching(decoder, Capacity(rows=1, express_rows=1, waiting=1)) as batcher:
        first = asyncio.create_task(answer(batcher, [5], 3, SMALL))
        await until(batcher, 1, 0)
        second = asyncio.create_task(answer(batcher, [6], 3, SMALL))
        await until(batcher, 1, 1)
        with pytest.raises(Overloaded):
            await answer(batcher, [7], 3, 0.0)
        third = asyncio.create_task(answer(batcher, [8], 3, 4.0))
        with pytest.raises(Overloaded):
            await second
        decoder.gate.set()
        assert await first == alone("llama", [5], 3)
        assert await third == alone("llama", [8], 3)


async def test_a_great_caller_overtakes_those_who_wait_and_steps_with_few() -> None:
    decoder = Gated()
    decoder.gate.clear()
    async with batching(decoder, Capacity(rows=4, express_rows=2, express_turns=5)) as batcher:
        small = [asyncio.create_task(answer(batcher, [5], 24, SMALL))]
        assert await asyncio.to_thread(decoder.at_the_gate.wait, 20.0)
        small += [asyncio.create_task(answer(batcher, [5 + at], 24, SMALL)) for at in range(1, 8)]
        await until(batcher, 1, 7)
        great = asyncio.create_task(answer(batcher, [50], 21, GREAT))
        await until(batcher, 1, 8)
        decoder.gate.set()
        assert await great == alone("llama", [50], 21)
        assert not any(task.done() for task in small)
        during = decoder.steps[: len(decoder.steps) - decoder.steps[::-1].index(1)]
        single, shared = during.count(1), len(during) - during.count(1)
        # One turn in six is the others': their halt would be starvation, more of them would be no priority.
        assert 20 <= single <= 22
        assert 2 <= shared <= 5
        assert await asyncio.gather(*small) == [alone("llama", [5 + at], 24) for at in range(8)]


async def test_a_great_caller_who_came_first_stays_quick_when_many_small_ones_join() -> None:
    decoder = Gated()
    async with batching(decoder, Capacity(rows=8)) as batcher:
        great = asyncio.create_task(answer(batcher, [50], 80, GREAT))
        while len(decoder.steps) < 3:  # noqa: ASYNC110 - a thread changes it
            await asyncio.sleep(0.001)
        small = [asyncio.create_task(answer(batcher, [5 + at], 40, SMALL)) for at in range(6)]
        assert await great == alone("llama", [50], 80)
        assert decoder.steps.count(1) > 55
        assert await asyncio.gather(*small) == [alone("llama", [5 + at], 40) for at in range(6)]


async def test_a_model_that_fails_ends_the_answers_under_way_and_serves_the_next() -> None:
    decoder = Gated()
    async with batching(decoder, Capacity()) as batcher:
        decoder.broken = True
        for failed in await asyncio.gather(*(answer(batcher, [5], 9) for _ in range(3)), return_exceptions=True):
            assert isinstance(failed, EngineFailed)
            assert "RuntimeError" in failed.message
            assert "memory" not in failed.message
        decoder.broken = False
        assert await answer(batcher, [5], 9) == alone("llama", [5], 9)


async def test_closing_tells_those_who_run_and_those_who_wait_and_those_who_come() -> None:
    decoder = Gated()
    async with batching(decoder, Capacity(rows=1, express_rows=1)) as batcher:
        tasks = [asyncio.create_task(answer(batcher, [5], 400)) for _ in range(2)]
        await until(batcher, 1, 1)
    for task in tasks:
        with pytest.raises(Draining):
            await task
    with pytest.raises(Draining):
        await answer(batcher, [5], 3)


def test_a_capacity_of_nothing_is_refused() -> None:
    with pytest.raises(OutOfRange, match="rows is 0"):
        Capacity(rows=0)
