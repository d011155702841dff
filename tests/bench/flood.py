# SPDX-License-Identifier: Apache-2.0
"""What 2,000 requests a second that prove nothing do to a caller who proves its key.

A miner serves in one process, strangers flood it from another, and a registered validator asks at a steady pace from
this one. Turns without and with the flood alternate; the flood comes from an address of its own, and in the end from
the validator's. In `detail` is what a refused request costs the miner. Where others use the machine too, run it ahead
of them, or it measures when they let it: `chrt -f 10 python -m tests.bench flood`.
"""

from __future__ import annotations

import socket
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from tests.bench.harness.figure import Bar, Figure, effort, middle
from tests.bench.harness.machine import CLIENT_CORE, SERVER_CORE, Watch
from tests.bench.harness.peer import Peer
from tests.bench.strangers import KINDS, post, signed
from tests.miners.town import VALIDATOR

__all__ = ["ELSEWHERE", "HERE", "RATE", "Siege", "Turn", "figures"]

RATE: Final = 2_000.0
"""Requests of strangers a second."""
HERE: Final = "127.0.0.1"
"""The validator's address."""
ELSEWHERE: Final = "127.0.0.2"
"""An address that is not the validator's."""

_ASKS_A_S: Final = 200.0
_TURN_S: Final = 2
_PAIRS: Final = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """What the validator saw in a while: seconds by quantile, and how many of its queries were not answered."""

    p50_s: float
    p99_s: float
    asked: int
    refused: int
    miner_s: float
    """Processor time of the miner."""
    flood: Mapping[str, Any] = field(default_factory=dict)
    """What the strangers sent, and what came back."""


class Siege:
    """The three parties."""

    def __init__(self) -> None:
        self.miner = _peer("miner", SERVER_CORE)
        try:
            self.strangers = _peer("strangers", CLIENT_CORE)
        except BaseException:
            self.miner.close()
            raise
        self.port = int(self.miner.hello["ports"][0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.strangers.close()
        self.miner.close()

    def quiet(self, seconds: float) -> Turn:
        """Ask a miner that nobody disturbs."""
        return self._turn(seconds)

    def flooded(self, kind: str, seconds: float, source: str = ELSEWHERE, rate: float = RATE) -> Turn:
        """Ask while strangers flood the miner."""
        # A signature is fresh for ten seconds, so they are made just before.
        self.strangers.ask({"do": "make", "kind": kind, "count": int(seconds * rate)})
        before = self.miner.cpu_seconds()
        self.strangers.tell({"do": "flood", "rate": rate, "source": source, "port": self.port})
        turn = self._turn(seconds)
        flood = self.strangers.answer(within=60.0)
        return replace(turn, miner_s=self.miner.cpu_seconds() - before, flood=flood)

    def _turn(self, seconds: float) -> Turn:
        before, times, refused = self.miner.cpu_seconds(), [], 0
        with _Validator(self.port) as validator:
            start = time.perf_counter()
            for at in range(int(seconds * _ASKS_A_S)):
                time.sleep(max(0.0, start + at / _ASKS_A_S - time.perf_counter()))
                took, is_answered = validator.ask()
                times.append(took)
                refused += not is_answered
        times.sort()
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
        return Turn(statistics.median(times), p99, len(times), refused, self.miner.cpu_seconds() - before)


class _Validator:
    """Asks over one connection; a client library would cost more than the miner does."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __enter__(self) -> Self:
        self._socket = socket.create_connection((HERE, self._port), 5.0)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self) -> tuple[float, bool]:
        """Ask once: seconds until the reply, and whether it was one."""
        request = post(signed(VALIDATOR, time.time_ns()))
        start = time.perf_counter()
        self._socket.sendall(request)
        reply = self._socket.recv(65_536)
        took = time.perf_counter() - start
        return took, reply.startswith(b"HTTP/1.1 200")


def figures() -> Iterator[Figure]:
    """How much slower the validator's slowest hundredth is in each kind of flood, and what a refusal costs."""
    with Siege() as siege:
        siege.quiet(1.0)
        for kind in KINDS:
            yield _slower(siege, f"flood_{kind}_p99", kind, ELSEWHERE)
        yield _slower(siege, "flood_same_address_p99", "mixed", HERE)


def _slower(siege: Siege, name: str, kind: str, source: str) -> Figure:
    watch, seconds = Watch((siege.miner.pid, siege.strangers.pid)), float(effort(_TURN_S, 1))
    turns = [(siege.quiet(seconds), siege.flooded(kind, seconds, source)) for _ in range(effort(_PAIRS, 1))]
    floods = [flooded for _, flooded in turns]
    refused = sum(turn.refused for turn in floods)
    detail: dict[str, object] = {
        "p50_ratio": middle(flooded.p50_s / quiet.p50_s for quiet, flooded in turns),
        "p99_quiet_us": middle(quiet.p99_s * 1e6 for quiet, _ in turns),
        "p99_flooded_us": middle(turn.p99_s * 1e6 for turn in floods),
        "refused_cpu_us": middle((f.miner_s - q.miner_s) * 1e6 / f.flood["sent"] for q, f in turns),
        "late": sum(turn.flood["late"] for turn in floods),
        "rate": middle(turn.flood["sent"] / turn.flood["wall_s"] for turn in floods),
        "answers": floods[-1].flood["answers"],
        "validator": {"asked": sum(turn.asked for turn in floods), "refused": refused},
        "foreign_load": watch.foreign(),
    }
    value = None if refused else middle(flooded.p99_s / quiet.p99_s for quiet, flooded in turns)
    return Figure(name, value, Bar("<=", 3.0), detail)


def _peer(role: str, core: int) -> Peer:
    return Peer(f"flood {role}", [sys.executable, "-m", "tests.bench.strangers", role], core)
