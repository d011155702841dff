# SPDX-License-Identifier: Apache-2.0
"""Who is answered, with what: the policy decides the one, the definition and its query the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from miners.admission import Members, Rules
from miners.draws import draws
from protocols.balance import RAO
from protocols.client import Client, Peer
from protocols.clock import SystemClock
from protocols.dialect import Caller
from protocols.errors import NotAdmitted, PeerError
from protocols.keys import Keypair
from protocols.metagraph import Metagraph, Neuron
from protocols.server import Context
from protocols.task import AnswerContext
from protocols.types import Block, Coldkey, Uid
from tests.miners.town import (
    MINER,
    NETUID,
    OTHER,
    STRANGER,
    VALIDATOR,
    Ask,
    Echo,
    Gate,
    Ledger,
    Plain,
    Spell,
    address,
    ledger,
    mine,
    said,
    spelled,
)


@pytest.fixture
async def chain() -> Ledger:
    """A chain on which both miners and the validator are registered."""
    return await ledger(SystemClock(), MINER, OTHER)


class Permitted(Plain):
    """Answers only who may set weights."""

    name = "permitted"

    def policy(self, caller: Caller, neuron: Neuron | None) -> None:
        """Ask for a permit."""
        if neuron is None or not neuron.validator_permit:
            raise NotAdmitted("no permit")


class Endless(Plain):
    """Streams until nobody listens, and notices."""

    name = "endless"

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def answer(self, ask: Ask, ctx: AnswerContext) -> AsyncIterator[Ask.Reply]:  # type: ignore[override]
        try:
            while True:
                yield Ask.Reply(text="on")
        finally:
            self.left.set()


class Patient(Plain):
    """Tells how long it has, to the hundredth of a second."""

    name = "patient"

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text=f"{ctx.remaining_s:.2f} {ctx.caller.hotkey} {ctx.request_id != ''}")


async def test_a_registered_caller_gets_an_answer_that_it_can_prove(chain: Ledger) -> None:
    miner = mine(chain, Plain())
    outcome = await said(await miner.start(), Ask(prompt="hello"))
    await miner.close()
    assert outcome.unwrap().text == "HELLO"
    assert outcome.evidence is not None
    outcome.evidence.check()
    assert outcome.evidence.miner == MINER.ss58_address


async def test_a_stranger_is_refused_and_the_model_never_hears_of_it(chain: Ledger) -> None:
    gate = Gate()
    async with mine(chain, Plain(), gate) as miner:
        refused = (await said(miner.url, Ask(prompt="hello"), by=STRANGER)).error
    assert isinstance(refused, PeerError)
    assert refused.peer_code == "unregistered"
    assert gate.entered == 0


async def test_the_policy_of_the_definition_decides_by_the_callers_row(chain: Ledger) -> None:
    async with mine(chain, Permitted()) as miner:
        refused = (await said(miner.url, Ask(prompt="hello"))).error
    assert isinstance(refused, PeerError)
    assert "no permit" in str(refused)


def test_stake_is_the_priority_of_whoever_the_policy_lets_in() -> None:
    members = Members(Plain(), Rules(), SystemClock())
    rows = [Neuron(Uid(0), address(VALIDATOR), Coldkey(address(VALIDATOR)), stake=7 * RAO)]
    callers = [Caller(key.ss58_address, 1, "btauth/1", "r", b"") for key in (VALIDATOR, STRANGER)]
    with pytest.raises(NotAdmitted):
        members.admit(callers[0], Ask)  # nobody is known yet
    members.renew(Metagraph.of(NETUID, Block(1), rows), tempo=0)
    assert members.admit(callers[0], Ask) == 7.0
    with pytest.raises(NotAdmitted):
        members.admit(callers[1], Ask)


async def test_a_definition_that_yields_is_streamed_and_signed_to_its_end(chain: Ledger) -> None:
    async with mine(chain, Spell()) as miner:
        assert await spelled(miner.url, Ask(prompt="abc")) == ["A", "B", "C"]


async def test_a_caller_who_leaves_a_stream_ends_the_definitions_generator(chain: Ledger) -> None:
    definition = Endless()
    async with mine(chain, definition) as miner:
        peer = Peer(MINER.ss58_address, miner.url)
        async with Client(VALIDATOR) as client, client.stream(peer, Ask(prompt="?")) as stream:
            assert (await anext(stream)).text == "on"
        async with asyncio.timeout(5.0):
            await definition.left.wait()


async def test_a_stream_that_is_closed_has_closed_the_definitions_generator(chain: Ledger) -> None:
    definition = Endless()
    caller = Caller(VALIDATOR.ss58_address, 1, "btauth/1", "r", b"")
    items = mine(chain, definition).stream(Ask(prompt="?"), Context(caller, "r", lambda: 1.0))
    await anext(items)
    await items.aclose()
    assert definition.left.is_set()


async def test_an_answer_knows_its_caller_and_how_long_the_caller_waits(chain: Ledger) -> None:
    async with mine(chain, Patient()) as miner:
        remaining, caller, named = (await said(miner.url, Ask(prompt="?"), within_s=2.0)).unwrap().text.split()
    assert 0.5 < float(remaining) <= 2.0
    assert (caller, named) == (VALIDATOR.ss58_address, "True")


async def test_the_same_query_is_answered_alike_whoever_asks_and_whenever(chain: Ledger) -> None:
    one, two = Ask(prompt="a", options={"x": 1, "y": 2}), Ask(prompt="a", options={"y": 2, "x": 1})
    async with mine(chain, Echo()) as miner:
        texts = {(await said(miner.url, ask, by=by)).unwrap().text for ask in (one, two) for by in (VALIDATOR, OTHER)}
        assert len(texts) == 1
        assert (await said(miner.url, Ask(prompt="b"))).unwrap().text not in texts
    chain.seal()
    async with mine(chain, Echo()) as again:
        assert (await said(again.url, one)).unwrap().text in texts


def test_miners_and_queries_draw_different_numbers() -> None:
    def drawn(key: Keypair, prompt: str) -> int:
        return int(draws(key.ss58_address, Ask(prompt=prompt)).integers(2**63))

    numbers = [drawn(key, prompt) for key in (MINER, OTHER) for prompt in ("", "a", "b")]
    assert len(set(numbers)) == 6
    assert numbers[0] == drawn(MINER, "")
