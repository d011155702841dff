# SPDX-License-Identifier: Apache-2.0
"""Micro-batches of texts: they gather by themselves, a poisoned one harms nobody, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from miners.gathering import Gathering
from protocols.errors import DeadlineExceeded, Draining, EngineFailed, EngineLacks, Overloaded


class Shouting:
    """Computes upper case in batches that it remembers, and waits while it is held."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.threads: set[str] = set()
        self.free = threading.Event()
        self.free.set()

    def __call__(self, texts: list[str]) -> list[str]:
        """A batch; a text `bad` breaks it, `lacks` cannot be done, `short` makes too few."""
        self.batches.append(texts)
        self.threads.add(threading.current_thread().name)
        self.free.wait(10)
        if "bad" in texts:
            raise ValueError("bad")
        if "lacks" in texts:
            raise EngineLacks("no")
        return [text.upper() for text in texts if text != "short"]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """One thread."""
    with ThreadPoolExecutor(1, thread_name_prefix="model") as pool:
        yield pool


def gathering(shouting: Shouting, pool: ThreadPoolExecutor, waiting: int = 64) -> Gathering[str]:
    """Batches of up to four."""
    return Gathering(shouting, pool, batch=4, waiting=waiting)


async def test_those_who_come_together_are_computed_together_and_never_on_the_loop(pool: ThreadPoolExecutor) -> None:
    shouting = Shouting()
    of = gathering(shouting, pool).of
    assert await asyncio.gather(*(of(text, 0.0, math.inf) for text in "abcdef")) == list("ABCDEF")
    assert shouting.batches == [["a", "b", "c", "d"], ["e", "f"]]
    assert all(name.startswith("model") for name in shouting.threads)


async def test_while_a_batch_is_computed_the_next_gathers_the_greatest_first(pool: ThreadPoolExecutor) -> None:
    shouting = Shouting()
    shouting.free.clear()
    texts = gathering(shouting, pool)
    of = texts.of
    tasks = [asyncio.create_task(of("first", 0.0, math.inf))]
    await asyncio.sleep(0.02)
    tasks += [asyncio.create_task(of(f"p{stake}", float(stake), math.inf)) for stake in (1, 2, 4, 1000, 8, 16)]
    await asyncio.sleep(0.02)
    assert (texts.running, texts.waiting) == (1, 6)
    shouting.free.set()
    await asyncio.gather(*tasks)
    assert shouting.batches == [["first"], ["p1000", "p16", "p8", "p4"], ["p2", "p1"]]
    assert (texts.running, texts.waiting) == (0, 0)
    assert (texts.seen.batch.total, dict(texts.seen.batch.buckets())["2.0"]) == (7, 2)


@pytest.mark.parametrize(("poison", "error"), [("bad", EngineFailed), ("lacks", EngineLacks), ("short", EngineFailed)])
async def test_a_text_that_breaks_the_model_takes_nobody_along(
    poison: str, error: type[Exception], pool: ThreadPoolExecutor
) -> None:
    of = gathering(Shouting(), pool).of
    ended = await asyncio.gather(*(of(text, 0.0, math.inf) for text in ("a", poison, "b")), return_exceptions=True)
    assert [ended[0], type(ended[1]), ended[2]] == ["A", error, "B"]


async def test_whoever_is_late_or_has_left_is_not_computed(pool: ThreadPoolExecutor) -> None:
    shouting = Shouting()
    shouting.free.clear()
    of = gathering(shouting, pool).of
    first = asyncio.create_task(of("first", 0.0, math.inf))
    await asyncio.sleep(0.02)
    gone = asyncio.create_task(of("gone", 0.0, math.inf))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(DeadlineExceeded):
        await of("late", 0.0, time.monotonic() + 0.05)
    with pytest.raises(DeadlineExceeded):
        await of("too late", 0.0, time.monotonic() - 1.0)
    shouting.free.set()
    assert await first == "FIRST"
    assert shouting.batches == [["first"]]


async def test_the_deadline_holds_while_the_batch_is_computed(pool: ThreadPoolExecutor) -> None:
    shouting = Shouting()
    shouting.free.clear()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await gathering(shouting, pool).of("slow", 0.0, began + 0.05)
    assert time.monotonic() - began < 1.0
    shouting.free.set()


async def test_a_full_line_refuses_and_one_caller_alone_cannot_fill_it(pool: ThreadPoolExecutor) -> None:
    shouting = Shouting()
    texts = gathering(shouting, pool, waiting=8)
    assert await texts.of_each([str(at) for at in range(30)], 0.0, math.inf) == [str(at) for at in range(30)]
    shouting.free.clear()
    tasks = [asyncio.create_task(texts.of(str(at), 0.0, math.inf)) for at in range(13)]
    await asyncio.sleep(0.02)
    shouting.free.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in ended] == [str] * 8 + [Overloaded] * 5


async def test_of_several_texts_one_that_fails_ends_the_wait_for_the_others(pool: ThreadPoolExecutor) -> None:
    texts = gathering(Shouting(), pool)
    with pytest.raises(EngineFailed):
        await texts.of_each(["a", "bad", "b"], 0.0, math.inf)
    assert await texts.of_each(["c"], 0.0, math.inf) == ["C"]


async def test_closing_turns_away_who_waits_and_lets_the_batch_end(pool: ThreadPoolExecutor) -> None:
    shouting = Shouting()
    shouting.free.clear()
    texts = gathering(shouting, pool)
    first = asyncio.create_task(texts.of("first", 0.0, math.inf))
    await asyncio.sleep(0.02)
    waiter = asyncio.create_task(texts.of("waiter", 0.0, math.inf))
    await asyncio.sleep(0)
    closing = asyncio.create_task(texts.close())
    with pytest.raises(Draining):
        await waiter
    shouting.free.set()
    await closing
    assert await first == "FIRST"
    with pytest.raises(Draining):
        await texts.of("newcomer", 0.0, math.inf)
