# SPDX-License-Identifier: Apache-2.0
"""A gateway as an operator starts it: a validator and its door in one process, on a chain that is reached over RPC."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from protocols.calls import Register
from protocols.errors import BindFailed, UsageError
from protocols.keys import Keypair
from protocols.types import Hotkey, NetUid
from subnet.chain.local import LocalChain
from subnet.localnet.port import Port
from subnet.services import miner
from subnet.services.gateway import Doored, opened
from subnet.settings import ChainSettings, GatewaySettings, MinerSettings, PathSettings, ValidatorSettings
from tests.attacks.raw import get

BOB, CHARLIE = Keypair.from_uri("//Bob"), Keypair.from_uri("//Charlie")


@asynccontextmanager
async def doored(folder: Path, door: GatewaySettings) -> AsyncIterator[Doored]:
    """A chain, a miner that echoes, and a validator with this door."""
    chain = LocalChain(block_time=0.25)
    for key in (BOB, CHARLIE):
        (await chain.submit(Register(NetUid(1), Hotkey(key.ss58_address)), key)).raise_for_error()
    async with AsyncExitStack() as stack:
        making = asyncio.create_task(chain.run())
        stack.callback(making.cancel)
        port = await stack.enter_async_context(Port.of(chain.node, "127.0.0.1", 0))
        served = ChainSettings(network=port.url, netuid=1, key="//Bob")
        at = PathSettings(state=folder / "miner")
        await stack.enter_async_context(miner.opened("text", served, MinerSettings(host="127.0.0.1", port=0), at))
        own = ChainSettings(network=port.url, netuid=1, key="//Charlie")
        validator = ValidatorSettings(port=0)
        yield await stack.enter_async_context(
            opened("text", own, (validator, door), PathSettings(state=folder / "gateway"))
        )


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What `subnet gateway key` answers, in a process of its own."""
    command = [sys.executable, "-m", "subnet", "gateway", "key", *words, "--state", str(folder / "gateway"), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


async def test_a_key_made_while_the_gateway_runs_opens_it_and_a_revoked_one_does_not(tmp_path: Path) -> None:
    async with doored(tmp_path, GatewaySettings(port=0)) as serving:
        made = json.loads((await asyncio.to_thread(typed, tmp_path, "add", "ada", "--requests", "2")).stdout)
        url = serving.facts()["url"]
        async with AsyncOpenAI(api_key=made["key"], base_url=url, max_retries=0) as user:
            answer = await user.chat.completions.create(model="text", messages=[{"role": "user", "content": "hello"}])
            assert answer.choices[0].message.content == "hello"
            (row,) = json.loads((await asyncio.to_thread(typed, tmp_path, "list")).stdout)
            assert (row["name"], row["requests"], row["of requests a minute"], row["tokens"]) == ("ada", 1, 2, 4)
            assert (await asyncio.to_thread(typed, tmp_path, "revoke", "ada")).returncode == 0
            with pytest.raises(openai.AuthenticationError):
                await user.completions.create(model="text", prompt="hello")
        assert made["key"] not in (tmp_path / "gateway/gateway.db").read_bytes().decode("latin-1")
        assert (tmp_path / "gateway/gateway.db").stat().st_mode & 0o077 == 0
        gone = await asyncio.to_thread(typed, tmp_path, "revoke", "ada")
        assert gone.returncode == 2
        assert "no key is named 'ada'" in gone.stderr


async def test_it_tells_whether_it_lives_is_ready_and_what_it_did(tmp_path: Path) -> None:
    async with doored(tmp_path, GatewaySettings(port=0, open=True)) as serving:
        root = serving.gateway.url
        async with AsyncOpenAI(api_key="none", base_url=f"{root}/v1", max_retries=0) as user:
            assert (await user.completions.create(model="text", prompt="hello")).choices[0].text == "hello"
        assert (await get(root, "/livez")).status == 200
        ready = await get(root, "/readyz")
        assert json.loads(ready.body) == {"ready": True, "checks": {"miners": True, "serving": True, "synced": True}}
        metrics = (await get(root, "/metrics")).body.decode()
        assert 'subnet_queries_total{outcome="ok",query="completions"} 1.0' in metrics
        assert "subnet_gateway_first_seconds_count 1.0" in metrics
        assert 'subnet_gateway_miners{state="ready"} 1.0' in metrics
        assert serving.facts()["models"] == "text"


async def test_what_cannot_work_is_said_before_the_chain_is_asked(tmp_path: Path) -> None:
    nowhere = ChainSettings(network="ws://127.0.0.1:9", key="//Charlie")
    paths = PathSettings(state=tmp_path)
    with pytest.raises(UsageError, match=r"an open gateway would listen on 0\.0\.0\.0"):
        async with opened("text", nowhere, (ValidatorSettings(), GatewaySettings(host="0.0.0.0", open=True)), paths):
            pass
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with pytest.raises(BindFailed, match=f"cannot listen on 127.0.0.1:{port}"):
        async with opened("text", nowhere, (ValidatorSettings(), GatewaySettings(port=port)), paths):
            pass
    listening.close()
    await listening.wait_closed()
