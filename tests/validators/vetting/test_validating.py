# SPDX-License-Identifier: Apache-2.0
"""A validator that vets: what is struck out earns nothing, is told why, and is not forgotten by a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols import synapse
from protocols.calls import SetCommitment
from protocols.errors import InvalidSubnet
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Hotkey
from tests.validators.world import NETUID, Answer, Guess, World, miner_key, off_by, world
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.vetting import VettingOptions


class Look(Synapse):
    """Asks what is in a document."""

    document: str

    class Reply(synapse.Reply):
        """What is in it."""

        text: str


class Coded(Subnet):
    """Everybody's document has a code word of its own, and whoever reads it says it."""

    name, version = "coded", 1
    synapse = Look

    async def tasks(self, ctx: TaskContext) -> Any:
        """One for ever."""
        while True:
            yield Task(Look(document="The lamp is red."))

    async def answer(self, ask: Look, ctx: AnswerContext) -> Look.Reply:
        """The last word."""
        return Look.Reply(text=ask.document.split()[-1])

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        """One for each."""
        return [1.0] * len(replies)

    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        """The document with a code word."""
        code = f"KX-{rng.integers(10**9):09}"
        return Task(Look(document=f"The lamp is red. The code is {code}"), task.reference, canary=code)


async def reader(w: World, name: str, answer: Callable[[Look, Context], Awaitable[Look.Reply]]) -> Hotkey:
    """A miner of the coded subnet."""
    hotkey = await w.add_miner(name, None)
    server = Server(miner_key(name), {Look: answer}, ServerOptions(replay=MemoryReplay.never_served_before()))
    await w.stack.enter_async_context(server)
    w.network.serve(f"127.0.0.1:{9000 + len(w.servers) - 1}", server.app)
    return hotkey


async def coded(w: World, options: ValidatorOptions) -> tuple[Validator, Hotkey, Hotkey, list[str]]:
    """A validator of an honest miner and of one that repeats what it overheard."""
    heard: list[str] = []
    came = asyncio.Event()

    async def honest(ask: Look, ctx: Context) -> Look.Reply:
        heard.append(ask.document)
        came.set()
        return Look.Reply(text=ask.document.split()[-1])

    async def parrot(ask: Look, ctx: Context) -> Look.Reply:
        await came.wait()
        return Look.Reply(text=heard[-1].split()[-1])

    owner, copier = await reader(w, "owner", honest), await reader(w, "copier", parrot)
    await w.add_validator()
    return w.validator(await w.store(), definition=Coded(), options=options), owner, copier, heard


async def test_an_answer_with_anothers_canary_earns_nothing_and_is_told_why(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        validator, owner, copier, _ = await coded(w, ValidatorOptions(seed=1, timeout_s=2.0))
        done = await validator.step()
        assert done.struck == {copier: f"canary_of:{owner}"}
        assert done.rewards == {owner: 1.0, copier: 0.0}


async def test_without_variants_all_are_asked_the_same_and_a_copy_is_an_answer(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        validator, owner, copier, heard = await coded(w, ValidatorOptions(seed=1, timeout_s=2.0, variants=False))
        done = await validator.step()
        assert heard == ["The lamp is red."]
        assert (done.struck, done.rewards) == ({}, {owner: 1.0, copier: 1.0})


class Numbered(Coded):
    """Its canaries are no texts."""

    name = "numbered"

    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        """A canary that is a number."""
        return Task(task.ask, canary=7)  # type: ignore[arg-type]


async def test_a_canary_that_is_no_text_is_the_definitions_fault(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("any", off_by(0))
        await w.add_validator()
        with pytest.raises(InvalidSubnet, match="variant gave a canary of type int, expected text"):
            await w.validator(await w.store(), definition=Numbered()).step()


def late(answer: Answer, seconds: float) -> Answer:
    """The same miner, slower."""

    async def slow(ask: Guess, ctx: Context) -> Guess.Reply:
        await asyncio.sleep(seconds)
        reply: Guess.Reply = await answer(ask, ctx)
        return reply

    return slow


async def crowd(w: World) -> tuple[Hotkey, Hotkey]:
    """Six miners that err by different amounts, and one that errs like the first, a little later."""
    owner = await w.add_miner("owner", off_by(1.0))
    copier = await w.add_miner("copier", late(off_by(1.0), 0.03))
    for number in range(5):
        await w.add_miner(f"other {number}", off_by(2.0 + number))
    await w.add_validator()
    return owner, copier


async def test_a_copier_is_struck_out_once_it_is_clear_and_still_is_after_a_restart(tmp_path: Path) -> None:
    options = ValidatorOptions(seed=1, timeout_s=2.0, vetting=VettingOptions(precedence="reply"))
    async with world(tmp_path) as w:
        owner, copier = await crowd(w)
        store = await w.store()
        rounds = await w.steps(w.validator(store, options=options), 9)
        assert [done.struck for done in rounds[:7]] == [{}] * 7
        assert rounds[-1].struck == {copier: f"copy_of:{owner}"}
        assert (rounds[-1].rewards[owner], rounds[-1].rewards[copier]) == (0.5, 0.0)
        await store.close()
        again = await w.validator(await w.store(), options=options).step()
        assert again.struck == {copier: f"copy_of:{owner}"}


async def test_whose_model_is_on_the_chain_before_anothers_keeps_the_answer(tmp_path: Path) -> None:
    options = ValidatorOptions(seed=1, timeout_s=2.0, vetting=VettingOptions(precedence="model"))
    async with world(tmp_path) as w:
        owner, copier = await crowd(w)
        await w.submit(SetCommitment(NETUID, b"digest of its model"), miner_key("copier"))
        rounds = await w.steps(w.validator(await w.store(), options=options), 8)
        assert rounds[-1].struck == {owner: f"copy_of:{copier}"}


async def test_a_miner_that_we_keep_busy_ourselves_is_not_scored_for_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        busy, free = await w.add_miner("busy", off_by(0)), await w.add_miner("free", off_by(0))
        await w.add_validator()
        validator = w.validator(await w.store(), options=ValidatorOptions(seed=1, timeout_s=0.2, most_at_once=1))
        await w.steps(validator, 1)
        asker = await validator.asker()
        async with asker.load.at(busy):
            done = await validator.step()
        assert done.rewards == {free: 1.0}
        assert (done.scores[busy], done.scores[free]) == (0.5, 0.75)
