# SPDX-License-Identifier: Apache-2.0
"""What a miner goes through in a soak: good callers, some who leave, floods, garbage, stopped clients, a chain away.

The chain and the miner are processes as an operator starts them, with the model that comes with the project; all
callers but the stopped ones are in this process. What the miner holds is read from outside and from its /metrics.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from protocols.client import Client
from protocols.errors import ChainUnreachable
from subnet.chain.asking import ask
from tests.attacks.raw import connect
from tests.bench.harness.machine import resident_bytes
from tests.e2e.mining import MINER, ROOT, SHRIMP, WHALE, Program, asking, letter, measures, peer, question

__all__ = ["Held", "Ordeal"]

_CALLERS: Final = 4
_FLOOD: Final = 60
_WITHIN_S: Final = 60.0
_QUESTIONS: Final = 64
_PAUSE_S: Final = 0.2
_READINGS: Final = 5
_CLEAR_S: Final = 3.0
"""How long after the last caller the miner is looked at: signed connections are closed, a lag of a second is over."""
_GARBAGE: Final = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /wp-login.php HTTP/1.1\r\nHost: miner\r\n\r\n",
    b"POST /Ask HTTP/1.1\r\nHost: miner\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /Ask HTTP/1.1\r\nHost: miner\r\nContent-Length: 99999999999\r\n\r\n{",
    b"POST /Ask HTTP/1.1\r\nHost: miner\r\nX-Bittensor-Signature: 0x00\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
)
_STOPPED: Final = """
import socket, sys, time
from tests.e2e.mining import MINER, SHRIMP, letter, question
lines = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(16)]
for at, line in enumerate(lines):
    line.sendall(letter(SHRIMP, MINER, question(at, 96))[: None if at % 2 else -20])
print("sent", flush=True)
time.sleep(60)
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at a moment."""

    resident: int
    handles: int
    threads: int
    tasks: int


@dataclass(slots=True)
class Ordeal:
    """One miner's trial; `seen` counts how everybody's queries ended."""

    miner: Program
    chain: Program
    url: str
    pace_s: float
    """Seconds between two floods; other faults come less often, in proportion."""
    seen: Counter[str] = field(default_factory=Counter)

    async def suffer(self, seconds: float, samples: int) -> list[int]:
        """Let everything happen at once for so long; the resident memory at so many moments."""
        over, memory = asyncio.Event(), []
        parts: list[Callable[[], Awaitable[None]]] = [self._leave, self._babble, self._flood, self._stop, self._unchain]
        pauses = (_PAUSE_S, _PAUSE_S, self.pace_s, 1.5 * self.pace_s, 4 * self.pace_s)
        async with asking(WHALE) as whale, asking(SHRIMP) as shrimp, asyncio.TaskGroup() as group:
            for at in range(_CALLERS):
                group.create_task(self._call(whale if at % 2 else shrimp, at, over))
            for part, pause_s in zip(parts, pauses, strict=True):
                group.create_task(_again(part, pause_s, over))
            for _ in range(samples):
                await asyncio.sleep(seconds / samples)
                memory.append(resident_bytes(self.miner.pid))
            over.set()
        return memory

    async def held(self) -> Held:
        """What the miner holds once nobody asks it any more."""
        await asyncio.sleep(_CLEAR_S)
        shown, process = await measures(self.url), Path(f"/proc/{self.miner.pid}")
        counts = []
        for _ in range(_READINGS):  # a call to the chain that is under way is nothing that is left
            counts.append([len(list((process / name).iterdir())) for name in ("fd", "task")])
            await asyncio.sleep(1.0)
        handles, threads = (min(column) for column in zip(*counts, strict=True))
        return Held(resident_bytes(self.miner.pid), handles, threads, int(shown["subnet_tasks"]))

    async def _call(self, client: Client, at: int, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._ask(client, at)
            at += _CALLERS

    async def _ask(self, client: Client, at: int) -> None:
        outcome = await client.outcome(peer(MINER, self.url), question(at % _QUESTIONS), timeout_s=_WITHIN_S)
        self.seen["ok" if outcome.error is None else outcome.error.code] += 1

    async def _leave(self) -> None:
        async with connect(self.url) as line:
            await line.send(letter(SHRIMP, MINER, question(len(self.seen), 200)))
            await asyncio.sleep(_PAUSE_S / 2)
        self.seen["left"] += 1

    async def _babble(self) -> None:
        async with connect(self.url) as line:
            await line.send(_GARBAGE[self.seen["garbage"] % len(_GARBAGE)])
            with suppress(TimeoutError):
                await line.ended(_PAUSE_S)
        self.seen["garbage"] += 1

    async def _flood(self) -> None:
        async with asking(SHRIMP) as client, asyncio.TaskGroup() as group:
            for at in range(_FLOOD):
                group.create_task(self._ask(client, at))
        self.seen["floods"] += 1

    async def _stop(self) -> None:
        """A client that is stopped with queries half sent and under way, and is killed in the end."""
        words = ("-c", _STOPPED, self.url.rpartition(":")[2])
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, stdout=pipe)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(_WITHIN_S):
                await process.stdout.readline()
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(self.pace_s / 2)
        finally:
            process.kill()
            await process.communicate()
        self.seen["stopped clients"] += 1

    async def _unchain(self) -> None:
        """The chain stands still for a while, and goes on."""
        os.kill(self.chain.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(2 * self.pace_s)
        finally:
            os.kill(self.chain.pid, signal.SIGCONT)
        with suppress(ChainUnreachable):
            await ask(self.chain.url, [("system_health", [])])
        self.seen["chain away"] += 1


async def _again(what: Callable[[], Awaitable[None]], pause_s: float, over: asyncio.Event) -> None:
    """Do something time and again, with pauses, until it is over."""
    while not over.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await over.wait()
                return
        await what()
