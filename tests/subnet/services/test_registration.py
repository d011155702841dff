# SPDX-License-Identifier: Apache-2.0
"""Buying a place: looked at first, within a limit, once."""

from __future__ import annotations

import asyncio

import pytest

from protocols.balance import Balance
from protocols.clock import VirtualClock
from protocols.errors import PriceTooHigh
from protocols.keys import Keypair
from subnet.services.registration import offer, register
from tests.miners.town import MINER, NETUID, OWNER, STRANGER, Ledger, address, ledger


@pytest.fixture
async def chain() -> Ledger:
    """A chain on which nobody but the validator is registered."""
    return await ledger(VirtualClock())


async def test_an_offer_says_what_a_place_costs_and_what_there_is_and_signs_nothing(chain: Ledger) -> None:
    found = await offer(chain, NETUID, address(MINER), OWNER.ss58_address)
    assert found.uid is None
    assert found.price.rao == (await chain.hyperparameters(NETUID)).burn
    assert found.balance == await chain.balance(address(OWNER))
    assert "costs" in found.text()
    assert address(MINER) not in await chain.metagraph(NETUID)


async def test_a_place_is_bought_once(chain: Ledger) -> None:
    buying = asyncio.create_task(register(chain, NETUID, address(MINER), OWNER, Balance.tao(5)))
    await asyncio.sleep(0.05)
    chain.seal()
    bought = await buying
    left = await chain.balance(address(OWNER))
    assert bought.uid is not None
    again = await register(chain, NETUID, address(MINER), OWNER, Balance.tao(5))
    assert (again.uid, await chain.balance(address(OWNER))) == (bought.uid, left)
    assert again.text().endswith(f"is registered with uid {bought.uid}")


@pytest.mark.parametrize(
    ("coldkey", "most", "said"), [(OWNER, Balance(1), "to be paid"), (STRANGER, Balance.tao(5), "the coldkey has")]
)
async def test_more_than_the_limit_or_the_purse_is_never_paid(
    chain: Ledger, coldkey: Keypair, most: Balance, said: str
) -> None:
    with pytest.raises(PriceTooHigh, match=said):
        await register(chain, NETUID, address(MINER), coldkey, most)
    assert address(MINER) not in await chain.metagraph(NETUID)
