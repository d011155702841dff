# SPDX-License-Identifier: Apache-2.0
"""A model behind HTTP: a miner that checks and seals every answer against `transformers serve`, which does neither.

32 requests with prompts of 64 tokens come together, once all for 64 tokens and once for 16 to 128. Turns alternate,
and each figure is the median of the ratios of neighbouring turns. Both are asked for whole answers, with which both
are faster than with streams.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

import aiohttp

from protocols.client import Client, Peer
from tests.bench.generators import Requests, asked
from tests.bench.harness.figure import Bar, Figure, effort, middle
from tests.bench.harness.machine import Watch
from tests.bench.harness.peer import PeerFailed
from tests.bench.hosts import Continue, Host, folder, miner, rival, words
from tests.miners.town import MINER, VALIDATOR

__all__ = ["figures"]

_KINDS: Final = (("equal", 64, 64), ("mixed", 16, 128))
_NEEDS: Final = ("accelerate", "openai")
_PATIENCE_S: Final = 60.0

_Ask: TypeAlias = Callable[[str, int], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class _Turn:
    wall_s: float
    p99_s: float
    cpu_s: float
    texts: list[str]


def figures() -> Iterator[Figure]:
    """Tokens a second and the slowest hundredth, against the server of transformers."""
    if missing := [name for name in _NEEDS if find_spec(name) is None]:
        raise PeerFailed(f"transformers serve needs {' and '.join(missing)}")
    all_kinds = [(kind, asked(least, most)) for kind, least, most in _KINDS]
    with folder() as model, miner(model) as ours, rival(model, all_kinds[-1][1]) as theirs, asyncio.Runner() as runner:
        for kind, requests in all_kinds:
            watch = Watch((ours.pid, theirs.pid))
            turns = runner.run(_turns(requests, ours, theirs, model))
            yield from _compared(kind, requests, turns, watch)


def _compared(kind: str, requests: Requests, turns: list[tuple[_Turn, _Turn]], watch: Watch) -> Iterator[Figure]:
    total = sum(size for _, size in requests)
    detail: dict[str, object] = {"turns": len(turns), "foreign_load": watch.foreign()}
    for name, side in zip(("ours", "theirs"), zip(*turns, strict=True), strict=True):
        detail[f"{name}_tokens_s"] = middle(total / turn.wall_s for turn in side)
        detail[f"{name}_tokens_cpu_s"] = middle(total / turn.cpu_s for turn in side)
        detail[f"{name}_p99_s"] = middle(turn.p99_s for turn in side)
    detail["cpu_ratio"] = middle(a.cpu_s / b.cpu_s for a, b in turns)
    faster = middle(b.wall_s / a.wall_s for a, b in turns)
    yield Figure(f"completion_{kind}_vs_transformers_serve", faster, Bar(">=", 1.2), detail)
    slower = middle(a.p99_s / b.p99_s for a, b in turns)
    yield Figure(f"completion_{kind}_p99_vs_transformers_serve", slower, Bar("<=", 1.0), detail)
    sizes = [size for _, size in requests]
    same = all(a.texts == b.texts and [len(text.split()) for text in a.texts] == sizes for a, b in turns)
    yield Figure(f"completion_{kind}_same_text", float(same), Bar("==", 1), {})


async def _turns(requests: Requests, ours: Host, theirs: Host, model: Path) -> list[tuple[_Turn, _Turn]]:
    async with _miner(ours) as mine, _rival(theirs, model) as other:
        parties = ((mine, ours), (other, theirs))
        for party in parties:
            await _turn(requests, *party)
        return [(await _turn(requests, *parties[0]), await _turn(requests, *parties[1])) for _ in range(effort(9, 1))]


async def _turn(requests: Requests, ask: _Ask, host: Host) -> _Turn:
    """Ask for all at once."""
    times = []

    async def one(prompt: list[int], size: int) -> str:
        text = await ask(words(prompt), size)
        times.append(time.perf_counter() - start)
        return text

    cpu, start = host.cpu_seconds(), time.perf_counter()
    texts = await asyncio.gather(*(one(prompt, size) for prompt, size in requests))
    wall = time.perf_counter() - start
    return _Turn(wall, sorted(times)[len(times) * 99 // 100], host.cpu_seconds() - cpu, texts)


@asynccontextmanager
async def _miner(host: Host) -> AsyncIterator[_Ask]:
    peer = Peer(MINER.ss58_address, host.url)

    async def ask(prompt: str, size: int) -> str:
        return str((await client.ask(peer, Continue(prompt=prompt, tokens=size), timeout_s=_PATIENCE_S)).text)

    async with Client(VALIDATOR) as client:
        yield ask


@asynccontextmanager
async def _rival(host: Host, model: Path) -> AsyncIterator[_Ask]:
    async def ask(prompt: str, size: int) -> str:
        body = {"model": str(model), "prompt": prompt, "max_tokens": size, "temperature": 0.0}
        async with session.post(f"{host.url}/v1/completions", json=body) as response:
            response.raise_for_status()
            return str((await response.json())["choices"][0]["text"])

    patience = aiohttp.ClientTimeout(total=_PATIENCE_S)
    # uvicorn hangs up after five idle seconds, which may be in the middle of a request; so we do first.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=1.0)
    async with aiohttp.ClientSession(timeout=patience, connector=connector) as session:
        yield ask
