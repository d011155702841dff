# SPDX-License-Identifier: Apache-2.0
"""py-substrate-interface, which knows nothing of this node, connects to it, reads it, and sends money over it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from substrateinterface import Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException

from subnet.chain.node.author import Mode
from tests.subnet.chain.node.rpc.running import ALICE, BOB, EVE, TAO, running


def _transfer(client: SubstrateInterface, amount: int = TAO, era: Any = None, **options: Any) -> Any:
    call = client.compose_call("Balances", "transfer_keep_alive", {"dest": EVE, "value": amount})
    return client.create_signed_extrinsic(call, Keypair.create_from_uri("//Alice"), era=era, **options)


async def test_the_chain_says_who_it_is_and_what_an_account_has() -> None:
    def ask(client: SubstrateInterface) -> tuple[Any, ...]:
        with client:
            account = client.query("System", "Account", [ALICE]).value
            nobody = client.query("System", "Account", [EVE]).value
            deposit = client.get_constant("Balances", "ExistentialDeposit").value
            return client.chain, client.token_symbol, client.token_decimals, account, nobody, deposit

    async with running() as chain:
        name, symbol, decimals, account, nobody, deposit = await asyncio.to_thread(lambda: ask(chain.client()))
    assert (name, symbol, decimals, deposit) == ("Subnet Local", "TAO", 9, 500)
    assert account["data"]["free"] == 1_000 * TAO
    assert nobody["data"]["free"] == 0


@pytest.mark.parametrize("era", [None, {"period": 64}])
async def test_a_transfer_arrives_pays_its_fee_and_leaves_its_events(era: Any) -> None:
    def send(client: SubstrateInterface) -> tuple[Any, ...]:
        with client:
            fee = client.get_payment_info(
                client.compose_call("Balances", "transfer_keep_alive", {"dest": EVE, "value": TAO}),
                Keypair.create_from_uri("//Alice"),
            )
            receipt = client.submit_extrinsic(_transfer(client, era=era), wait_for_finalization=True)
            events = [event.value["event_id"] for event in receipt.triggered_events]
            left = client.query("System", "Account", [ALICE]).value
            got = client.query("System", "Account", [EVE]).value["data"]["free"]
            before = client.query("System", "Account", [EVE], block_hash=client.get_block_hash(0)).value
            return receipt, fee, events, left, got, before

    async with running() as chain:
        receipt, fee, events, left, got, before = await asyncio.to_thread(lambda: send(chain.client()))
    assert receipt.is_success
    # The estimate is for a transaction that never dies; an era takes one byte more, at one rao.
    assert receipt.total_fee_amount == fee["partialFee"] + (era is not None)
    assert {"Withdraw", "Transfer", "TransactionFeePaid", "ExtrinsicSuccess"} <= set(events)
    assert (got, before["data"]["free"]) == (TAO, 0)
    assert (left["nonce"], left["data"]["free"]) == (1, 999 * TAO - receipt.total_fee_amount)


async def test_a_transaction_is_tried_and_priced_and_leaves_nothing() -> None:
    def send(client: SubstrateInterface) -> list[Any]:
        with client:
            good, poor = _transfer(client).data.to_hex(), _transfer(client, 1_200 * TAO).data.to_hex()
            stale = _transfer(client, nonce=7).data.to_hex()
            asked = [("payment_queryInfo", good), ("payment_queryFeeDetails", good)]
            asked += [("system_dryRun", given) for given in (good, poor, stale)]
            told = [client.rpc_request(name, [given])["result"] for name, given in asked]
            return [*told, client.query("System", "Account", [ALICE]).value["nonce"]]

    async with running() as chain:
        info, details, *tried, nonce = await asyncio.to_thread(lambda: send(chain.client()))
        assert chain.node.head.number == 0
    parts = [int(part, 16) for part in details["inclusionFee"].values()]
    assert int(info["partialFee"]) == sum(parts)
    assert info["class"] == "normal"
    # Ok(Ok(())); Ok(Err(Token(FundsUnavailable))); Err(Invalid(Future)).
    assert tried == ["0x0000", "0x00010700", "0x010002"]
    assert nonce == 0


async def test_a_call_that_fails_is_told_by_the_name_of_its_error() -> None:
    def send(client: SubstrateInterface) -> tuple[Any, ...]:
        with client:
            inner = client.compose_call("System", "remark", {"remark": "0x00"})
            call = client.compose_call("Proxy", "proxy", {"real": BOB, "force_proxy_type": None, "call": inner})
            signed = client.create_signed_extrinsic(call, Keypair.create_from_uri("//Alice"))
            unlawful = client.submit_extrinsic(signed, wait_for_inclusion=True)
            unaffordable = client.submit_extrinsic(_transfer(client, 1_200 * TAO), wait_for_inclusion=True)
            (failed,) = [
                event for event in unaffordable.triggered_events if event.value["event_id"] == "ExtrinsicFailed"
            ]
            return unlawful.is_success, unlawful.error_message, failed.value["attributes"]["dispatch_error"]

    async with running() as chain:
        success, error, other = await asyncio.to_thread(lambda: send(chain.client()))
    assert not success
    assert (error["type"], error["name"]) == ("Module", "NotProxy")
    assert other == {"Token": "FundsUnavailable"}


async def test_refusals_have_the_numbers_and_words_of_a_substrate_node() -> None:
    def send(client: SubstrateInterface) -> list[Any]:
        told = []
        with client:
            client.submit_extrinsic(_transfer(client), wait_for_inclusion=True)
            stale = _transfer(client, nonce=0)
            poor = client.create_signed_extrinsic(
                client.compose_call("System", "remark", {"remark": "0x00"}), Keypair.create_from_uri("//Eve//poor")
            )
            forged = _transfer(client)
            data = bytearray(forged.data.data)
            data[40] ^= 1
            for given in (stale.data.to_hex(), poor.data.to_hex(), f"0x{data.hex()}"):
                with pytest.raises(SubstrateRequestException) as refused:
                    client.rpc_request("author_submitExtrinsic", [given])
                told.append(refused.value.args[0])
        return told

    async with running() as chain:
        told = await asyncio.to_thread(lambda: send(chain.client()))
    assert [(error["code"], error["message"]) for error in told] == [(1010, "Invalid Transaction")] * 3
    assert [error["data"] for error in told] == [
        "Transaction is outdated",
        "Inability to pay some fees (e.g. account balance too low)",
        "Transaction has a bad signature",
    ]


async def test_heads_are_followed_in_order() -> None:
    def follow(client: SubstrateInterface) -> Any:
        seen: list[int] = []

        def head(told: Any, number: int, subscription: str) -> Any:
            seen.append(told["header"]["number"])
            return seen if len(seen) == 3 else None

        with client:
            return client.subscribe_block_headers(head, finalized_only=True)

    async with running(mode=Mode.MANUAL) as chain:
        task = asyncio.create_task(asyncio.to_thread(lambda: follow(chain.client())))
        while not task.done():
            chain.node.seal()
            await asyncio.sleep(0.02)
        heads = await task
    assert heads == list(range(heads[0], heads[0] + 3))


async def test_a_nonce_counts_what_waits_in_the_pool() -> None:
    def send(client: SubstrateInterface) -> tuple[Any, Any]:
        with client:
            for nonce in range(2):
                given = _transfer(client, nonce=nonce).data.to_hex()
                client.rpc_request("author_submitExtrinsic", [given])
            waiting = client.rpc_request("author_pendingExtrinsics", [])["result"]
            return client.rpc_request("account_nextIndex", [ALICE])["result"], waiting

    async with running(mode=Mode.MANUAL) as chain:
        nonce, waiting = await asyncio.to_thread(lambda: send(chain.client()))
    assert (nonce, len(waiting)) == (2, 2)


async def test_maps_are_listed_page_by_page() -> None:
    def listed(client: SubstrateInterface) -> dict[str, int]:
        with client:
            found = client.query_map("System", "Account", page_size=1)
            return {str(who.value): info.value["data"]["free"] for who, info in found}

    async with running() as chain:
        found = await asyncio.to_thread(lambda: listed(chain.client()))
    assert found == {ALICE: 1_000 * TAO, BOB: 500 * TAO}


async def test_a_rival_for_a_nonce_must_offer_more() -> None:
    def send(client: SubstrateInterface) -> tuple[Any, Any, Any]:
        with client:
            given = _transfer(client, nonce=0).data.to_hex()
            client.rpc_request("author_submitExtrinsic", [given])
            told = []
            for again in (given, _transfer(client, 2 * TAO, nonce=0).data.to_hex()):
                with pytest.raises(SubstrateRequestException) as refused:
                    client.rpc_request("author_submitExtrinsic", [again])
                told.append(refused.value.args[0])
            better = _transfer(client, 3 * TAO, nonce=0, tip=TAO).data.to_hex()
            client.rpc_request("author_submitExtrinsic", [better])
            waiting = client.rpc_request("author_pendingExtrinsics", [])["result"]
            return told, better, waiting

    async with running(mode=Mode.MANUAL) as chain:
        (same, poorer), better, waiting = await asyncio.to_thread(lambda: send(chain.client()))
    assert (same["code"], same["message"]) == (1013, "Transaction Already Imported")
    assert poorer["code"] == 1014
    assert poorer["message"].startswith("Priority is too low: (")
    assert waiting == [better]
