# SPDX-License-Identifier: Apache-2.0
"""A chain and miners as an operator has them: processes of the command line, started and stopped as from a shell.

What they write goes to files, so that nobody waits for a reader. On the chain are a caller with nearly all of the
stake, some with next to none, and a second subnet with room for one miner only.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from protocols.client import Client, Peer
from protocols.keys import Keypair
from subnet.templates.text.text import Ask
from subnet.text import compose
from tests.attacks.miner import Letter
from tests.attacks.raw import Response, get
from tests.e2e.terminal import PRELUDE

__all__ = [
    "BASS",
    "BUDGETED",
    "CROWDED",
    "DRAINED",
    "KILLED",
    "MINER",
    "MINNOW",
    "MODEL",
    "PATIENCE_S",
    "Program",
    "ROOT",
    "SHRIMP",
    "UNSERVED",
    "WHALE",
    "answered",
    "asking",
    "chain",
    "eventually",
    "letter",
    "measures",
    "miner",
    "peer",
    "question",
    "ready",
]

ROOT: Final = Path(__file__).parents[2]
MODEL: Final = ("--engine", "transformers", "--model", "configs/models/reader", "--threads", "1")
PATIENCE_S: Final = 90.0
"""What a start may take on a machine that others use too; a test that passes takes a fraction of it."""

MINER: Final = "//Miner"
BUDGETED: Final = "//Budgeted"
DRAINED: Final = "//Drained"
KILLED: Final = "//Killed"
UNSERVED: Final = "//Unserved"
"""A miner that has a place and never comes to serve."""
WHALE: Final = "//Whale"
BASS: Final = "//Bass"
SHRIMP: Final = "//Shrimp"
MINNOW: Final = "//Minnow"
CROWDED: Final = 2
"""The subnet with two places, one of them its owner's."""

_PLACES: Final = (MINER, BUDGETED, DRAINED, KILLED, UNSERVED)
_STAKES: Final = {WHALE: 100_000, BASS: 7, SHRIMP: 1, MINNOW: 1}
_GENESIS: Final = """
name = "mining"
sudo = "//Alice"
[accounts]
"//Alice" = 1_000_000
[hyperparameters]
Tempo = 360
Burn = 500_000
MinBurn = 500_000
ImmunityPeriod = 1
MinNonImmuneUids = 0
ServingRateLimit = 1
[storage.SubtensorModule]
NetworkLockReductionInterval = 10
NetworkRateLimit = 0
TxRateLimit = 0
"""


class Program:
    """`subnet ... --json` in a process of its own, killed in the end if it is still there."""

    def __init__(self, folder: Path, *words: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"{PRELUDE}from subnet.cli import main; sys.exit(main())", *words, "--json"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it is still there."""
        return self._process.poll() is None

    @property
    def url(self) -> str:
        """Where it serves, as it says itself."""
        return str(self.told()["url"])

    def told(self) -> dict[str, Any]:
        """The first thing that it says on stdout."""
        end = time.monotonic() + PATIENCE_S
        while b"\n" not in (said := self._out.read_bytes()):
            assert self.lives, f"it ended: {self._err.read_text()}"
            assert time.monotonic() < end, f"it says nothing: {self._err.read_text()}"
            time.sleep(0.02)
        told: dict[str, Any] = json.loads(said.partition(b"\n")[0])
        return told

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def finish(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return self._process.wait(PATIENCE_S)

    def error(self) -> dict[str, str]:
        """The error that it ended with."""
        self.finish()
        text = self._err.read_text()
        error: dict[str, str] = json.loads(text[text.index("{\n") :])
        return error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def chain(folder: Path) -> Iterator[Program]:
    """A local chain with the two subnets."""
    folder.mkdir()
    (folder / "genesis.toml").write_text(_GENESIS + _networks())
    words = ("chain", "up", "--genesis", str(folder / "genesis.toml"), "--port", "0", "--block-time", "0.5")
    with Program(folder, *words) as program:
        program.told()
        yield program


def miner(chain_url: str, folder: Path, key: str, *words: str, app: str = "text") -> Program:
    """`subnet miner run` with these words besides; it has its own folder, and a free port unless one is named."""
    if "--port" not in words:
        words = ("--port", "0", *words)
    where = ("--network", chain_url, "--key", key, "--state", str(folder / "state"), "--format", "json")
    return Program(folder, "miner", "run", app, *where, *words)


@asynccontextmanager
async def asking(key: str) -> AsyncIterator[Client]:
    """A client of this caller."""
    async with Client(Keypair.from_uri(key)) as client:
        yield client


def peer(key: str, url: str) -> Peer:
    """A miner to ask."""
    return Peer(Keypair.from_uri(key).ss58_address, url)


def question(seed: int, max_tokens: int = 16) -> Ask:
    """What a validator would ask, each seed another."""
    return Ask(prompt=compose(np.random.default_rng(seed)).prompt, max_tokens=max_tokens)


def letter(caller: str, to: str, ask: Ask | None = None, ahead_s: float = 0.0) -> bytes:
    """The same as the signed bytes that go over the wire, of a caller whose clock may be ahead."""
    ask = ask or question(0)
    body = json.dumps({"prompt": ask.prompt, "max_tokens": ask.max_tokens}).encode()
    receiver = Keypair.from_uri(to).ss58_address
    nonce_ns = time.time_ns() + int(ahead_s * 1e9)
    return Letter(body=body, key=Keypair.from_uri(caller), receiver=receiver, nonce_ns=nonce_ns).bytes()


async def answered(url: str, path: str, status: int) -> Response:
    """Ask for a page until it comes with this status."""
    end = time.monotonic() + PATIENCE_S
    while (page := await get(url, path)).status != status:
        assert time.monotonic() < end, page.body
        await asyncio.sleep(0.1)
    return page


async def ready(program: Program) -> str:
    """Where a miner serves, once it does."""
    url = await asyncio.to_thread(lambda: program.url)
    await answered(url, "/readyz", 200)
    return url


async def measures(url: str) -> dict[str, float]:
    """What a miner shows on /metrics, by name and labels, such as `subnet_jobs_total text left`."""
    text = (await get(url, "/metrics")).body.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {" ".join((sample.name, *map(str, sample.labels.values()))): sample.value for sample in samples}


async def eventually(url: str, name: str, least: float, most: float, within_s: float = 10.0) -> float:
    """Wait until a measure of a miner lies between two values; how long that took."""
    began = time.monotonic()
    seen = float("nan")
    while time.monotonic() < began + within_s:
        seen = (await measures(url)).get(name, 0.0)
        if least <= seen <= most:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} is {seen} after {within_s} s, expected {least} to {most}")


def _networks() -> str:
    neurons = [(key, _STAKES.get(key, 0)) for key in (*_PLACES, *_STAKES)]
    return _network("//Owner1", neurons) + _network(
        "//Owner2", [(MINER, 0)], "hyperparameters = { MaxAllowedUids = 2 }"
    )


def _network(owner: str, neurons: list[tuple[str, int]], rules: str = "") -> str:
    rows = [f'{{ hotkey = "{key}", coldkey = "//Alice", stake = {stake} }}' for key, stake in neurons]
    return f'[[networks]]\nowner = "//Alice"\nhotkey = "{owner}"\n{rules}\nneurons = [{", ".join(rows)}]\n'
