# SPDX-License-Identifier: Apache-2.0
"""An operator's own function does the work: blocking or not, whole or in pieces, and whatever it does wrong."""

from __future__ import annotations

import asyncio
import hashlib
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from miners.engines.engine import Job
from miners.engines.function import Function
from miners.engines.opening import EngineOptions, open_engine
from protocols.clock import SystemClock
from protocols.errors import DeadlineExceeded, Draining, EngineFailed, ModelUnloadable, Overloaded

APP = """
    import asyncio, sys, threading, time

    FREE, SEEN, NOW, MOST = threading.Event(), [], [0], [0]

    def shout(prompt):
        SEEN.append(threading.current_thread() is threading.main_thread())
        return prompt.upper()

    def block(prompt):
        NOW[0] += 1
        MOST[0] = max(MOST[0], NOW[0])
        FREE.wait(10)
        NOW[0] -= 1
        return prompt

    async def wait(prompt):
        await asyncio.sleep(float(prompt))
        return "waited"

    async def pieces(prompt):
        try:
            for word in prompt.split():
                await asyncio.sleep(0.3 if word == "slow" else 0)
                yield word
        finally:
            SEEN.append("closed")

    class Counter:
        async def __call__(self, prompt):
            return str(len(prompt))

    count = Counter()

    def breaks(prompt):
        raise {"stop": StopIteration, "exit": SystemExit}.get(prompt, ValueError)("a secret")

    async def exits(prompt):
        sys.exit(3)

    async def number(prompt):
        return 7

    def gives(prompt):
        yield prompt
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An operator's file."""
    path = tmp_path / "app.py"
    path.write_text(textwrap.dedent(APP))
    return path


@asynccontextmanager
async def engine_of(model: str, *, batch: int = 2, waiting: int = 4) -> AsyncIterator[Function]:
    """A started engine that calls this function."""
    engine = open_engine("function", EngineOptions(model=model, batch=batch, waiting=waiting))
    assert isinstance(engine, Function)
    await engine.start()
    yield engine
    await engine.close()


async def said(engine: Function, prompt: str, *, deadline_s: float = 10.0, priority: float = 0.0) -> list[str]:
    """The pieces of an answer."""
    job = Job(prompt=prompt, max_tokens=8, deadline=time.monotonic() + deadline_s, priority=priority)
    async with aclosing(engine.generate(job)) as pieces:
        return [piece async for piece in pieces]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    clock = SystemClock()
    async with asyncio.timeout(5):
        while not holds():
            await clock.sleep(0.01)


def within(engine: Function, name: str) -> list[object]:
    """A list of the operator's module, through the function that the engine has imported."""
    found = vars(engine)["_function"].__globals__[name]
    assert isinstance(found, list)
    return found


async def test_a_plain_function_runs_in_a_thread(app: Path) -> None:
    async with engine_of(f"{app}:shout") as engine:
        assert await said(engine, "hi") == ["HI"]
        assert within(engine, "SEEN") == [False]


async def test_functions_that_wait_or_yield_or_are_objects_are_called_too(app: Path) -> None:
    async with engine_of(f"{app}:wait") as engine:
        assert await said(engine, "0") == ["waited"]
    async with engine_of(f"{app}:count") as engine:
        assert await said(engine, "four") == ["4"]
    async with engine_of(f"{app}:pieces") as engine:
        assert await said(engine, "one two") == ["one", "two"]
        assert within(engine, "SEEN") == ["closed"]


async def test_a_function_of_an_installed_module_is_named_with_its_module() -> None:
    async with engine_of("textwrap:dedent") as engine:
        assert await said(engine, "  hi") == ["hi"]
        assert engine.facts()["model"] == "textwrap:dedent"


async def test_the_digest_is_that_of_the_file(app: Path) -> None:
    digest = hashlib.sha256(textwrap.dedent(APP).encode()).hexdigest()
    async with engine_of(f"{app}:shout") as engine:
        assert engine.facts() == {"model": "app.py:shout", "digest": digest}


async def test_a_call_in_a_thread_holds_its_place_until_it_returns_though_its_caller_left(app: Path) -> None:
    async with engine_of(f"{app}:block", batch=1) as engine:
        now = within(engine, "NOW")
        left = asyncio.create_task(said(engine, "left"))
        await until(lambda: now == [1])
        left.cancel()
        await asyncio.wait([left])
        assert engine.gauges() == {"waiting": 0, "running": 1}
        with pytest.raises(DeadlineExceeded):
            await said(engine, "waits", deadline_s=0.1)
        waiter = asyncio.create_task(said(engine, "next"))
        await asyncio.sleep(0.05)
        vars(engine)["_function"].__globals__["FREE"].set()
        assert await waiter == ["next"]
        assert within(engine, "MOST") == [1]


async def test_what_waits_or_yields_is_cancelled_and_frees_its_place(app: Path) -> None:
    for name, prompt in (("wait", "30"), ("pieces", "slow " * 100)):
        async with engine_of(f"{app}:{name}", batch=1) as engine:
            task = asyncio.create_task(said(engine, prompt))
            await asyncio.sleep(0.02)
            task.cancel()
            assert await said(engine, "0") == ["waited" if name == "wait" else "0"]


async def test_all_kinds_end_at_the_deadline(app: Path) -> None:
    for name, prompt in (("wait", "30"), ("pieces", "slow " * 100), ("block", "x")):
        async with engine_of(f"{app}:{name}") as engine:
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                await said(engine, prompt, deadline_s=0.1)
            assert time.monotonic() - began < 1.0
            if name == "block":
                vars(engine)["_function"].__globals__["FREE"].set()


async def test_more_than_may_wait_are_refused(app: Path) -> None:
    async with engine_of(f"{app}:wait", batch=1, waiting=1) as engine:
        ended = await asyncio.gather(*(said(engine, "0.05") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in ended] == [list, list, Overloaded]


@pytest.mark.parametrize(
    ("name", "prompt", "message"),
    [
        ("breaks", "x", "raised ValueError"),
        ("breaks", "stop", "raised RuntimeError"),
        ("breaks", "exit", "raised RuntimeError"),
        ("exits", "x", "raised SystemExit"),
        ("number", "x", "gave int, expected str"),
    ],
)
async def test_what_a_function_does_wrong_is_named_and_ends_one_job(
    name: str, prompt: str, message: str, app: Path
) -> None:
    async with engine_of(f"{app}:{name}", batch=1) as engine:
        for _ in range(2):
            with pytest.raises(EngineFailed, match=message) as raised:
                await said(engine, prompt)
            assert "secret" not in raised.value.message


async def test_after_closing_nothing_is_called(app: Path) -> None:
    async with engine_of(f"{app}:shout") as engine:
        await engine.close()
        with pytest.raises(Draining):
            await said(engine, "hi")
        assert within(engine, "SEEN") == []


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("app", "expected FILE.py:NAME or MODULE:NAME"),
        ("", "expected FILE.py:NAME or MODULE:NAME"),
        ("missing.py:f", "there is no file"),
        ("no_such_module:f", "No module named"),
        ("{app}:shuot", "has no 'shuot'"),
        ("{app}:SEEN", "is list, expected a function"),
        ("{app}:Counter", "is type, expected a function"),
        ("{app}:gives", "is function, expected a function of a prompt"),
        ("{broken}:f", "ZeroDivisionError"),
        ("{exits}:f", "SystemExit"),
    ],
)
async def test_what_is_no_function_of_a_prompt_is_refused(model: str, message: str, app: Path) -> None:
    (app.parent / "broken.py").write_text("1 / 0")
    (app.parent / "exits.py").write_text("raise SystemExit(1)")
    names = {"app": app, "broken": app.parent / "broken.py", "exits": app.parent / "exits.py"}
    with pytest.raises(ModelUnloadable, match=message) as raised:
        async with engine_of(model.format(**names)):
            pass
    if "shuot" in model:
        assert raised.value.help.endswith(":shout")
