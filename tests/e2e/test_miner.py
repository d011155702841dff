# SPDX-License-Identifier: Apache-2.0
"""A miner with a real model under callers of every kind: who is served first, who is held back, and what is let go.

The chain, the miners and their model are what an operator starts, as processes; nothing here reaches into them.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import pytest

from protocols.client import Client
from protocols.clock import SystemClock
from subnet.templates.text.text import Ask
from tests.attacks.raw import connect, exchange
from tests.e2e.mining import (
    BASS,
    BUDGETED,
    DRAINED,
    MINER,
    MINNOW,
    MODEL,
    ROOT,
    SHRIMP,
    WHALE,
    Program,
    asking,
    chain,
    eventually,
    letter,
    measures,
    miner,
    peer,
    question,
)

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

FLOOD: Final = 50
CALLS: Final = 8
WITHIN_S: Final = 60.0
CLOCK: Final = SystemClock()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Program]]:
    """A chain and all miners of this file, which start side by side: most of that is loading libraries."""
    folder = tmp_path_factory.mktemp("town")
    with (
        chain(folder / "chain") as network,
        miner(network.url, folder / "miner", MINER, *MODEL) as plain,
        miner(
            network.url, folder / "budgeted", BUDGETED, *MODEL, "--tokens", "30000", "--requests", "1000"
        ) as budgeted,
        miner(network.url, folder / "drained", DRAINED, *MODEL, "--drain", "60") as drained,
    ):
        programs = {MINER: plain, BUDGETED: budgeted, DRAINED: drained}
        for program in programs.values():
            program.told()
        yield programs


async def slowest(client: Client, url: str) -> float:
    """Ask a few times, one after the other; the longest that an answer took, in seconds."""
    took = []
    for at in range(CALLS):
        came = CLOCK.monotonic()
        assert (await client.ask(peer(MINER, url), question(at), timeout_s=WITHIN_S)).text
        took.append(CLOCK.monotonic() - came)
    return max(took)


@asynccontextmanager
async def flood(caller: str, url: str) -> AsyncIterator[Counter[str]]:
    """So many callers of one key, each of whom asks again as soon as it was answered; how their queries ended."""
    ended: Counter[str] = Counter()
    over = asyncio.Event()

    async def ask(client: Client, first: int) -> None:
        while not over.is_set():
            outcome = await client.outcome(peer(MINER, url), question(first), timeout_s=WITHIN_S)
            ended["ok" if outcome.error is None else outcome.error.code] += 1

    async with asking(caller) as client, asyncio.TaskGroup() as group:
        for at in range(FLOOD):
            group.create_task(ask(client, at))
        try:
            # Until the model has its hands full.
            await eventually(url, "subnet_engine_running", 16, 64)
            yield ended
        finally:
            over.set()


async def test_a_high_stake_waits_at_most_twice_as_long_while_fifty_low_ones_flood(town: Mapping[str, Program]) -> None:
    url, ratios, ended = town[MINER].url, [9.0], Counter[str]()
    async with asking(WHALE) as whale:
        await slowest(whale, url)
        while min(ratios) > 2.0 and len(ratios) <= 3:
            idle = await slowest(whale, url)
            async with flood(SHRIMP, url) as ended:
                busy = await slowest(whale, url)
            ratios.append(busy / idle)
    assert min(ratios) <= 2.0, ratios[1:]
    assert set(ended) == {"ok"}  # whoever was slowed down was answered all the same


async def test_a_low_stake_is_answered_while_fifty_higher_ones_never_stop_asking(town: Mapping[str, Program]) -> None:
    url = town[MINER].url
    async with asking(MINNOW) as minnow, flood(BASS, url) as ended:
        before = ended["ok"]
        for at in range(2):
            assert (await minnow.outcome(peer(MINER, url), question(at), timeout_s=WITHIN_S)).ok
        assert ended["ok"] > before


async def test_callers_who_leave_free_their_places_at_once(town: Mapping[str, Program]) -> None:
    url, callers = town[MINER].url, 24
    before = await measures(url)
    async with AsyncExitStack() as stack:
        for at in range(callers):
            line = await stack.enter_async_context(connect(url))
            await line.send(letter(SHRIMP, MINER, question(at, 400)))
        await eventually(url, "subnet_jobs_under_way", callers * 2 / 3, callers)
    for name in ("subnet_queries_in_flight", "subnet_jobs_under_way", "subnet_engine_running"):
        assert await eventually(url, name, 0, 0) < 3.0
    after = await measures(url)
    left, done = (
        after.get(f"subnet_jobs_total text {ending}", 0.0) - before.get(f"subnet_jobs_total text {ending}", 0.0)
        for ending in ("left", "done")
    )
    assert left + done == callers
    assert left >= callers / 2


async def test_a_caller_has_its_share_of_tokens_and_of_requests_and_is_told_when_more_comes(
    town: Mapping[str, Program],
) -> None:
    url = town[BUDGETED].url  # one who has little stake gets a hundredth: 300 tokens, 10 requests
    asks = [(SHRIMP, question(at)) for at in range(8)] + [(MINNOW, Ask(prompt="a", max_tokens=1))] * 14
    answers = [(who, await exchange(url, letter(who, BUDGETED, ask))) for who, ask in asks]
    for caller, code in ((SHRIMP, "tokens_spent"), (MINNOW, "requests_spent")):
        mine = [answer for who, answer in answers if who == caller]
        refused = [answer for answer in mine if answer.status != 200]
        assert mine[0].status == 200
        assert {(answer.status, answer.code) for answer in refused} == {(429, code)}
        assert 1 <= int(refused[-1].header("retry-after") or 0) <= 4320
    assert (await exchange(url, letter(WHALE, BUDGETED))).status == 200


async def test_queries_under_way_are_answered_after_sigterm_and_new_ones_refused(town: Mapping[str, Program]) -> None:
    program = town[DRAINED]
    url = program.url
    async with asking(WHALE) as whale, connect(url) as line:
        asked = [
            asyncio.create_task(whale.outcome(peer(DRAINED, url), question(at, 96), timeout_s=WITHIN_S))
            for at in range(64)
        ]
        await eventually(url, "subnet_engine_running", 16, 64)
        program.signal(signal.SIGTERM)
        late = 200
        while late == 200:
            await line.send(letter(SHRIMP, DRAINED, question(0, 1)))
            answer = await line.response()
            late = answer.status
        outcomes = await asyncio.gather(*asked)
    assert (late, answer.code) == (503, "draining")
    assert [outcome.error for outcome in outcomes if not outcome.ok] == []
    assert all(outcome.reply.text for outcome in outcomes)
    assert await asyncio.to_thread(program.finish) == 143


def test_status_tells_of_a_miner_that_runs_and_fails_where_none_does(town: Mapping[str, Program]) -> None:
    told = town[MINER].told()
    code, status = _status(told["url"])
    assert code == 0
    assert (status["ready"], status["hotkey"], status["engine"]["digest"]) == (
        True,
        told["hotkey"],
        told["engine"]["digest"],
    )
    assert status["queries"].keys() <= {"ok", "caller_left"}
    assert (status["in flight"], status["waiting"]) == (0, 0)
    code, error = _status("http://127.0.0.1:9")
    assert (code, error["code"], error["help"]) == (1, "unreachable", "start one: subnet miner run")


def _status(url: str) -> tuple[int, dict[str, Any]]:
    words = [sys.executable, "-m", "subnet", "miner", "status", url, "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    said: dict[str, Any] = json.loads(done.stdout or done.stderr)
    return done.returncode, said
