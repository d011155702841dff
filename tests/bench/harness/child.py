# SPDX-License-Identifier: Apache-2.0
"""The measured side of a benchmark: a process that serves or asks, commanded over standard input in lines of JSON.

Runs in every rival's environment, so it needs nothing but the standard library. Whatever a library prints goes to
standard error; the answers keep the original standard output. The process ends when whoever started it closes its
end, however that one died.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["TENSOR_FLOATS", "TEXT", "Asker", "Channel", "Round", "Server", "drive", "listen", "measure_codec", "serve"]

TEXT = "a question of exactly sixty-four bytes, as long as a short line."
TENSOR_FLOATS = 262_144  # 1 MiB of float32

Call = Callable[[int], Awaitable[bool]]


class Round(Protocol):
    """Ask all ports at once; how many answered well."""

    async def __call__(self, ports: Sequence[int], *, delay: float, deadline: float) -> int: ...


@dataclass(frozen=True)
class Asker:
    """A client under measurement: calls by name (each asks one port and checks the answer), and a round over many."""

    calls: Mapping[str, Call]
    round: Round


class Channel:
    """The line to the process that started this one."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, message: Mapping[str, object]) -> None:
        """Send one answer."""
        self._out.write(json.dumps(message) + "\n")

    async def commands(self) -> AsyncIterator[dict[str, Any]]:
        """What is asked of this process until the other end closes; the loop stays free to notice lost connections."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            yield json.loads(line)

    async def serving(self, ports: Sequence[int]) -> None:
        """Say where a server listens, then stay until the other end closes."""
        self.say({"ports": list(ports)})
        async for _ in self.commands():
            continue


class Server(Protocol):
    """What uvicorn's server offers."""

    @property
    def started(self) -> bool: ...

    async def serve(self, sockets: list[socket.socket]) -> None: ...


def listen(count: int) -> list[socket.socket]:
    """That many listening sockets of this machine, on ports that the system chose."""
    return [_listener() for _ in range(count)]


def _listener() -> socket.socket:
    # With the protocol named: asyncio turns Nagle's algorithm off only then, and 40 ms a reply would be our doing.
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    own.bind(("127.0.0.1", 0))
    own.listen(2048)
    return own


async def serve(channel: Channel, servers: Sequence[Server], sockets: Sequence[socket.socket]) -> None:
    """Run servers, a socket each, say where they listen, and stay until the other end closes."""
    tasks = [asyncio.create_task(server.serve([own])) for server, own in zip(servers, sockets, strict=True)]
    while not all(server.started for server in servers):  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    await channel.serving([own.getsockname()[1] for own in sockets])
    for task in tasks:
        task.cancel()


async def drive(asker: Asker, channel: Channel) -> None:
    """Do what is commanded with a client until there is no one to command it."""
    actions: dict[str, Callable[..., Awaitable[dict[str, float]]]] = {
        "latency": _latency,
        "round": _round,
        "flight": _flight,
        "soak": _soak,
    }
    channel.say({"ready": True})
    async for command in channel.commands():
        channel.say(await actions[command.pop("do")](asker, **command))


async def _latency(asker: Asker, *, call: str, port: int, calls: int) -> dict[str, float]:
    ask = asker.calls[call]
    times, failed = [], 0
    for _ in range(calls):
        start = time.perf_counter()
        good = await ask(port)
        times.append(time.perf_counter() - start)
        failed += not good
    return {**_quantiles(times), "failed": failed}


async def _round(asker: Asker, *, ports: list[int], delay: float, deadline: float) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    good = await asker.round(ports, delay=delay, deadline=deadline)
    return {
        "wall_s": time.perf_counter() - wall,
        "client_cpu_ms": (time.process_time() - cpu) * 1e3 / len(ports),
        "ok": good,
    }


async def _flight(asker: Asker, *, port: int, calls: int, width: int) -> dict[str, float]:
    """Keep `width` requests to one port in flight until `calls` are done."""
    ask, failed, left = asker.calls["echo"], 0, iter(range(calls))

    async def worker() -> None:
        nonlocal failed
        for _ in left:
            failed += not await ask(port)

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(width)))
    return {"wall_s": time.perf_counter() - start, "failed": failed}


async def _soak(asker: Asker, *, port: int, calls: int, width: int, rate: float) -> dict[str, float]:
    """Ask in waves of `width`, no faster than `rate`: what a server remembers then has a steady size."""
    ask, failed = asker.calls["echo"], 0
    start = time.perf_counter()
    for done in range(0, calls, width):
        answers = await asyncio.gather(*(ask(port) for _ in range(min(width, calls - done))))
        failed += answers.count(False)
        ahead = start + (done + width) / rate - time.perf_counter()
        await asyncio.sleep(max(0.0, ahead))
    return {"wall_s": time.perf_counter() - start, "failed": failed}


async def measure_codec(step: Callable[[], object], channel: Channel) -> None:
    """Time one encode-and-decode as often as commanded."""
    channel.say({"ready": True})
    async for command in channel.commands():
        times = []
        for _ in range(command["calls"]):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        channel.say(_quantiles(times))


def _quantiles(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "p50_us": statistics.median(ordered) * 1e6,
        "p99_us": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1e6,
    }
