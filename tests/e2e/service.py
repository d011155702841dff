# SPDX-License-Identifier: Apache-2.0
"""A chain, three miners and validators as an operator has them: processes, and a definition in a file.

Next to the sound definition stand some that a designer got wrong, each in a way that keeps a validator from its work.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from protocols.keys import Keypair
from protocols.metagraph import Neuron
from protocols.types import Hotkey, NetUid
from subnet.chain.connect import connect
from subnet.services.preflight import hang_up
from tests.e2e.mining import PATIENCE_S, ROOT, Program, miner

__all__ = ["APP", "MINERS", "STUCK_S", "VALIDATOR", "mined", "neuron", "said", "status", "validator", "weights"]

VALIDATOR: Final = "//Validator"
MINERS: Final = ("//Miner0", "//Miner1", "//Miner2")
STUCK_S: Final = "2"

APP: Final = """\
import re
import threading
import time

from subnet import Reply, Subnet, Synapse, Task


class Double(Synapse):
    number: int

    class Reply(Reply):
        number: int


class Fine(Subnet):
    name, version = "doubles", 1
    synapse = Double

    async def tasks(self, ctx):
        while True:
            number = int(ctx.rng.integers(1000))
            yield Task(Double(number=number), reference=2 * number)

    async def answer(self, ask, ctx):
        return Double.Reply(number=2 * ask.number)

    def score(self, task, replies):
        return [float(reply is not None and reply.number == task.reference) for reply in replies.replies]


class Hanging(Fine):
    def score(self, task, replies):
        threading.Event().wait()


class Holding(Fine):
    async def tasks(self, ctx):
        yield time.sleep(3600)


class Backtracking(Fine):
    def score(self, task, replies):
        return re.fullmatch("(a+)+b", "a" * 64)
"""

_GENESIS: Final = """
name = "validating"
sudo = "//Alice"
[accounts]
"//Alice" = 1_000_000
[hyperparameters]
Tempo = 12
ServingRateLimit = 1
WeightsSetRateLimit = 1
CommitRevealWeightsEnabled = false
MaxAllowedUids = 8
[storage.SubtensorModule]
NetworkLockReductionInterval = 10
NetworkRateLimit = 0
TxRateLimit = 0
[[networks]]
owner = "//Alice"
hotkey = "//Owner1"
neurons = [NEURONS]
"""
_STAKES: Final = dict.fromkeys((*MINERS, "//Other0"), 0) | {VALIDATOR: 1000, "//Other1": 100, "//Other2": 100}


@contextmanager
def mined(folder: Path) -> Iterator[str]:
    """The URL of a chain with the three miners on it, all of whom serve."""
    (folder / "app.py").write_text(APP)
    rows = [f'{{ hotkey = "{key}", coldkey = "//Alice", stake = {stake} }}' for key, stake in _STAKES.items()]
    (folder / "genesis.toml").write_text(_GENESIS.replace("NEURONS", ", ".join(rows)))
    words = ("chain", "up", "--genesis", str(folder / "genesis.toml"), "--port", "0", "--block-time", "0.5")
    with ExitStack() as stack:
        network = stack.enter_context(Program(folder / "chain", *words))
        app = f"{folder / 'app.py'}:Fine"
        miners = [stack.enter_context(miner(network.url, folder / key[2:], key, app=app)) for key in MINERS]
        for one in miners:
            one.told()
        yield network.url


def validator(chain_url: str, folder: Path, *words: str, key: str = VALIDATOR, kind: str = "Fine") -> Program:
    """`subnet validator run` with these words besides; it has its own folder, and a free port unless one is named."""
    folder.mkdir(parents=True, exist_ok=True)
    app = folder / "app.py"
    app.write_text(APP)
    if "--port" not in words:
        words = ("--port", "0", *words)
    if "--state" not in words:
        words = ("--state", str(folder / "state"), *words)
    where = ("--network", chain_url, "--key", key, "--format", "json")
    return Program(folder, "validator", "run", f"{app}:{kind}", *where, "--interval", "0.5", *words)


def said(folder: Path) -> list[Mapping[str, Any]]:
    """Every whole line that a program has written to its log."""
    lines = (folder / "err").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith('{"') and line.endswith("}")]


def status(url: str) -> tuple[int, dict[str, Any]]:
    """`subnet validator status`: its exit code and what it says."""
    words = [sys.executable, "-m", "subnet", "validator", "status", url, "--json"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    told: dict[str, Any] = json.loads(done.stdout or done.stderr)
    return done.returncode, told


async def neuron(url: str, key: str = VALIDATOR) -> Neuron:
    """What the chain says of a hotkey."""
    ledger = await connect(url)
    try:
        return (await ledger.metagraph(NetUid(1))).by_hotkey(Hotkey(Keypair.from_uri(key).ss58_address))
    finally:
        await hang_up(ledger)


async def weights(url: str, key: str = VALIDATOR) -> dict[str, float]:
    """What the chain holds of a hotkey's weights, as shares of all, by the miner's key."""
    ledger = await connect(url)
    try:
        metagraph = await ledger.metagraph(NetUid(1))
        addresses = {Keypair.from_uri(one).ss58_address: one for one in (*MINERS, VALIDATOR)}
        uids, values = (await ledger.weights(NetUid(1))).row(
            metagraph.uid_of(Hotkey(Keypair.from_uri(key).ss58_address))
        )
        shares = np.asarray(values, float) / max(1.0, float(np.sum(values)))
        return {addresses[metagraph.hotkeys[uid]]: float(share) for uid, share in zip(uids, shares, strict=True)}
    finally:
        await hang_up(ledger)
