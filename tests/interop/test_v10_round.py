# SPDX-License-Identifier: Apache-2.0
"""Miners that still run bittensor 10.5.0 in one round beside our own: asked in their dialect, scored by the same rule.

What tells them apart is what the chain keeps of an axon: their tools publish the release that answers there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from protocols.calls import Register, ServeAxon
from protocols.client import Client
from protocols.endpoint import Endpoint
from protocols.errors import InvalidSubnet, InvalidSynapse
from protocols.keys import Keypair
from protocols.legacy.v10 import published
from protocols.replay import MemoryReplay
from protocols.seal import Evidence
from protocols.server import Context, Server, ServerOptions
from protocols.spec import Subnet
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Hotkey
from tests.interop.test_v10 import Ask, Child
from tests.validators.world import ME, NETUID, PAYER, World, hotkey, miner_key, world
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.query import Asker, v10

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]  # the environment may have to be built first

FIELDS = ("prompt", "max_tokens")


class Shouting(Subnet):
    """Pays for the prompt in upper case."""

    name, version = "shouting", 1
    synapse = Ask
    alpha = 0.5

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            word = f"word {int(ctx.rng.integers(1_000_000))}"
            yield Task(Ask(prompt=word), reference=word.upper())

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text=ask.prompt.upper())

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        return [float(reply is not None and reply.text == task.reference) for reply in replies.replies]


class Murmuring(Shouting):
    """The same, answered in pieces."""

    async def answer(self, ask: Ask, ctx: AnswerContext) -> AsyncIterator[Ask.Reply]:  # type: ignore[override]
        yield Ask.Reply(text=ask.prompt.upper())


async def right(ask: Ask, ctx: Context) -> Ask.Reply:
    """Our miner that knows."""
    return Ask.Reply(text=ask.prompt.upper())


async def wrong(ask: Ask, ctx: Context) -> Ask.Reply:
    """Our miner that does not."""
    return Ask.Reply(text=ask.prompt)


@pytest.fixture(scope="module")
def axon() -> Iterator[Child]:
    child = Child("v10_axon")
    yield child
    child.close()


class Mixed:
    """Two miners of ours and one of bittensor 10, at ports of this machine."""

    def __init__(self, inner: World, client: Client, ours: Hotkey, weak: Hotkey, theirs: Hotkey) -> None:
        self.world = inner
        self.client = client
        self.ours = ours
        self.weak = weak
        self.theirs = theirs

    async def validator(self, **options: Any) -> Validator:
        """A validator that asks over real HTTP."""
        return Validator(
            Shouting(),
            chain=self.world.chain,
            netuid=NETUID,
            key=ME,
            client=self.client,
            store=await self.world.store(),
            clock=self.world.clock,
            options=ValidatorOptions(seed=1, timeout_s=5.0, **options),
        )


@asynccontextmanager
async def mixed(folder: Path, axon: Child) -> AsyncIterator[Mixed]:
    """A subnet of all three, and whoever asks them."""
    async with world(folder) as w, AsyncExitStack() as stack:
        found = []
        for name, answer in (("ours", right), ("weak", wrong)):
            options = ServerOptions(replay=MemoryReplay.never_served_before())
            server = await stack.enter_async_context(Server(miner_key(name), {Ask: answer}, options))
            found.append(await join(w, miner_key(name), urlsplit(await server.start()).port or 0))
        theirs = await join(w, Keypair.from_uri("//Bob"), axon.hello["port"], version=axon.hello["version"])
        await w.add_validator()
        client = await stack.enter_async_context(Client(ME))
        yield Mixed(w, client, found[0], found[1], theirs)


async def join(w: World, key: Keypair, port: int, version: int = 0) -> Hotkey:
    """Register a miner and have it publish itself."""
    await w.submit(Register(NETUID, hotkey(key)), PAYER)
    await w.submit(ServeAxon(NETUID, Endpoint("127.0.0.1", port, version=version)), key)
    return hotkey(key)


async def test_an_axon_of_bittensor_10_is_scored_in_one_round_beside_our_miners(tmp_path: Path, axon: Child) -> None:
    async with mixed(tmp_path, axon) as m:
        validator = await m.validator(v10_fields=FIELDS)
        rounds = await m.world.steps(validator, 3)
        assert [dict(done.misses) for done in rounds] == [{}] * 3
        for done in rounds:
            assert done.rewards == {m.ours: 1.0, m.weak: 0.0, m.theirs: 1.0}
        assert rounds[-1].scores[m.theirs] == rounds[-1].scores[m.ours] > 0.8
        weights = await m.world.my_weights()
    assert weights[m.theirs] == weights[m.ours] == 65_535
    assert m.weak not in weights


async def test_without_the_operators_word_an_unsigned_miner_counts_for_nothing(tmp_path: Path, axon: Child) -> None:
    async with mixed(tmp_path, axon) as m:
        done = await (await m.validator()).step()
        assert done.rewards == {m.ours: 1.0, m.weak: 0.0, m.theirs: 0.0}
        assert set(done.misses) == {m.theirs}


async def test_of_an_axon_of_bittensor_10_nothing_is_kept_that_could_prove_its_answer(
    tmp_path: Path, axon: Child
) -> None:
    async with mixed(tmp_path, axon) as m:
        metagraph = await m.world.chain.metagraph(NETUID)
        asker = Asker(
            client=m.client,
            timeout_s=5.0,
            most_stream_bytes=1_000,
            is_streaming=False,
            is_local=True,
            v10=v10(Shouting(), FIELDS),
        )
        everybody = (m.ours, m.theirs)
        heard = await asker.ask([Task(Ask(prompt="hi"))] * 2, everybody, metagraph)
    assert [row.reply.text for row in heard.replies] == ["HI", "HI"]
    ours, theirs = heard.evidence
    assert isinstance(ours, Evidence)
    ours.check()
    assert theirs is None


def test_the_release_that_an_axon_publishes_names_its_dialect(axon: Child) -> None:
    assert published(Endpoint("203.0.113.7", 1, version=axon.hello["version"]))
    for other in (0, 1, 9_012_000, 11_000_000):
        assert not published(Endpoint("203.0.113.7", 1, version=other))


def test_fields_that_the_query_lacks_and_streams_are_refused_before_the_first_round() -> None:
    with pytest.raises(InvalidSynapse, match="hash field 'word'"):
        v10(Shouting(), ("word",))
    with pytest.raises(InvalidSubnet, match="answer by one object"):
        v10(Murmuring(), FIELDS)
