# SPDX-License-Identifier: Apache-2.0
"""A server that speaks OpenAI's protocol does the work: what it is asked, how its faults end, and what never leaks."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from miners.engines.engine import Embedding, Job, Tally
from miners.engines.openai import OpenAI
from miners.engines.opening import EngineOptions, open_engine
from protocols.clock import SystemClock
from protocols.errors import DeadlineExceeded, Draining, EngineFailed, ModelUnloadable, Overloaded, SubnetError
from protocols.model import Sampling
from tests.miners.engines.serving import KEY, MODEL, Serving, serving


@asynccontextmanager
async def engine_of(url: str, *, model: str = MODEL, batch: int = 4, waiting: int = 8) -> AsyncIterator[OpenAI]:
    """A started engine that asks this address."""
    engine = open_engine("openai", EngineOptions(url=url, model=model, batch=batch, waiting=waiting, api_key=KEY))
    assert isinstance(engine, OpenAI)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


async def said(engine: OpenAI, prompt: str, *, deadline_s: float = 10.0, tally: Tally | None = None) -> str:
    """The whole answer to a prompt, of at most 8 tokens."""
    deadline = time.monotonic() + deadline_s
    job = Job(prompt=prompt, max_tokens=8, deadline=deadline, tally=tally or Tally())
    async with aclosing(engine.generate(job)) as pieces:
        return "".join([piece async for piece in pieces])


async def until(state: Callable[[], bool]) -> None:
    """Wait until something holds."""
    clock = SystemClock()
    async with asyncio.timeout(5):
        while not state():
            await clock.sleep(0.01)


async def test_an_answer_comes_in_pieces_and_is_billed_as_the_server_counts() -> None:
    tally = Tally()
    async with serving(Serving(key=KEY)) as server, engine_of(server.url) as engine:
        job = Job(prompt="to be or not", max_tokens=3, tally=tally)
        async with aclosing(engine.generate(job)) as pieces:
            assert [piece async for piece in pieces] == ["TO ", "BE ", "OR "]
    assert tally == Tally(prompt=43, generated=3)


async def test_pieces_are_counted_where_the_server_does_not_count() -> None:
    tally = Tally()
    async with serving(Serving(says_usage=False)) as server, engine_of(server.url) as engine:
        await said(engine, "to be or not", tally=tally)
    assert tally == Tally(prompt=0, generated=4)


async def test_what_a_definition_chooses_reaches_the_server() -> None:
    hot = Sampling(temperature=0.7, top_p=0.9, top_k=5, seed=11, stop=("END",))
    async with serving() as server, engine_of(server.url) as engine:
        for sampling in (Sampling(), hot):
            async with aclosing(engine.generate(Job(prompt="a", max_tokens=4, sampling=sampling))) as pieces:
                assert [piece async for piece in pieces] == ["A "]
    always = {"model": MODEL, "prompt": "a", "max_tokens": 4, "stream": True, "stream_options": {"include_usage": True}}
    chosen = {"temperature": 0.7, "top_p": 0.9, "top_k": 5, "seed": 11, "stop": ["END"]}
    assert server.bodies == [always | {"temperature": 0.0, "top_p": 1.0}, always | chosen]


async def test_an_address_of_chats_gets_the_prompt_as_a_message() -> None:
    async with serving() as server, engine_of(f"{server.url}/chat/completions") as engine:
        assert await said(engine, "hello there") == "HELLO THERE "
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "hello there"}]


async def test_an_answer_ends_before_a_stop_text_also_at_a_server_that_knows_none() -> None:
    async with serving() as server, engine_of(server.url) as engine:
        job = Job(prompt="one two three four", max_tokens=8, sampling=Sampling(stop=("O TH",)))
        async with aclosing(engine.generate(job)) as pieces:
            assert "".join([piece async for piece in pieces]) == "ONE TW"


async def test_no_tokens_are_not_asked_for() -> None:
    async with serving() as server, engine_of(server.url) as engine:
        assert [piece async for piece in engine.generate(Job(prompt="a", max_tokens=0))] == []
    assert server.bodies == []


async def test_leaving_an_answer_closes_the_connection_at_once() -> None:
    async with serving() as server, engine_of(server.url, batch=1) as engine:
        async with aclosing(engine.generate(Job(prompt="slow", max_tokens=1000))) as pieces:
            assert await anext(pieces) == "0 "
        await until(lambda: server.left == 1)
        assert await said(engine, "next") == "NEXT "


async def test_a_cancelled_job_frees_its_place_and_its_connection() -> None:
    async with serving() as server, engine_of(server.url, batch=1) as engine:
        task = asyncio.create_task(said(engine, "wait"))
        await until(lambda: server.running == 1)
        task.cancel()
        await asyncio.wait([task])
        await until(lambda: server.left == 1)
        assert await said(engine, "next") == "NEXT "


async def test_work_ends_at_its_deadline_before_and_within_an_answer() -> None:
    async with serving() as server, engine_of(server.url) as engine:
        for prompt in ("wait", "slow"):
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                await said(engine, prompt, deadline_s=0.2)
            assert time.monotonic() - began < 2.0
        with pytest.raises(DeadlineExceeded):
            await said(engine, "too late", deadline_s=-1.0)
    assert server.prompts == ["wait", "slow"]


async def test_the_server_has_at_most_as_many_as_were_allowed_and_the_greatest_waits_least() -> None:
    async with serving() as server, engine_of(server.url, batch=2, waiting=3) as engine:
        jobs = [Job(prompt="wait", max_tokens=1) for _ in range(2)]
        jobs += [Job(prompt=f"p{stake}", max_tokens=1, priority=float(stake)) for stake in (1, 1000, 30, 5)]

        async def run(job: Job) -> str:
            async with aclosing(engine.generate(job)) as pieces:
                return "".join([piece async for piece in pieces])

        tasks = []
        for job in jobs:
            tasks.append(asyncio.create_task(run(job)))
            await asyncio.sleep(0)
        await until(lambda: server.running == 2)
        assert engine.gauges() == {"waiting": 3, "running": 2}
        server.open.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in ended] == [str, str, Overloaded, str, str, str]
    assert server.prompts[2:4] in (["p1000", "p30"], ["p30", "p1000"])
    assert server.most_running == 2
    assert engine.gauges() == {"waiting": 0, "running": 0}
    assert engine.histograms()["wait"].buckets()[-1] == ("+Inf", 5)


FAULTS = [
    ("echo the key", "answered 500, expected 200: 'you said Bearer \\*\\*\\*"),
    ("json", "application/json, expected text/event-stream"),
    ("redirect", "answered 307, expected 200"),
    ("garbage", "expected an event"),
    ("long line", "a line of over 65536 bytes"),
    ("endless", "more than 98304 bytes"),
    ("error", "out of memory"),
    ("cut", "connection to .* failed"),
    ("short", "ended a stream in the middle"),
]


@pytest.mark.parametrize(("prompt", "message"), FAULTS, ids=[prompt for prompt, _ in FAULTS])
async def test_a_fault_of_the_server_is_named_and_the_next_job_is_served(prompt: str, message: str) -> None:
    async with serving() as server, engine_of(server.url, batch=1) as engine:
        with pytest.raises(EngineFailed, match=message) as raised:
            await said(engine, prompt)
        assert raised.value.message.isprintable()
        assert await said(engine, "next") == "NEXT "
        assert server.prompts == [prompt, "next"]


async def test_an_answer_that_is_whole_does_not_hang_on_what_follows() -> None:
    began = time.monotonic()
    async with serving() as server, engine_of(server.url) as engine:
        assert await said(engine, "hang after") == "done"
    assert time.monotonic() - began < 4.0


async def test_a_busy_server_is_asked_again_but_not_beyond_the_deadline() -> None:
    async with serving() as server, engine_of(server.url) as engine:
        server.busy = 1
        assert await said(engine, "again") == "AGAIN "
        server.busy, server.retry_after = 1, "600"
        with pytest.raises(Overloaded, match="503, expected 200") as raised:
            await said(engine, "later")
        assert raised.value.retry_after_s == 600
        assert len(server.bodies) == 3


async def test_a_server_that_refuses_connections_is_tried_until_it_is_back() -> None:
    async with serving() as server:
        url = server.url
        engine = OpenAI(EngineOptions(url=url, model=MODEL))
        await engine.start()
    try:
        with pytest.raises(EngineFailed, match="failed"):
            await said(engine, "nobody", deadline_s=0.2)
        began = time.monotonic()
        with pytest.raises(EngineFailed, match="failed"):
            await said(engine, "nobody", deadline_s=30)
        assert 1.7 < time.monotonic() - began < 10
    finally:
        await engine.close()


async def test_no_error_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(EngineOptions(api_key=KEY))]
    async with serving(Serving(key="another")) as server:
        engine = OpenAI(EngineOptions(url=server.url, model=MODEL, api_key=KEY))
        shown += [repr(engine), str(engine.facts())]
        with pytest.raises(EngineFailed, match="401, expected 200") as raised:
            await engine.start()
        shown += traceback.format_exception(raised.value)
        server.key = ""
        for prompt in ("echo the key", "cut", "redirect"):
            with pytest.raises(EngineFailed) as raised:
                await said(engine, prompt)
            shown += [*traceback.format_exception(raised.value), *chain(raised.value)]
        await engine.close()
    assert not [text for text in (*shown, caplog.text) if KEY[3:] in text]


def chain(error: BaseException | None) -> list[str]:
    """An error and all that it came of, as a log that shows everything would."""
    shown = []
    while error is not None:
        shown += [repr(error), repr(error.args)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown


@pytest.mark.parametrize("models", [["other"], [], [f"m{at}\x1b[31m" for at in range(20)]])
async def test_a_model_that_the_server_lacks_is_refused_with_those_it_has(models: list[str]) -> None:
    async with serving(Serving(models=models)) as server:
        with pytest.raises(ModelUnloadable, match=r"no model 'tiny/one' at .*it has (other|no models|m0.* 12 more)"):
            async with engine_of(server.url):
                pass


async def test_the_only_model_needs_no_name_and_an_unlisted_one_is_tried() -> None:
    async with serving() as server:
        async with engine_of(server.url, model="") as engine:
            assert engine.facts() == {"model": MODEL}
        async with engine_of(server.url, model="unlisted") as engine:
            assert await said(engine, "a") == "A "
        server.models = ["a", "b"]
        with pytest.raises(ModelUnloadable, match="has a, b, and none is named"):
            async with engine_of(server.url, model=""):
                pass


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://h/v1", "http://me:pass@h/v1", "me:pass@h:8000", "http://h/v1?a=b", "http://[/"]
)
def test_an_address_that_cannot_be_asked_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ModelUnloadable) as raised:
        OpenAI(EngineOptions(url=url))
    assert "pass@" not in raised.value.render()


def test_a_key_that_no_header_can_bear_is_refused_unseen_and_a_line_end_is_cut_off() -> None:
    OpenAI(EngineOptions(url="http://h/v1", api_key=f"{KEY}\n"))
    with pytest.raises(ModelUnloadable) as raised:
        OpenAI(EngineOptions(url="http://h/v1", api_key=f"{KEY}\nX-Other: 1"))
    assert KEY not in raised.value.render()


async def test_a_prompt_of_megabytes_is_sent_whole() -> None:
    async with serving() as server, engine_of(server.url) as engine:
        assert await said(engine, "word " * 400_000, deadline_s=20) == "WORD " * 8
    assert len(server.prompts[0]) == 2_000_000


async def test_embeddings_come_in_the_order_of_the_texts() -> None:
    tally = Tally()
    async with serving() as server, engine_of(server.url) as engine:
        made = await engine.embed(Embedding(texts=["a", "bbb"], tally=tally))
        assert made.tolist() == [[1.0, 0.5], [3.0, 0.5]]
        assert (await engine.embed(Embedding(texts=[]))).shape == (0, 0)
        for text in ("uneven", "missing"):
            with pytest.raises(EngineFailed, match="expected 2 of one length"):
                await engine.embed(Embedding(texts=["a", text]))
    assert tally.prompt == 9


async def test_closing_ends_jobs_under_way_and_turns_away_who_waits() -> None:
    async with serving() as server, engine_of(server.url, batch=1) as engine:
        tasks = [asyncio.create_task(said(engine, "wait")) for _ in range(2)]
        await until(lambda: server.running == 1)
        await engine.close()
        async with asyncio.timeout(5):
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in ended] == [EngineFailed, Draining]
        with pytest.raises(SubnetError):
            await said(engine, "after")
