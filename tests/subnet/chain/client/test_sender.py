# SPDX-License-Identifier: Apache-2.0
"""A call is in the chain once, however often the connection breaks while it is sent; against our own node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from protocols.balance import Balance
from protocols.calls import Transfer
from protocols.errors import ChainUnreachable, ExtrinsicFailed
from protocols.keys import Keypair
from protocols.types import Coldkey, Ss58
from subnet.chain.client import Deadlines, SubstrateChain
from subnet.chain.node.author import Mode
from tests.subnet.chain.client.relay import Loss, Relay, relaying
from tests.subnet.chain.node.rpc.running import Running, running

ALICE, BOB = Keypair.from_uri("//Alice"), Keypair.from_uri("//Bob")
QUICK = Deadlines(connect_s=5.0, request_s=5.0, block_s=5.0, inclusion_s=20.0)
SEND = "author_submitExtrinsic"


def address(key: Keypair) -> Coldkey:
    """The address of a key."""
    return Coldkey(Ss58(key.ss58_address))


def gift(tao: int = 1) -> Transfer:
    """Tao for somebody that holds none."""
    return Transfer(address(Keypair.from_uri("//nobody")), Balance.tao(tao))


@dataclass
class Place:
    """A node, a relay in front of it, and a client of the relay."""

    node: Running
    relay: Relay
    chain: SubstrateChain

    async def given(self) -> Balance:
        """What all gifts together came to."""
        return await self.chain.balance(gift().destination)

    async def sent(self, count: int) -> None:
        """Wait until so many extrinsics were handed in."""
        async with asyncio.timeout(20):
            await self.relay.counted(count)

    async def seal(self, blocks: int = 1) -> None:
        """Make blocks."""
        for _ in range(blocks):
            self.node.node.seal()
            await asyncio.sleep(0.05)


@asynccontextmanager
async def placed(mode: Mode, deadlines: Deadlines = QUICK) -> AsyncIterator[Place]:
    """A place whose node makes blocks in this way."""
    async with (
        running(mode=mode) as node,
        relaying(node.url) as relay,
        await SubstrateChain.open([relay.url], deadlines=deadlines) as chain,
    ):
        yield Place(node, relay, chain)


@pytest.fixture
async def instant() -> AsyncIterator[Place]:
    """A node that makes a block for each call."""
    async with placed(Mode.INSTANT) as place:
        yield place


@pytest.fixture
async def manual() -> AsyncIterator[Place]:
    """A node that makes a block when it is told to."""
    async with placed(Mode.MANUAL) as place:
        yield place


async def test_a_call_ends_in_a_receipt_of_the_block_that_includes_it(instant: Place) -> None:
    receipt = await instant.chain.submit(gift(), ALICE)
    assert receipt.block == await instant.chain.block()
    assert receipt.error is None
    assert receipt.finalised
    assert receipt.fee > Balance(0)
    assert receipt.event("Transfer").fields["amount"] == Balance.tao(1).rao
    assert await instant.given() == Balance.tao(1)


@pytest.mark.parametrize("loss", ["unheard", "unanswered"])
async def test_a_call_whose_answer_is_lost_is_in_the_chain_once(instant: Place, loss: Loss) -> None:
    instant.relay.losses[SEND] = [loss]
    receipt = await instant.chain.submit(gift(), ALICE)
    assert receipt.error is None
    assert await instant.given() == Balance.tao(1)
    # What a block has is not sent again; what was never heard is, and it is the same.
    assert len(instant.relay.sent) == (2 if loss == "unheard" else 1)
    assert len(set(instant.relay.sent)) == 1


async def test_a_call_that_waits_in_the_pool_may_be_handed_in_twice(manual: Place) -> None:
    manual.relay.losses[SEND] = ["unanswered"]
    submitting = asyncio.create_task(manual.chain.submit(gift(), ALICE))
    await manual.sent(2)
    await manual.seal()
    assert (await submitting).error is None
    assert len(set(manual.relay.sent)) == 1
    assert await manual.given() == Balance.tao(1)


async def test_calls_of_one_account_wait_for_the_same_block_side_by_side(manual: Place) -> None:
    submitting = [asyncio.create_task(manual.chain.submit(gift(), ALICE)) for _ in range(5)]
    await manual.sent(5)
    await manual.seal()
    receipts = await asyncio.gather(*submitting)
    assert len({receipt.block for receipt in receipts}) == 1
    assert len({receipt.extrinsic_hash for receipt in receipts}) == 5
    assert await manual.given() == Balance.tao(5)


async def test_two_programs_with_one_account_get_different_nonces(manual: Place) -> None:
    async with await SubstrateChain.open([manual.relay.url], deadlines=QUICK) as other:
        submitting = [asyncio.create_task(chain.submit(gift(), ALICE)) for chain in (manual.chain, other)]
        await manual.sent(2)
        await asyncio.sleep(0.3)
        await manual.seal()
        assert {receipt.error for receipt in await asyncio.gather(*submitting)} == {None}
    assert await manual.given() == Balance.tao(2)


async def test_a_call_that_the_pool_has_lost_is_handed_in_again(manual: Place) -> None:
    manual.relay.losses[SEND] = ["swallowed"]
    submitting = asyncio.create_task(manual.chain.submit(gift(), ALICE))
    await manual.sent(1)
    await manual.seal(3)
    await manual.sent(2)
    await manual.seal()
    assert (await submitting).error is None
    assert len(set(manual.relay.sent)) == 1
    assert await manual.given() == Balance.tao(1)


async def test_a_call_whose_nonce_another_one_took_has_failed_and_is_not_signed_again(manual: Place) -> None:
    manual.relay.losses[SEND] = ["swallowed"] * 100
    submitting = asyncio.create_task(manual.chain.submit(gift(), ALICE))
    await manual.sent(1)
    async with await SubstrateChain.open([manual.node.url], deadlines=QUICK) as other:
        usurping = asyncio.create_task(other.submit(gift(7), ALICE))
        while not usurping.done():
            await manual.seal()
        await usurping
    with pytest.raises(ExtrinsicFailed, match=r"InvalidTransaction\.Stale"):
        await submitting
    assert await manual.given() == Balance.tao(7)


async def test_a_call_that_no_block_takes_in_time_may_still_land_and_that_is_said() -> None:
    async with placed(Mode.MANUAL, Deadlines(connect_s=5.0, request_s=5.0, inclusion_s=0.5)) as place:
        with pytest.raises(ChainUnreachable, match="in no block") as caught:
            await place.chain.submit(gift(), ALICE)
        assert "may still land" in caught.value.help


async def test_what_a_call_would_come_to_is_told_without_sending_it(instant: Place) -> None:
    good = await instant.chain.dry_run(gift(), ALICE)
    bad = await instant.chain.dry_run(gift(10**6), ALICE)
    assert (good.effect, good.error) == ("succeeds", None)
    assert bad.effect == "fails"
    assert isinstance(bad.error, ExtrinsicFailed)
    assert not instant.relay.sent
    assert (await instant.chain.submit(gift(), ALICE)).fee == good.fee


async def test_who_cannot_pay_is_refused_before_any_block(instant: Place) -> None:
    with pytest.raises(ExtrinsicFailed, match=r"InvalidTransaction\.Payment") as caught:
        await instant.chain.submit(gift(), Keypair.from_uri("//poor"))
    assert caught.value.help
    assert await instant.chain.block() == 0


async def test_a_key_of_the_other_kind_signs_as_well(instant: Place) -> None:
    key = Keypair.from_uri("//Alice//modern", "ed25519")
    await instant.chain.submit(Transfer(address(key), Balance.tao(5)), ALICE)
    assert (await instant.chain.submit(gift(), key)).error is None
    assert await instant.given() == Balance.tao(1)


async def test_after_a_node_was_away_the_client_goes_on(instant: Place) -> None:
    await instant.chain.submit(gift(), ALICE)
    instant.relay.is_down = True
    reading = asyncio.create_task(instant.given())
    await asyncio.sleep(0.5)
    instant.relay.is_down = False
    assert await reading == Balance.tao(1)
