# SPDX-License-Identifier: Apache-2.0
"""Both sides of a flood: a miner in a process of its own, and strangers who send it what proves nothing.

The strangers cost as little as they can, so that the machine is left to the miner: requests are made before the clock
starts, sockets are plain, and one is sent at each tick, over the next connection in turn.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import cycle, islice
from typing import Any, Final

import uvloop

from protocols import auth
from protocols.clock import SystemClock
from protocols.keys import Keypair
from tests.bench.harness.child import Channel
from tests.miners.town import MINER, VALIDATOR, Plain, ledger, mine

__all__ = ["BODY", "KINDS", "TARGET", "post", "signed"]

TARGET: Final = "/Ask"
BODY: Final = b'{"prompt":"a question of exactly sixty-four bytes, as long as a short line."}'

_CONNECTIONS: Final = 128
_LATE_S: Final = 0.05
"""How far behind its pace a flood may fall before it lets the rest go, instead of sending it all at once."""
_RESET: Final = struct.pack("ii", 1, 0)


def post(headers: Mapping[str, str], body: bytes = BODY, target: str = TARGET) -> bytes:
    """The bytes of a request."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {target} HTTP/1.1\r\nHost: miner\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


def signed(key: Keypair, nonce_ns: int) -> dict[str, str]:
    """The headers of a request that is signed as it should be."""
    digest, receiver = auth.body_digest(BODY), MINER.ss58_address
    headers = auth.sign(key, method="POST", target=TARGET, digest=digest, nonce_ns=nonce_ns, receiver=receiver)[1]
    return {**headers, "Content-Type": "application/json"}


def _unsigned(_: int) -> bytes:
    return post({"Content-Type": "application/json"})


def _garbage(_: int) -> bytes:
    return os.urandom(64) + b"\r\n\r\n"


def _forged(at: int) -> bytes:
    headers = signed(VALIDATOR, time.time_ns() + at)
    return post({**headers, "X-Bittensor-Signature": "0x" + os.urandom(64).hex()})


def _stranger(at: int) -> bytes:
    seed = b"a stranger" + at.to_bytes(8, "big") + os.urandom(14)
    return post(signed(Keypair.from_seed(seed), time.time_ns()))


def _stale(_: int) -> bytes:
    return post(signed(VALIDATOR, 1))


def _page(_: int) -> bytes:
    return b"GET /metrics HTTP/1.1\r\nHost: miner\r\n\r\n"


def _mixed(at: int) -> bytes:
    kinds = (_unsigned, _garbage, _forged, _stranger, _stale, _page)
    return kinds[at % len(kinds)](at)


KINDS: Final[Mapping[str, Callable[[int], bytes]]] = {
    "unsigned": _unsigned,
    "garbage": _garbage,
    "forged": _forged,
    "stranger": _stranger,
    "stale": _stale,
    "page": _page,
    "mixed": _mixed,
}
"""What strangers send: no signature, no HTTP, another's name, a name nobody knows, what is old, a page's address."""


class _Line:
    """One connection of a stranger, opened again whenever the miner has closed it."""

    def __init__(self, source: str, port: int, answers: Counter[str]) -> None:
        self._source = source
        self._port = port
        self._answers = answers
        self._owed = False
        self._socket = self._open()

    def is_free(self) -> bool:
        """Whether what was sent last is answered."""
        if not self._owed:
            return True
        try:
            answer = self._socket.recv(65_536)
        except BlockingIOError:
            return False
        except OSError:
            answer = b""
        is_http = answer.startswith(b"HTTP/1.1 ")
        self._answers[answer[9:12].decode("ascii") if is_http else "closed"] += 1
        if not is_http or b"\r\nconnection: close" in answer:
            self.close()
            self._socket = self._open()
        self._owed = False
        return True

    def send(self, request: bytes) -> None:
        """Send one request."""
        with suppress(OSError):
            self._socket.send(request)
        self._owed = True

    def close(self) -> None:
        """Leave without a word."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def _open(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), 5.0, (self._source, 0))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        return opened


def _flood(requests: list[bytes], rate: float, source: str, port: int) -> dict[str, Any]:
    """Send these at a steady pace; what was sent, and what came back by status."""
    answers: Counter[str] = Counter()
    lines = [_Line(source, port, answers) for _ in range(_CONNECTIONS)]
    turns = cycle(lines)
    start, sent, late = time.perf_counter(), 0, 0
    for at, request in enumerate(requests):
        ahead = start + at / rate - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        elif ahead < -_LATE_S:
            late += 1
            continue
        line = next((line for line in islice(turns, _CONNECTIONS) if line.is_free()), None)
        if line is None:
            late += 1
            continue
        line.send(request)
        sent += 1
    wall_s = time.perf_counter() - start
    for line in lines:
        line.close()
    return {"sent": sent, "late": late, "wall_s": wall_s, "answers": dict(answers)}


async def _strangers(channel: Channel) -> None:
    """Make requests when told to, and send them when told to go."""
    requests: list[bytes] = []
    channel.say({"ready": True})
    async for command in channel.commands():
        if command.pop("do") == "make":
            make = KINDS[command["kind"]]
            requests = [make(at) for at in range(command["count"])]
            channel.say({"made": len(requests)})
        else:
            channel.say(_flood(requests, **command))


async def _miner(channel: Channel) -> None:
    """Serve until told to stop."""
    async with mine(await ledger(SystemClock(), MINER), Plain(), host="127.0.0.1") as miner:
        await channel.serving([int(miner.url.rpartition(":")[2])])


def main() -> None:
    """`miner` or `strangers`."""
    roles = {"miner": _miner, "strangers": _strangers}
    uvloop.run(roles[sys.argv[1]](Channel()))


if __name__ == "__main__":
    main()
