# SPDX-License-Identifier: Apache-2.0
"""The chain of `subnet run` from outside: the client of public chains reads on its port what the process reports."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from protocols.keys import Keypair
from protocols.types import Block, NetUid, Uid
from subnet.chain.asking import ask
from subnet.chain.client import SubstrateChain
from subnet.chain.connect import connect
from tests.e2e.terminal import PRELUDE, ROOT

NETUID: Final = NetUid(1)
PATIENCE_S: Final = 40.0


class Running:
    """`subnet run text --json` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def told(self) -> dict[str, Any]:
        """What it says of the next epoch."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            told: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return told


@asynccontextmanager
async def running(*words: str) -> AsyncIterator[Running]:
    """A network, killed in the end if it is still there."""
    command = f"from subnet.cli import main; sys.exit(main({['run', 'text', '--json', '--model', 'toy', *words]!r}))"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PRELUDE + command, cwd=ROOT, stdout=pipe, stderr=pipe
    )
    try:
        yield Running(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.mark.timeout(90)
async def test_a_client_at_the_port_reads_the_very_network_that_the_process_reports() -> None:
    async with running("--rpc-port", "0", "--block-time", "0.15") as network:
        await network.told()
        told = await network.told()  # by now everybody has set weights
        chain = await connect(told["endpoint"])
        assert isinstance(chain, SubstrateChain)
        async with chain:
            metagraph = await chain.metagraph(NETUID, Block(told["block"]))
            weights = await chain.weights(NETUID)
            subnets = await chain.subnets()
            assert chain.is_local
        name, kind, methods = await ask(
            told["endpoint"], [("system_chain", []), ("system_chainType", []), ("rpc_methods", [])]
        )
    assert (name, kind) == ("text@1, seed 0", "Local")
    assert {"author_submitExtrinsic", "state_getMetadata", "dev_newBlock"} <= set(methods["methods"])
    people = told["participants"]
    assert [row["uid"] for row in people] == list(range(metagraph.n))
    assert metagraph.hotkeys[1:] == tuple(hotkey(row) for row in people[1:])
    for column in ("incentive", "dividends", "emission"):
        assert getattr(metagraph, column).tolist() == [row[column] for row in people]
    assert metagraph.validator_trust.tolist() == [row["trust"] for row in people]
    assert {place.ip for place in metagraph.endpoints[1:9] if place} == {"127.0.0.1"}
    voters = {row["uid"] for row in people if told["weight_updates"].get(row["name"])}
    assert voters == {row["uid"] for row in people if row["kind"] == "validator"}
    assert {uid for uid in range(metagraph.n) if len(weights.row(Uid(uid))[0])} == voters
    paid = {row["uid"] for row in people if row["incentive"]}
    assert all(paid <= set(weights.row(Uid(uid))[0].tolist()) for uid in voters)
    assert [one.name for one in subnets if one.netuid == NETUID] == ["text"]


@pytest.mark.timeout(90)
async def test_two_networks_at_once_have_a_port_each_and_the_second_says_which_one_is_taken() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # then somebody has it already
            other.bind(("127.0.0.1", 9944))
            other.listen()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "subnet", "run", "text", "--epochs", "1", "--block-time", "0.1", "--model", "toy"),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_S):
            written, _ = await process.communicate()
    title, _, _ = written.decode().partition("\n")
    assert title.endswith(" (port 9944 is taken)")
    assert "  ws://127.0.0.1:" in title
    assert process.returncode == 0


@pytest.mark.timeout(90)
async def test_a_port_that_was_asked_for_and_is_taken_is_an_error_that_names_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with running("--rpc-port", str(port)) as network:
            _, err = await network.process.communicate()
    assert network.process.returncode
    error = json.loads(err)
    assert error["code"] == "bind_failed"
    assert f"127.0.0.1:{port}" in error["message"]


@pytest.mark.timeout(90)
async def test_ctrl_c_ends_a_network_within_a_second_though_clients_hold_its_port_open() -> None:
    async with running("--rpc-port", "0", "--block-time", "0.1") as network:
        told = await network.told()
        host, _, port = told["endpoint"].removeprefix("ws://").partition(":")
        _, idle = await asyncio.open_connection(host, int(port))
        async with await SubstrateChain.open([told["endpoint"]]):
            began = time.monotonic()
            network.process.send_signal(signal.SIGINT)
            _, err = await network.process.communicate()
            took = time.monotonic() - began
        idle.close()
        assert (network.process.returncode, err) == (130, b"")
    assert took < 2  # a second, where the machine is not shared


@pytest.mark.timeout(120)
async def test_killed_networks_go_on_from_their_folder_with_each_weight_update_on_the_chain_once(
    tmp_path: Path,
) -> None:
    words = ("--lockstep", "--epochs", "500", "--miners", "good:2,copier:1", "--state", str(tmp_path))
    seen = 1
    for _ in range(2):
        async with running(*words) as network:
            assert (await network.told())["epoch"] > seen
            seen = (await network.told())["epoch"]
            network.process.kill()  # somewhere within an epoch
    with closing(sqlite3.connect(tmp_path / "validators.db")) as store:
        landed = store.execute("SELECT validator, landed_epoch, count(*) FROM submissions GROUP BY 1, 2").fetchall()
    for validator in (1, 2, 3):
        epochs = [epoch for one, epoch, _ in landed if one == validator and epoch is not None]
        assert epochs == list(range(1, len(epochs) + 1))
    assert {count for _, epoch, count in landed if epoch is not None} == {1}


def hotkey(row: dict[str, Any]) -> str:
    """The key of a participant, which everybody can make from its name."""
    return Keypair.from_uri(f"//{row['kind']}//{row['name']}").ss58_address
