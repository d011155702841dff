# SPDX-License-Identifier: Apache-2.0
"""A copier is a miner like any other: its victim's answers under its own signature, in time, empty without one."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from enum import Enum

import numpy as np
import pytest

from miners.relay import Relay
from protocols import synapse
from protocols.client import Client, Peer
from protocols.clock import SystemClock
from protocols.dialect import Caller
from protocols.errors import HandlerFailed, NotAdmitted
from protocols.metagraph import Neuron
from protocols.model import Model
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext
from tests.attacks.miner import until
from tests.miners.town import (
    MINER,
    NOW,
    OTHER,
    Ask,
    Capitals,
    Echo,
    Gate,
    Ledger,
    Plain,
    Spell,
    ledger,
    mine,
    said,
    spelled,
)

NOWHERE = Peer(MINER.ss58_address, "http://127.0.0.1:9")


class Wary(Plain):
    """Serves all but the copier."""

    name = "wary"

    def policy(self, caller: Caller, neuron: Neuron | None) -> None:
        """Know the copier by its key."""
        if caller.hotkey == OTHER.ss58_address:
            raise NotAdmitted("not you")


class Faltering(Spell):
    """Fails in the midst of its stream."""

    name = "faltering"

    async def answer(self, ask: Ask, ctx: AnswerContext) -> AsyncIterator[Ask.Reply]:  # type: ignore[override]
        yield Ask.Reply(text="A")
        raise NotAdmitted("enough")


class Colour(Enum):
    """What cannot be empty."""

    RED = "red"


class Paint(Synapse):
    """Asks for a colour."""

    wall: str

    class Reply(synapse.Reply):
        """The colour."""

        colour: Colour


class Shapes(Synapse):
    """Asks for a bit of everything."""

    of: str

    class Reply(synapse.Reply):
        """All that can be empty."""

        count: int
        size: float
        sure: bool
        data: bytes
        names: list[str]
        areas: dict[str, float]
        maybe: str | None
        edges: int = 4


@pytest.fixture
async def chain() -> Ledger:
    """A chain on which the victim and the copier are registered."""
    return await ledger(SystemClock(), MINER, OTHER)


class Copied:
    """A victim, and a copier of it, on ports of their own."""

    def __init__(self, chain: Ledger, victim: Subnet, model: Model | None = None) -> None:
        self.victim = mine(chain, victim, model)
        self._chain = chain

    async def __aenter__(self) -> Copied:
        url = await self.victim.start()
        self._client = Client(OTHER)
        relay = Relay(self._client, Peer(MINER.ss58_address, url))
        self._copier = mine(self._chain, relay.instead_of(self.victim.definition), key=OTHER)
        self.url = await self._copier.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._copier.close()
        await self._client.close()
        await self.victim.close()


def context(left_s: float) -> AnswerContext:
    """A query of nobody, that has so long."""
    asker = Caller("5Caller", 1, "btauth/1", "r1", b"")
    rng, deadline = np.random.default_rng(0), NOW.monotonic() + left_s
    return AnswerContext(caller=asker, request_id="r1", model=Capitals(), rng=rng, clock=NOW, deadline=deadline)


async def test_the_victims_answer_comes_back_signed_by_the_copier(chain: Ledger) -> None:
    async with Copied(chain, Echo()) as copied:
        original = (await said(copied.victim.url, Ask(prompt="hello"))).unwrap()
        copy = await said(copied.url, Ask(prompt="hello"), of=OTHER)
    assert copy.unwrap() == original
    assert copy.evidence is not None
    copy.evidence.check()
    assert copy.evidence.miner == OTHER.ss58_address


async def test_many_queries_are_relayed_at_once(chain: Ledger) -> None:
    gate = Gate()
    async with Copied(chain, Plain(), gate) as copied:
        asked = [asyncio.create_task(said(copied.url, Ask(prompt=str(n)), of=OTHER)) for n in range(16)]
        await until(lambda: gate.entered == 16)
        gate.opened.set()
        assert [(await each).unwrap().text for each in asked] == [str(n) for n in range(16)]


async def test_a_stream_is_relayed_item_by_item(chain: Ledger) -> None:
    async with Copied(chain, Spell()) as copied:
        assert await spelled(copied.url, Ask(prompt="abc"), of=OTHER) == ["A", "B", "C"]


async def test_a_stream_that_breaks_ends_with_what_came_before(chain: Ledger) -> None:
    async with Copied(chain, Faltering()) as copied:
        assert await spelled(copied.url, Ask(prompt="abc"), of=OTHER) == ["A"]


async def test_a_victim_that_refuses_is_answered_for_with_nothing(chain: Ledger) -> None:
    async with Copied(chain, Wary()) as copied:
        assert (await said(copied.victim.url, Ask(prompt="hello"))).unwrap().text == "HELLO"
        assert (await said(copied.url, Ask(prompt="hello"), of=OTHER)).unwrap().text == ""


async def test_a_victim_that_is_late_is_given_up_before_the_callers_deadline(chain: Ledger) -> None:
    async with Copied(chain, Plain(), Gate()) as copied:
        outcome = await said(copied.url, Ask(prompt="hello"), of=OTHER, within_s=1.5)
    assert outcome.unwrap().text == ""
    assert outcome.timing.elapsed_s > 1.0  # it was waited for


@pytest.mark.parametrize("callers", [0, 4], ids=["says nothing", "takes no connection"])
@pytest.mark.parametrize("left_s", [0.3, 0.0, -1.0])
async def test_a_victim_that_makes_one_wait_costs_no_more_than_the_time_there_is(left_s: float, callers: int) -> None:
    with ExitStack() as sockets:
        # The kernel connects as many as it has room for, and nobody ever reads what they say.
        deaf = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for caller in [sockets.enter_context(socket.socket()) for _ in range(callers)]:
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        async with Client(OTHER) as client:
            relay = Relay(client, Peer(MINER.ss58_address, f"http://127.0.0.1:{deaf.getsockname()[1]}"))
            began = time.monotonic()
            assert await relay.answer(Ask(prompt="?"), context(left_s)) == Ask.Reply(text="")
            assert [item async for item in relay.stream(Ask(prompt="?"), context(left_s))] == []
            assert time.monotonic() - began < 2 * max(left_s, 0.0) + 1.0


async def test_a_victim_that_is_gone_is_answered_for_with_nothing() -> None:
    async with Client(OTHER) as client:
        relay = Relay(client, NOWHERE)
        assert await relay.answer(Ask(prompt="?"), context(2.0)) == Ask.Reply(text="")
        assert [item async for item in relay.stream(Ask(prompt="?"), context(2.0))] == []
        nothing = await relay.answer(Shapes(of="?"), context(2.0))
        empty = Shapes.Reply(count=0, size=0.0, sure=False, data=b"", names=[], areas={}, maybe="")
        assert nothing == empty
        with pytest.raises(HandlerFailed, match=r"Paint\.Reply cannot be empty"):
            await relay.answer(Paint(wall="north"), context(2.0))


def test_the_definition_that_is_copied_stays_as_it_was() -> None:
    honest = Spell()
    copier = Relay(Client(OTHER), NOWHERE).instead_of(honest)
    assert (copier.ref(), copier.is_streaming, copier.synapse) == (honest.ref(), True, honest.synapse)
    assert "answer" not in vars(honest)
