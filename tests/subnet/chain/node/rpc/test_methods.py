# SPDX-License-Identifier: Apache-2.0
"""What wallets and explorers ask a Substrate node, asked of ours by hand: answers, and refusals by their numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect

from protocols.types import Json
from subnet.chain.node.author import Mode
from subnet.chain.node.frame.hashing import blake2_256, twox_128
from subnet.chain.node.frame.state import State
from subnet.chain.node.metadata import metadata
from subnet.chain.node.runtime import Runtime
from tests.subnet.chain.node.rpc.running import ALICE, Running, running

NUMBER: Final = "0x" + (twox_128(b"System") + twox_128(b"Number")).hex()
ACCOUNTS: Final = "0x" + (twox_128(b"System") + twox_128(b"Account")).hex()
NOWHERE: Final = "0x" + "ab" * 32


class Client:
    """Asks one question after another."""

    def __init__(self, chain: Running, socket: ClientConnection) -> None:
        self.node = chain.node
        self._socket = socket

    async def reply(self, name: str, *params: Json) -> dict[str, Any]:
        """The whole response."""
        await self._socket.send(msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}))
        while "id" not in (told := await self.told()):
            pass
        return told

    async def ask(self, name: str, *params: Json) -> Any:
        """The result."""
        reply = await self.reply(name, *params)
        assert "error" not in reply, reply
        return reply["result"]

    async def told(self) -> dict[str, Any]:
        """The next message."""
        found: dict[str, Any] = msgspec.json.decode(await self._socket.recv())
        return found


@asynccontextmanager
async def _client() -> AsyncIterator[Client]:
    async with running(mode=Mode.MANUAL) as chain, connect(chain.url, max_size=None) as socket:
        yield Client(chain, socket)


async def test_what_explorers_ask_when_they_connect_is_answered() -> None:
    async with _client() as client:
        assert await client.ask("system_chain") == "Subnet Local"
        assert await client.ask("system_chainType") == "Local"
        assert await client.ask("system_properties") == {"ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO"}
        assert await client.ask("system_health") == {"peers": 0, "isSyncing": False, "shouldHavePeers": False}
        assert await client.ask("system_nodeRoles") == ["Authority"]
        assert (await client.ask("system_localPeerId")).startswith("12D3KooW")
        assert (await client.ask("system_syncState"))["currentBlock"] == 0
        version = await client.ask("state_getRuntimeVersion", None)
        assert version["specName"] == "node-subtensor"
        assert {"specVersion", "transactionVersion", "implVersion", "apis"} <= set(version)
        assert await client.ask("state_getMetadata") == "0x" + metadata(Runtime(State()), 14).hex()
        names = (await client.ask("rpc_methods"))["methods"]
        assert {"system_accountNextIndex", "account_nextIndex", "author_submitAndWatchExtrinsic"} <= set(names)


async def test_hashes_of_blocks_are_found_by_number_by_list_and_by_default() -> None:
    async with _client() as client:
        zero, one = (f"0x{head.hash.hex()}" for head in (client.node.head, client.node.seal()))
        assert await client.ask("chain_getBlockHash") == one
        assert await client.ask("chain_getBlockHash", 0) == zero
        assert await client.ask("chain_getBlockHash", "0x1") == one
        assert await client.ask("chain_getBlockHash", [0, 1, 2]) == [zero, one, None]
        assert await client.ask("chain_getHead") == await client.ask("chain_getFinalizedHead") == one
        header = await client.ask("chain_getHeader", one)
        assert (header["number"], header["parentHash"]) == ("0x1", zero)
        block = await client.ask("chain_getBlock", one)
        assert block["block"]["header"] == header
        assert len(block["block"]["extrinsics"]) == 1
        assert await client.ask("chain_getBlock", NOWHERE) is None


async def test_storage_is_read_at_any_block_and_in_any_form() -> None:
    async with _client() as client:
        client.node.skip(3)
        two = await client.ask("chain_getBlockHash", 2)
        assert await client.ask("state_getStorage", NUMBER) == "0x03000000"
        assert await client.ask("state_getStorageAt", NUMBER[2:], two) == "0x02000000"
        assert await client.ask("state_getStorageSize", NUMBER) == 4
        assert await client.ask("state_getStorageHash", NUMBER) == "0x" + blake2_256((3).to_bytes(4, "little")).hex()
        assert await client.ask("state_getStorage", NOWHERE) is None
        told = await client.ask("state_queryStorageAt", [NUMBER, NOWHERE], two)
        assert told == [{"block": two, "changes": [[NUMBER, "0x02000000"], [NOWHERE, None]]}]
        history = await client.ask("state_queryStorage", [NUMBER, ACCOUNTS], two)
        assert [entry["changes"] for entry in history] == [
            [[NUMBER, "0x02000000"], [ACCOUNTS, None]],
            [[NUMBER, "0x03000000"]],
        ]


async def test_keys_come_in_pages() -> None:
    async with _client() as client:
        first = await client.ask("state_getKeysPaged", ACCOUNTS, 1, None, None)
        second = await client.ask("state_getKeysPaged", ACCOUNTS, 1, first[0])
        everything = await client.ask("state_getKeys", ACCOUNTS)
        assert first + second == everything[:2]
        pairs = await client.ask("state_getPairs", ACCOUNTS)
        assert [key for key, _ in pairs] == everything
        assert (await client.reply("state_getKeysPaged", ACCOUNTS, 1_001))["error"]["code"] == 4002


async def test_the_runtime_answers_and_says_what_it_cannot() -> None:
    async with _client() as client:
        versions = await client.ask("state_call", "Metadata_metadata_versions", "0x")
        assert versions == "0x080e0000000f000000"
        described = bytes.fromhex((await client.ask("state_call", "Metadata_metadata_at_version", "0x0f000000"))[2:])
        assert described[:1] == b"\x01"
        assert described[5:10] == b"meta\x0f"
        missing = await client.reply("state_call", "Future_question", "0x")
        assert missing["error"]["code"] == 4003
        assert "Exported method Future_question is not found" in missing["error"]["message"]


@pytest.mark.parametrize(
    ("name", "params", "code"),
    [
        ("state_getStorage", ["no hex"], -32602),
        ("state_getStorage", [], -32602),
        ("state_getStorage", [NUMBER, "0x1234"], -32602),
        ("state_getStorage", [NUMBER, NOWHERE], 4003),
        ("chain_getBlockHash", ["seven"], -32602),
        ("account_nextIndex", ["5nobody"], -32602),
        ("author_submitExtrinsic", ["0x00"], 1002),
        ("author_submitAndWatchExtrinsic", ["0x1234"], 1002),
        ("author_rotateKeys", [], -32601),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_number(name: str, params: list[Json], code: int) -> None:
    async with _client() as client:
        assert (await client.reply(name, *params))["error"]["code"] == code


async def test_a_block_whose_state_is_gone_is_told_in_the_words_that_clients_look_for() -> None:
    async with _client() as client:
        client.node.skip(300)
        zero = await client.ask("chain_getBlockHash", 0)
        error = (await client.reply("state_getStorage", NUMBER, zero))["error"]
        assert error == {
            "code": 4003,
            "message": f"Client error: UnknownBlock: State already discarded for {zero}",
        }


async def test_storage_is_followed_where_it_changes() -> None:
    async with _client() as client:
        id = await client.ask("state_subscribeStorage", [NUMBER, ACCOUNTS])
        first = (await client.told())["params"]
        assert (first["subscription"], first["result"]["changes"]) == (id, [[NUMBER, None], [ACCOUNTS, None]])
        client.node.seal()
        told = (await client.told())["params"]["result"]
        assert told == {"block": f"0x{client.node.head.hash.hex()}", "changes": [[NUMBER, "0x01000000"]]}
        assert await client.ask("state_unsubscribeStorage", id) is True


@pytest.mark.parametrize("kind", ["NewHeads", "FinalizedHeads", "AllHeads", "NewHead"])
async def test_heads_are_told_from_the_newest_on(kind: str) -> None:
    async with _client() as client:
        client.node.seal()
        id = await client.ask(f"chain_subscribe{kind}")
        client.node.skip(2)
        numbers = [(await client.told())["params"]["result"]["number"] for _ in range(3)]
        assert numbers == ["0x1", "0x2", "0x3"]
        assert await client.ask(f"chain_unsubscribe{kind}", id) is True


async def test_the_runtime_version_is_told_once() -> None:
    async with _client() as client:
        id = await client.ask("state_subscribeRuntimeVersion")
        assert (await client.told())["params"]["result"]["specName"] == "node-subtensor"
        assert await client.ask("state_unsubscribeRuntimeVersion", id) is True


async def test_nobody_has_keys_here_and_alice_has_sent_nothing() -> None:
    async with _client() as client:
        assert await client.ask("author_hasKey", "0x00", "aura") is False
        assert await client.ask("system_accountNextIndex", ALICE) == 0
        assert await client.ask("author_pendingExtrinsics") == []
