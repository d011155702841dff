# SPDX-License-Identifier: Apache-2.0
"""`subnet chain` as a person and a script meet it: a process with a port, lines on stdout, a banner on stderr."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from protocols.balance import Balance
from protocols.calls import Transfer
from protocols.keys import Keypair
from protocols.types import Coldkey, Ss58
from subnet.chain.asking import ask
from subnet.chain.client import SubstrateChain
from subnet.chain.local import LocalChain
from subnet.chain.node.pallets.system import System
from subnet.cli import main
from tests.e2e.terminal import PRELUDE

PATIENCE_S = 30.0


class Running:
    """`subnet chain up` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.begun: dict[str, Any] = {}
        """What its first line says."""

    @property
    def url(self) -> str:
        """Where it is."""
        return str(self.begun["url"])

    async def line(self) -> str:
        """The next line of its stdout."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def told(self) -> Any:
        """The next line as data."""
        return json.loads(await self.line())

    async def banner(self) -> str:
        """What it said on stderr, once it has ended."""
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()

    async def ask(self, method: str, *params: Any) -> Any:
        """What the node answers."""
        (answer,) = await ask(self.url, [(method, list(params))])
        return answer

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as a person does, and return its exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def up(*words: str) -> AsyncIterator[Running]:
    """A node on a free port."""
    # Whoever runs tests in the background of a script has Ctrl-C ignored, and so would the node.
    program = f"from subnet.cli import main; sys.exit(main({['chain', 'up', '--port', '0', *words]!r}))"
    command = (sys.executable, "-c", PRELUDE + program)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    running = Running(process)
    try:
        first = await running.line()
        running.begun = json.loads(first) if "--json" in words else {"url": first}
        yield running
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def run(*words: str) -> int:
    """Another command, to its end, in a thread of this process."""
    return await asyncio.to_thread(main, ["chain", *words])


async def test_a_node_says_where_it_is_who_has_money_and_that_the_keys_are_nobodys_own() -> None:
    async with up("--block-time", "instant") as node:
        alice = Keypair.from_uri("//Alice").ss58_address
        assert await node.ask("system_chain") == "local"
        genesis = await node.ask("chain_getBlockHash", 0)
        await node.ask("dev_newBlock", 5)
        await _transfer(node)
        line = await node.line()
        assert line.startswith("block 6 "), "blocks without calls are not told of"
        assert "Balances.transfer_keep_alive by 5Grwva" in line
        assert await node.stop() == 130
        banner = await node.banner()
    for said in (node.url, genesis, "//Alice", alice, "public and worthless elsewhere", "Ctrl-C", "chain accounts"):
        assert said in banner
    assert "Other machines" not in banner


async def test_a_program_gets_the_accounts_first_and_then_a_line_for_each_block() -> None:
    async with up("--block-time", "0.05", "--json", "--host", "0.0.0.0") as node:
        begun = node.begun
        assert (begun["event"], begun["block"], begun["chain"]) == ("started", 0, "local")
        assert begun["accounts"][0]["uri"] == "//Alice"
        blocks = [await node.told() for _ in range(3)]
        assert [(block["event"], block["block"], block["calls"]) for block in blocks] == [
            ("block", number, []) for number in (1, 2, 3)
        ]
        await node.stop()
        assert "Other machines can reach this port" in await node.banner()


async def test_a_chain_in_a_file_goes_on_where_a_signal_stopped_it_in_time(tmp_path: Path) -> None:
    state = ("--block-time", "manual", "--state", str(tmp_path / "chain.db"))
    async with up(*state) as node, connect(node.url, proxy=None) as client:
        await client.send('{"jsonrpc": "2.0", "id": 1, "method": "chain_subscribeNewHeads", "params": []}')
        await client.recv()
        made = await node.ask("dev_newBlock", 7)
        before = time.monotonic()
        assert await node.stop(signal.SIGTERM) == 143
        assert time.monotonic() - before < 2, "a client that stays connected does not hold it"
    async with up(*state, "--json") as node:
        assert node.begun["block"] == 7
        assert await node.ask("chain_getBlockHash", 7) == made["hash"]


async def test_a_node_is_asked_carried_away_and_set_back_by_other_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "state")
    async with up("--block-time", "manual") as node:
        await node.ask("dev_setBalance", "//Dave", 12_345)
        await node.ask("dev_newBlock", 40)
        assert await run("dump", file, "--url", node.url) == 0
        assert capsys.readouterr().out == f"wrote block 40 to {file}, {_size(file)} bytes\n"
        snapshot = await node.ask("dev_snapshot")
        await node.ask("dev_setBalance", "//Dave", 0)
        await node.ask("dev_newBlock", 2)
        await node.ask("dev_revert", snapshot)
        assert "block 40 " in await node.line()
        await node.ask("dev_setBalance", "//Dave", 0)
        assert await run("load", file, "--url", node.url, "--json") == 0
        assert json.loads(capsys.readouterr().out)["block"] == 41
        assert (12_345).to_bytes(8, "little").hex() in await _account(node, "//Dave")
        assert await run("status", node.url, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["chain"], told["block"], told["dev"]) == ("local", 41, True)


def test_where_no_node_answers_status_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["chain", "status", f"ws://127.0.0.1:{port}"]) == 75
    said = capsys.readouterr().err
    assert "error[chain_unreachable]" in said
    assert "subnet chain up" in said


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["chain", "up", "--port", str(taken.getsockname()[1])]) == 75
    said = capsys.readouterr()
    assert said.out == ""
    assert "error[bind_failed]" in said.err
    assert "--port" in said.err


def test_a_file_of_another_chain_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chain.db"
    LocalChain(path=path).close()
    assert main(["chain", "up", "--port", "0", "--state", str(path), "--preset", "mainnet"]) == 1
    assert "error[chain_file_refused]" in capsys.readouterr().err


def test_accounts_are_those_of_the_preset_or_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n[accounts]\n"//Zoe" = 5\n')
    assert main(["chain", "accounts", "--genesis", str(file), "--json"]) == 0
    zoe = {"uri": "//Zoe", "address": Keypair.from_uri("//Zoe").ss58_address, "rao": 5 * 10**9}
    assert json.loads(capsys.readouterr().out) == [zoe]
    assert main(["chain", "accounts"]) == 0
    assert "//Alice" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--block-time", "often"), "expected seconds"),
        (("--block-time", "0"), "expected seconds"),
        (("--block-time", "manual", "--no-dev"), "dev_newBlock"),
        (("--preset", "mainnet", "--genesis", "x.toml"), "both"),
        (("--preset", "main"), "there is no preset 'main'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_opened(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chain", "up", *words]) in (2, 78)
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err


async def _transfer(node: Running) -> None:
    call = Transfer(Coldkey(Ss58(Keypair.from_uri("//Bob").ss58_address)), Balance.tao(1))
    async with await SubstrateChain.open([node.url]) as chain:
        (await chain.submit(call, Keypair.from_uri("//Alice"))).raise_for_error()


async def _account(node: Running, uri: str) -> str:
    key = next(item for item in System.storage() if item.name == "Account").key(Keypair.from_uri(uri).public_key)
    return str(await node.ask("state_getStorage", f"0x{key.hex()}"))


def _size(file: str) -> int:
    return Path(file).stat().st_size
