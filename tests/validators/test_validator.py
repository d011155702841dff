# SPDX-License-Identifier: Apache-2.0
"""Rounds: what a miner earns for what it gives, what is kept of it, and what a restart or a bad round costs."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.calls import Register, ServeAxon
from protocols.client import Client
from protocols.clock import VirtualClock
from protocols.columns import Flags, Floats
from protocols.endpoint import Endpoint
from protocols.errors import (
    ChainUnreachable,
    InvalidSubnet,
    KeyMaterialError,
    NotRegistered,
    StaleMetagraph,
)
from protocols.metagraph import Metagraph
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Block, Hotkey, NetUid
from tests.validators.world import (
    ME,
    NETUID,
    PAYER,
    Doubling,
    Guess,
    WatchedChain,
    hotkey,
    miner_key,
    off_by,
    refusing,
    world,
)
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.sampling import SamplingOptions
from validators.store import Store


async def test_scores_and_weights_follow_quality(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        good, fair, poor = [await w.add_miner(f"m{off}", off_by(off)) for off in (0, 1, 9)]
        await w.add_validator()
        rounds = await w.steps(w.validator(await w.store()), 30)
        scores = rounds[-1].scores
        assert rounds[-1].rewards == {good: 1.0, fair: 0.5, poor: 0.1}
        assert scores[good] == pytest.approx(1.0)
        assert scores[fair] == pytest.approx(0.5)
        assert scores[poor] == pytest.approx(0.1)
        weights = await w.my_weights()
        assert weights == {good: 65_535, fair: pytest.approx(32_768, abs=2), poor: pytest.approx(6_554, abs=2)}


async def test_whoever_is_silent_refuses_or_lies_gets_nothing(tmp_path: Path) -> None:
    async def slow(ask: Guess, ctx: Context) -> Guess.Reply:
        await asyncio.sleep(30)
        return Guess.Reply(number=2 * ask.number)

    async def wrong(ask: Guess, ctx: Context) -> Any:
        return "nothing of the kind"

    async with world(tmp_path) as w:
        good = await w.add_miner("good", off_by(0))
        bad = [await w.add_miner(f"bad{at}", how) for at, how in enumerate((None, refusing, wrong, slow))]
        await w.submit(Register(NETUID, hotkey(miner_key("homeless"))))
        await w.add_validator()
        done = await w.validator(await w.store(), options=ValidatorOptions(seed=1, timeout_s=2.0)).step()
        assert set(done.asked) == {good, *bad}
        assert done.answered == 1
        *first, late = [done.misses[miner] for miner in bad]
        assert first == ["unreachable", "peer_error", "peer_error"]
        # At the deadline a miner gives up as we do, and may still say so in time.
        assert late in ("timed_out", "peer_error")
        assert done.rewards == {good: 1.0, **dict.fromkeys(bad, 0.0)}


async def test_another_server_at_the_miners_address_earns_it_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        robbed = await w.add_miner("robbed", None)
        thief = Server(miner_key("thief"), {Guess: off_by(0)})
        w.network.serve("127.0.0.1:9000", thief.app)
        await w.add_validator()
        done = await w.validator(await w.store()).step()
        assert done.rewards == {robbed: 0.0}


async def test_scores_survive_a_restart_and_rounds_go_on_as_if_there_had_been_none(tmp_path: Path) -> None:
    async def erratic(ask: Guess, ctx: Context) -> Guess.Reply:
        return Guess.Reply(number=2 * ask.number + ask.number % 7)

    runs = []
    for name, restarts in (("once", {}), ("twice", {2, 5})):
        (tmp_path / name).mkdir()
        async with world(tmp_path / name) as w:
            for at in range(6):
                await w.add_miner(f"m{at}", erratic if at % 2 else off_by(at))
            await w.add_validator()
            options = ValidatorOptions(seed=7, sampling=SamplingOptions(size=3), timeout_s=2.0)
            store = await w.store()
            validator, rounds = w.validator(store, options=options), []
            for at in range(8):
                if at in restarts:
                    await store.close()
                    store = await w.store()
                    validator = w.validator(store, options=options)
                rounds += await w.steps(validator, 1)
        runs.append(rounds)
    assert runs[0] == runs[1]
    assert [done.number for done in runs[0]] == list(range(8))
    assert len({done.asked for done in runs[0]}) > 1


async def test_a_validator_without_a_seed_draws_one_that_its_restart_finds_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_validator()
        seeds = []
        for at in (0, 0, 1):
            store = Store(tmp_path / f"{at}.db")
            seeds.append((await store.journal(w.chain.genesis, NETUID, hotkey(ME))).seed)
            await store.close()
        assert seeds[0] == seeds[1] != seeds[2]


async def test_a_hotkey_that_registers_anew_starts_at_zero(tmp_path: Path) -> None:
    dials = {"max_allowed_uids": 4, "min_allowed_uids": 4, "immunity_period": 0}
    async with world(tmp_path, dials) as w:
        await w.add_validator()
        other, back = [await w.add_miner(name, off_by(0)) for name in ("other", "back")]
        w.chain.seal()
        validator = w.validator(await w.store())
        await w.steps(validator, 4)
        before = (await validator.step()).scores
        assert before[back] > 0.9
        metagraph = await w.chain.metagraph(NETUID)
        # Two newcomers push both miners out, and one of them comes back.
        for name in ("first", "second"):
            await w.submit(Register(NETUID, hotkey(miner_key(name))))
        assert not {other, back} & set((await w.chain.metagraph(NETUID)).hotkeys)
        await w.submit(Register(NETUID, back))
        after = await w.chain.metagraph(NETUID)
        assert after.by_hotkey(back).block_at_registration > metagraph.by_hotkey(back).block_at_registration
        scores = (await validator.step()).scores
        assert scores[back] == 0.0
        assert other not in scores


class Broken(Doubling):
    """Gives what is no reward, in rounds that are told."""

    name = "broken"
    good_rounds = 3

    def __init__(self) -> None:
        self.round = 0

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        self.round += 1
        return super().score(task, replies) if self.round <= self.good_rounds else [math.nan] * len(replies)


class Sinking(Doubling):
    """Moves scores to what is none."""

    name = "sinking"
    good_rounds = 3

    def __init__(self) -> None:
        self.round = 0

    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        self.round += 1
        moved = super().aggregate(scores, rewards, asked)
        return moved if self.round <= self.good_rounds else np.full_like(moved, math.inf)


@pytest.mark.parametrize("definition", [Broken, Sinking])
async def test_what_is_no_number_is_a_typed_error_that_loses_nothing(tmp_path: Path, definition: Any) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        store = await w.store()
        validator = w.validator(store, definition=definition())
        kept = (await w.steps(validator, 3))[-1].scores
        weights = await w.my_weights()
        with pytest.raises(InvalidSubnet, match=r"gave (nan|inf)"):
            await validator.step()
        journal = await store.journal(w.chain.genesis, NETUID, hotkey(ME))
        assert {who: standing.score for who, standing in (await journal.standings()).items()} == kept
        assert await w.my_weights() == weights
        # The next round is another one: the task that could not be scored does not come again.
        assert (await w.validator(store).step()).number == 4


async def test_a_definition_that_picks_strangers_or_makes_no_tasks_is_told_so(tmp_path: Path) -> None:
    class Strange(Doubling):
        name = "strange"

        def sample(self, metagraph: Metagraph, rng: Any, k: int, me: Hotkey) -> Sequence[Hotkey]:
            return [me]

    class Empty(Doubling):
        name = "empty"

        async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
            for number in range(0):
                yield Task(Guess(number=number))

    async with world(tmp_path) as w:
        await w.add_validator()
        store = await w.store()
        with pytest.raises(InvalidSubnet, match="sample picked the validator itself"):
            await w.validator(store, definition=Strange()).step()
        with pytest.raises(InvalidSubnet, match="tasks gave nothing"):
            await w.validator(store, definition=Empty()).step()


async def test_tasks_that_come_to_an_end_are_started_again(tmp_path: Path) -> None:
    class Three(Doubling):
        name = "three"
        asked: list[int] = []  # noqa: RUF012

        async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
            for number in range(3):
                yield Task(Guess(number=number), reference=2 * number)

        def score(self, task: Task, replies: Replies) -> Sequence[float]:
            self.asked.append(task.ask.number)  # type: ignore[attr-defined]
            return super().score(task, replies)

    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        definition = Three()
        await w.steps(w.validator(await w.store(), definition=definition), 5)
        assert definition.asked == [0, 1, 2, 0, 1]


async def test_the_items_of_a_stream_are_scored_in_one_piece(tmp_path: Path) -> None:
    class Streamed(Doubling):
        name = "streamed"

        async def answer(self, ask: Guess, ctx: AnswerContext) -> AsyncIterator[Guess.Reply]:  # type: ignore[override]
            yield Guess.Reply(number=0)

        def score(self, task: Task, replies: Replies) -> Sequence[float]:
            return [float(sum(item.number for item in row.items) == task.reference) for row in replies]

    async def halves(ask: Guess, ctx: Context) -> AsyncIterator[Guess.Reply]:
        yield Guess.Reply(number=ask.number)
        yield Guess.Reply(number=ask.number)

    async def broken(ask: Guess, ctx: Context) -> AsyncIterator[Guess.Reply]:
        yield Guess.Reply(number=2 * ask.number)
        raise RuntimeError

    async def endless(ask: Guess, ctx: Context) -> AsyncIterator[Guess.Reply]:
        while True:
            yield Guess.Reply(number=1)

    async def empty(ask: Guess, ctx: Context) -> AsyncIterator[Guess.Reply]:
        for _ in range(0):
            yield Guess.Reply(number=1)

    async with world(tmp_path) as w:
        whole, *bad = [await w.add_miner(how.__name__, how) for how in (halves, broken, endless, empty)]
        await w.add_validator()
        options = ValidatorOptions(seed=1, timeout_s=2.0, most_stream_bytes=10_000)
        done = await w.validator(await w.store(), definition=Streamed(), options=options).step()
        assert done.rewards == {whole: 1.0, **dict.fromkeys(bad, 0.0)}
        assert [done.misses[miner] for miner in bad] == ["peer_error", "reply_too_large", "empty_stream"]


async def test_on_a_public_chain_nobody_is_asked_at_an_address_within_our_own_network(tmp_path: Path) -> None:
    class Public(WatchedChain):
        is_local = False

    async with world(tmp_path) as w:
        miner = await w.add_miner("m", off_by(0))
        await w.add_validator()
        done = await w.validator(await w.store(), Public(w.chain)).step()
        assert done.misses == {miner: "no_endpoint"}


async def test_without_a_place_on_the_subnet_nobody_is_asked(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        w.chain.seal()
        with pytest.raises(NotRegistered):
            await w.validator(await w.store()).step()


async def test_a_metagraph_from_before_the_epoch_is_refused(tmp_path: Path) -> None:
    class Cached(WatchedChain):
        first: Metagraph | None = None

        async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
            self.first = self.first or await super().metagraph(netuid, block)
            return self.first

    async with world(tmp_path) as w:
        await w.add_validator()
        validator = w.validator(await w.store(), Cached(w.chain))
        await validator.step()
        await w.next_epoch()
        with pytest.raises(StaleMetagraph):
            await validator.step()


async def test_a_client_with_another_key_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with pytest.raises(KeyMaterialError, match="client signs as"):
            Validator(
                Doubling(),
                chain=w.chain,
                netuid=NETUID,
                key=PAYER,
                client=w.client(),
                store=await w.store(),
                clock=w.clock,
            )


async def test_the_loop_outlives_a_chain_that_is_away_and_rounds_that_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path) as w:
        await w.add_validator()
        w.clock = VirtualClock()
        chain = WatchedChain(w.chain)
        calls = 0

        def away(what: str) -> None:
            nonlocal calls
            calls += what == "epoch"
            if calls <= 3:
                raise ChainUnreachable("nobody is there")
            if calls == 4:
                raise RuntimeError("a defect")

        chain.before = away
        validator = w.validator(await w.store(), chain=chain)
        running = asyncio.create_task(validator.run(until=lambda done: done.number == 1))
        for _ in range(400):
            await w.clock.advance(1)
            await asyncio.sleep(0.001)
            if running.done():
                break
        assert running.done()
        assert calls >= 6
        assert "chain_unreachable" in caplog.text
        assert "a defect" in caplog.text
        # 12 + 24 + 48 + 96 s after the failures, 12 s after the first good round.
        assert 190 <= w.clock.monotonic() <= 230


async def test_the_loop_ends_where_it_is_cancelled_and_can_be_run_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        validator = w.validator(await w.store(), options=ValidatorOptions(interval_s=0.0, seed=1))
        for delay in (0.0, 0.001, 0.01, 0.05):
            running = asyncio.create_task(validator.run())
            await asyncio.sleep(delay)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            assert running.cancelled()
        await validator.run(until=lambda done: done.answered == 1)


async def test_a_validator_talks_to_miners_over_http(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        key = miner_key("real")
        server = Server(key, {Guess: off_by(0)}, ServerOptions(replay=MemoryReplay.never_served_before()))
        await w.stack.enter_async_context(server)
        port = int((await server.start()).rpartition(":")[2])
        await w.submit(Register(NETUID, hotkey(key)))
        await w.submit(ServeAxon(NETUID, Endpoint("127.0.0.1", port)), key)
        await w.add_validator()
        async with Client(ME) as client:
            validator = w.validator(await w.store())
            validator.client = client
            done = await validator.step()
        assert done.rewards == {hotkey(key): 1.0}


@pytest.mark.serial
async def test_a_round_over_64_miners_takes_less_than_a_second_and_a_half(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for at in range(64):
            await w.add_miner(f"m{at}", off_by(at))
        await w.add_validator()
        validator = w.validator(await w.store())
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            done = await validator.step()
            times.append(time.perf_counter() - begun)
            w.chain.seal()
            assert done.answered == 64
        logging.getLogger(__name__).info("rounds over 64 miners: %s", times)
        assert min(times) < 1.5, times
