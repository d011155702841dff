# SPDX-License-Identifier: Apache-2.0
"""The official Python client, bittensor 11.3.0, on a chain of ours: it connects, reads, signs and hears of blocks.

The tool's own queries are made of the client's readings, so that walking all of these walks all of those.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import importlib
import struct
import warnings
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from tests.interop.local import ALICE, ALICE_HOTKEY, BOB, BOB_HOTKEY, Local, local, wallets

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

TAO: Final = 10**9
T = TypeVar("T")

ARGUMENTS: Final[dict[str, object]] = {
    "account_ss58": ALICE.ss58_address,
    "amount_alpha": 1.0,
    "amount_tao": 1.0,
    "block": 1,
    "call_hash": "0x" + "00" * 32,
    "coldkey_ss58": ALICE.ss58_address,
    "coldkey_ss58s": [ALICE.ss58_address],
    "crowdloan_id": 0,
    "hotkey_ss58": ALICE_HOTKEY.ss58_address,
    "hotkey_ss58s": [ALICE_HOTKEY.ss58_address],
    "lease_id": 0,
    "lite": True,
    "mechid": 0,
    "netuid": 1,
    "netuids": [1],
    "uid": 0,
}
# Of pallets, or of newer chains' parts of ours, that are not here: docs/explanation/local-chain.md lists them.
ABSENT: Final = {
    "basket_position": "BetaBasketRuntimeApi.get_basket_position",
    "basket_trading_status": "BetaBasketRuntimeApi.get_basket_trading_status",
    "crowdloan": "Crowdloan.Crowdloans",
    "crowdloan_contributors": "Crowdloan.Contributions",
    "crowdloans": "Crowdloan.Crowdloans",
    "multisig": "Multisig.Multisigs",
    "validator_basket_summary": "BetaBasketRuntimeApi.get_validator_basket_summary",
}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    with local() as chain, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # the client caches metadata there
        chain.skip(12)
        yield chain


@pytest.fixture(scope="module")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = wallets(tmp_path_factory.mktemp("wallets"))
    return importlib.import_module("bittensor").Wallet("alice", "default", str(folder))


async def with_client(chain: Local, use: Callable[[Any], Awaitable[T]]) -> T:
    """Connect, do something, and leave."""
    client_of = importlib.import_module("bittensor").Client
    async with client_of(chain.url, fallback_endpoints=[], archive_endpoints=[]) as client:
        result = await use(client)
    # It leaves a closed connection to the collector of garbage: that is to find it here, where it is forgiven.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del client
        gc.collect()
    return result


async def test_every_reading_works_but_those_of_what_is_not_here(chain: Local) -> None:
    readings = importlib.import_module("bittensor.reads").REGISTRY

    async def walk(client: Any) -> dict[str, str]:
        failed = {}
        for name, reading in readings.items():
            arguments = {parameter: ARGUMENTS[parameter] for parameter in reading.params}
            try:
                await asyncio.wait_for(client.read(name, **arguments), 10)
            except Exception as error:
                failed[name] = str(error)
        return failed

    failed = await with_client(chain, walk)
    assert len(readings) > 100
    assert {name: ABSENT.get(name, "") in error for name, error in failed.items()} == dict.fromkeys(ABSENT, True)


async def test_what_the_client_reads_is_what_the_node_knows(chain: Local) -> None:
    async def look(client: Any) -> tuple[Any, Any, Any, Any]:
        return (
            await client.read("balance", coldkey_ss58=BOB.ss58_address),
            await client.read("metagraph", netuid=1),
            await client.query(("SubtensorModule", "Tempo"), [1]),
            await client.query_map(("SubtensorModule", "NetworksAdded")),
        )

    balance, metagraph, tempo, networks = await with_client(chain, look)
    assert balance.rao == chain.free(BOB)
    assert metagraph["hotkeys"] == [ALICE_HOTKEY.ss58_address]
    assert tempo == chain.stored("Tempo", 1)
    assert dict(networks) == {0: True, 1: True}


async def test_the_client_transfers_registers_stakes_and_votes(chain: Local, alice: Any) -> None:
    bittensor = importlib.import_module("bittensor")
    intents, calls = bittensor.intents, bittensor.calls.SubtensorModule
    had = chain.free(BOB)
    staked = chain.stored("TotalHotkeyAlpha", (ALICE_HOTKEY.public_key, 1))

    async def act(client: Any) -> list[Any]:
        return [
            await client.execute(intents.Transfer(dest_ss58=BOB.ss58_address, amount_tao=3), alice),
            await client.submit_call(calls.burned_register(netuid=1, hotkey=BOB_HOTKEY.ss58_address), alice),
            await client.submit_call(
                calls.add_stake(hotkey=ALICE_HOTKEY.ss58_address, netuid=1, amount_staked=5 * TAO), alice
            ),
            await client.execute(intents.SetWeights(netuid=1, uids=[0, 1], weights=[1, 1]), alice),
        ]

    results = await with_client(chain, act)
    assert [result.success for result in results] == [True] * 4, results
    assert chain.free(BOB) - had == 3 * TAO
    assert chain.stored("Uids", (1, BOB_HOTKEY.public_key)) == 1
    assert chain.stored("TotalHotkeyAlpha", (ALICE_HOTKEY.public_key, 1)) > staked
    assert list(chain.stored("Weights", (1, 0))) == [(0, 65535), (1, 65535)]


async def test_the_client_reveals_what_was_committed_by_its_hash(chain: Local, alice: Any) -> None:
    bittensor = importlib.import_module("bittensor")
    intents, calls = bittensor.intents, bittensor.calls.SubtensorModule
    chain.put("CommitRevealWeightsEnabled", 1, True)
    chain.skip(2)
    votes = [(1, [0]), (1, [65535]), (1, [7])]  # one uid, its weight, the salt
    lists = b"".join(struct.pack(f"<B{count}H", count << 2, *values) for count, values in votes)
    secret = ALICE_HOTKEY.public_key + struct.pack("<H", 1) + lists + struct.pack("<Q", 0)
    commit = hashlib.blake2b(secret, digest_size=32).hexdigest()
    reveal = intents.RevealWeights(netuid=1, uids=[0], weights=[65535], salt=[7], version_key=0)

    async def promise(client: Any) -> Any:
        return await client.submit_call(
            calls.commit_weights(netuid=1, commit_hash=f"0x{commit}"), alice, signer="hotkey"
        )

    assert (await with_client(chain, promise)).success
    epoch = chain.stored("SubnetEpochIndex", 1)
    while chain.stored("SubnetEpochIndex", 1) == epoch:
        chain.skip(1)
    revealed = await with_client(chain, lambda client: client.execute(reveal, alice))
    chain.put("CommitRevealWeightsEnabled", 1, False)
    assert revealed.success, revealed
    assert list(chain.stored("Weights", (1, 0))) == [(0, 65535)]


async def test_a_failed_call_is_told_by_its_name(chain: Local, alice: Any) -> None:
    calls = importlib.import_module("bittensor").calls.SubtensorModule

    async def act(client: Any) -> Any:
        return await client.submit_call(calls.burned_register(netuid=77, hotkey=BOB_HOTKEY.ss58_address), alice)

    result = await with_client(chain, act)
    assert not result.success
    assert "Subnet not exists" in str(result)


async def test_the_client_hears_of_blocks(chain: Local) -> None:
    async def listen(client: Any) -> list[int]:
        heard: list[int] = []
        stream = client.blocks()
        async for header in stream:
            heard.append(header.number)
            if len(heard) == 3:
                break
            await asyncio.to_thread(chain.skip, 1)
        await stream.aclose()
        return heard

    heard = await asyncio.wait_for(with_client(chain, listen), 30)
    assert heard == list(range(heard[0], heard[0] + 3))
