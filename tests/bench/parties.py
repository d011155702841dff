# SPDX-License-Identifier: Apache-2.0
"""Who is measured: ours and the two rivals, as processes that serve, ask, or carry a tensor.

bittensor 10 cannot live in our environment; `tests.interop.environment` has the Python that it lives in.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.bench.harness.child import TEXT
from tests.bench.harness.machine import CLIENT_CORE, SERVER_CORE, Watch
from tests.bench.harness.peer import Peer, PeerFailed
from tests.interop.environment import v10_python

__all__ = ["MSGPACK", "OURS", "RECIPE", "V10", "Party", "Stack", "generator", "watch"]

_IN_FLIGHT: Final = 64
_WARM_CALLS: Final = 20
_WARM_LOAD: Final = 256


@dataclass(frozen=True, slots=True)
class Party:
    """A stack under measurement: the module that plays its roles, and how its requests look to the load generator."""

    name: str
    module: str
    dialect: str = "btauth"
    target: str = "/"

    def start(self, core: int, *role: str) -> Peer:
        """One of its processes: `server MINERS`, `client` or `codec`."""
        return Peer(f"{self.name} {role[0]}", [self._python(), "-m", self.module, *role], core)

    def _python(self) -> str:
        return str(v10_python()) if self.dialect == "v10" else sys.executable


class Stack:
    """The running server and client of a party."""

    def __init__(self, party: Party, miners: int = 1) -> None:
        self.party = party
        self.server = party.start(SERVER_CORE, "server", str(miners))
        try:
            self.client = party.start(CLIENT_CORE, "client")
        except PeerFailed:
            self.server.close()
            raise
        self.ports: Sequence[int] = self.server.hello["ports"]

    def latency(self, call: str, calls: int) -> dict[str, Any]:
        """One call after another: times, losses, and CPU a call on both sides."""
        command = {"do": "latency", "call": call, "port": self.ports[0]}
        self.client.ask({**command, "calls": min(calls, _WARM_CALLS)})
        server, client = self.server.cpu_seconds(), self.client.cpu_seconds()
        turn = self.client.ask({**command, "calls": calls})
        turn["server_cpu_us"] = (self.server.cpu_seconds() - server) * 1e6 / calls
        turn["client_cpu_us"] = (self.client.cpu_seconds() - client) * 1e6 / calls
        return turn

    def round(self, ports: Sequence[int], delay: float = 0.0, deadline: float = 12.0) -> dict[str, Any]:
        """Ask all these ports at once."""
        return self.client.ask({"do": "round", "ports": list(ports), "delay": delay, "deadline": deadline})

    def flight(self, calls: int, width: int) -> dict[str, Any]:
        """Keep `width` requests to one miner in flight."""
        return self.client.ask({"do": "flight", "port": self.ports[0], "calls": calls, "width": width})

    def load(self, by: Peer, calls: int) -> dict[str, Any]:
        """Requests a second and server CPU a request, with 64 in flight."""
        command: dict[str, object] = {
            "dialect": self.party.dialect,
            "target": self.party.target,
            "body": json.dumps({"text": TEXT}),
        }
        command |= {"port": self.ports[0], "connections": _IN_FLIGHT}
        by.ask({**command, "calls": min(calls, _WARM_LOAD)})
        before = self.server.cpu_seconds()
        turn = by.ask({**command, "calls": calls})
        cpu = self.server.cpu_seconds() - before
        turn["rate"] = calls / turn["wall_s"]
        turn["server_cpu_us"] = cpu * 1e6 / calls
        turn["server_busy"] = cpu / turn["wall_s"]
        return turn

    @property
    def pids(self) -> tuple[int, int]:
        """Both processes."""
        return self.server.pid, self.client.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.server.close()


def generator() -> Peer:
    """The neutral load generator."""
    return Peer("load generator", [sys.executable, "-m", "tests.bench.rivals.load"], CLIENT_CORE)


def watch(*peers: Peer | Stack) -> Watch:
    """Watch for load that is none of these."""
    pids = [pid for peer in peers for pid in (peer.pids if isinstance(peer, Stack) else (peer.pid,))]
    return Watch(pids)


OURS: Final = Party("ours", "tests.bench.ours", target="/Echo")
RECIPE: Final = Party("v11 recipe", "tests.bench.rivals.recipe", target="/generate")
V10: Final = Party("v10+fix", "tests.bench.rivals.v10", dialect="v10", target="/Echo")
MSGPACK: Final = Party("msgspec MessagePack", "tests.bench.rivals.msgpack")
