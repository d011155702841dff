# SPDX-License-Identifier: Apache-2.0
"""What is read through a node is what the node has, in few round trips, and the last of it while the node is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from protocols.calls import ServeAxon, SetCommitment, SetHyperparameter, SetWeights
from protocols.endpoint import Endpoint
from protocols.errors import ChainUnreachable, ExtrinsicFailed
from protocols.keys import Keypair
from protocols.types import NetUid, Uid
from subnet.chain.client import Deadlines, SubstrateChain
from subnet.chain.client.census import census
from subnet.chain.client.neurons import metagraph
from tests.contracts.test_chain import MINERS, OTHER, ROOT, VALIDATOR, World, hot
from tests.subnet.chain.client.relay import Relay, relaying
from tests.subnet.chain.client.worlds import serving, world_of

PATIENT = Deadlines(connect_s=10.0, request_s=20.0, block_s=5.0, inclusion_s=20.0)
QUICK = Deadlines(connect_s=1.0, request_s=1.0)


@dataclass
class Town:
    """A subnet with a validator and two miners, read through a relay."""

    world: World
    chain: SubstrateChain
    relay: Relay

    @property
    def netuid(self) -> NetUid:
        """The subnet."""
        return self.world.netuid


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """A town on a node of its own."""
    async with (
        serving() as (node, url),
        relaying(url) as relay,
        await SubstrateChain.open([relay.url], deadlines=PATIENT) as chain,
    ):
        world = world_of(node, chain)
        await world.subnet()
        await world.join(MINERS[0], MINERS[1])
        await world.validator()
        yield Town(world, chain, relay)


async def test_a_metagraph_takes_three_round_trips_and_one_while_nothing_is_new(town: Town) -> None:
    await town.chain.metagraph(town.netuid)  # loads the runtime
    await town.world.pass_blocks(1)
    before = town.relay.asked.total()
    read = await town.chain.metagraph(town.netuid)
    assert town.relay.asked.total() - before == 3
    assert await town.chain.metagraph(town.netuid) is read
    assert town.relay.asked.total() - before == 4


async def test_a_runtime_that_computes_no_metagraph_is_counted_to_the_same(town: Town) -> None:
    await town.world.do(ServeAxon(town.netuid, Endpoint("203.0.113.7", 8091)), MINERS[0])
    await town.world.do(SetWeights(town.netuid, (Uid(1), Uid(2)), (1, 3)), VALIDATOR)
    await town.world.next_epoch()
    computed = await town.chain.metagraph(town.netuid)
    link = town.chain._link
    counted = await link.ask(lambda session: census(session, town.netuid, session.head()))
    assert counted.block == computed.block
    assert tuple(counted.columns["hotkeys"]) == computed.hotkeys
    assert tuple(counted.columns["coldkeys"]) == computed.coldkeys
    assert counted.columns["total_stake"] == computed.stake.tolist()
    assert counted.columns["alpha_stake"] == computed.alpha_stake.tolist()
    assert counted.columns["block_at_registration"] == computed.block_at_registration.tolist()
    assert await link.ask(lambda session: metagraph(session, town.netuid, session.head())) == computed


async def test_the_last_metagraph_is_served_while_the_node_is_away_and_nothing_else_is(town: Town) -> None:
    async with await SubstrateChain.open([town.relay.url], deadlines=QUICK) as chain:
        read = await chain.metagraph(town.netuid)
        town.relay.is_down = True
        assert await chain.metagraph(town.netuid) is read
        with pytest.raises(ChainUnreachable):
            await chain.metagraph(NetUid(0))
        with pytest.raises(ChainUnreachable):
            await chain.hyperparameters(town.netuid)
        town.relay.is_down = False
        await town.world.pass_blocks(2)
        # The last one is served as long as the line is down, and it comes back when it comes back.
        async with asyncio.timeout(20.0):
            while (await chain.metagraph(town.netuid)).block != read.block + 2:  # noqa: ASYNC110 - a line comes back
                await asyncio.sleep(0.05)


async def test_a_call_that_comes_too_early_says_from_which_block_on_it_may_come(town: Town) -> None:
    await town.world.do(SetHyperparameter(town.netuid, "serving_rate_limit", 50), ROOT)
    call = ServeAxon(town.netuid, Endpoint("203.0.113.7", 8091))
    first = await town.world.do(call, MINERS[0])
    refusal = await town.world.refusal(call, MINERS[0])
    assert isinstance(refusal, ExtrinsicFailed)
    assert refusal.message == (
        f"ServingRateLimitExceeded: the last one was at block {first.block}, the next may come at {first.block + 50}, "
        f"now is {first.block}"
    )
    assert refusal.retry_after_s


async def test_weights_are_sealed_for_the_chain_to_open(town: Town) -> None:
    sealed = await town.chain.timelocked(SetWeights(town.netuid, (Uid(1),), (7,)), hot(VALIDATOR))
    again = await town.chain.timelocked(SetWeights(town.netuid, (Uid(1),), (7,)), hot(VALIDATOR))
    assert (sealed.netuid, sealed.version) == (town.netuid, 4)
    assert sealed.reveal_round > 0
    assert sealed.ciphertext != again.ciphertext
    refusal = await town.world.refusal(sealed, VALIDATOR)  # the chain reads the call, and hides nothing here
    assert "CommitRevealDisabled" in refusal.message


async def test_bytes_are_published_as_they_are(town: Town) -> None:
    for data in (b"", b"0x41", bytes(range(256)), "τ".encode() * 60):
        await town.world.do(SetCommitment(town.netuid, data), MINERS[1])
        assert (await town.chain.commitments(town.netuid))[hot(MINERS[1])].data == data


async def test_an_account_that_nobody_has_seen_holds_nothing(town: Town) -> None:
    assert not await town.chain.balance(hot(Keypair.from_uri("//nobody")))
    assert await town.chain.balance(hot(OTHER))
