# SPDX-License-Identifier: Apache-2.0
"""The transport of the official SDK drives the node: metadata in version 15, typed questions, transactions, heads.

It keeps the metadata of each chain in a folder, which a test gives it anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bittensor._transport.errors import StateDiscardedError, SubstrateRequestException
from bittensor._transport.interface import SubstrateConnection
from bittensor_core import Keypair

from subnet.chain.node.author import Mode
from tests.subnet.chain.node.rpc.running import ALICE, EVE, TAO, running


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BITTENSOR_RUNTIME_CACHE_DIR", str(tmp_path))


async def _transfer(chain: SubstrateConnection, **options: Any) -> Any:
    call = await chain.compose_call("Balances", "transfer_keep_alive", {"dest": EVE, "value": TAO})
    return await chain.create_signed_extrinsic(call, Keypair.create_from_uri("//Alice"), **options)


async def test_a_transfer_is_estimated_sent_and_found_again() -> None:
    async with running() as node, SubstrateConnection(node.url) as chain:
        call = await chain.compose_call("Balances", "transfer_keep_alive", {"dest": EVE, "value": TAO})
        estimate = await chain.get_payment_info(call, Keypair.create_from_uri("//Alice"))
        report = await chain.submit_extrinsic(
            await _transfer(chain, era={"period": 64}), wait_for_inclusion=True, wait_for_finalization=True
        )
        account = await chain.query("System", "Account", [EVE])
        events = await chain.get_events(report.block_hash)
    assert report.is_success, report
    assert account["data"]["free"] == TAO
    assert estimate["partial_fee"] > 0
    assert any(event["event_id"] == "TransactionFeePaid" for event in events), events


async def test_maps_batches_questions_and_blocks_are_read() -> None:
    async with running() as node, SubstrateConnection(node.url) as chain:
        node.node.skip(2)
        found = {str(who): info async for who, info in await chain.query_map("System", "Account")}
        nonce = await chain.runtime_call("AccountNonceApi", "account_nonce", [ALICE])
        version = await chain.runtime_call("Core", "version")
        block = await chain.get_block(block_number=1)
        deposit = await chain.get_constant("Balances", "ExistentialDeposit")
    assert found[ALICE]["data"]["free"] == 1_000 * TAO
    assert (nonce, deposit) == (0, 500)
    assert version["spec_name"] == "node-subtensor"
    assert block is not None
    assert len(block.extrinsics) == 1


async def test_heads_are_followed() -> None:
    numbers: list[int] = []
    async with running(mode=Mode.MANUAL) as node, SubstrateConnection(node.url) as chain:
        async for head in chain.subscribe_heads(finalized=True):
            numbers.append(head["number"])
            if len(numbers) == 3:
                break
            node.node.seal()
    assert numbers == [0, 1, 2]


async def test_a_refusal_and_a_state_that_is_gone_are_told_apart() -> None:
    async with running(mode=Mode.MANUAL) as node, SubstrateConnection(node.url) as chain:
        genesis = await chain.get_block_hash(0)
        signed = await _transfer(chain, nonce=0)
        await chain.submit_extrinsic(signed)
        with pytest.raises(SubstrateRequestException, match="Transaction Already Imported"):
            await chain.submit_extrinsic(signed)
        node.node.skip(300)
        with pytest.raises(StateDiscardedError):
            await chain.query("System", "Account", [ALICE], block_hash=genesis)
