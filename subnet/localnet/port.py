# SPDX-License-Identifier: Apache-2.0
"""The chain of a local network as everybody else's tools see it: its JSON-RPC on a port of this machine.

Whoever reaches the port can do anything, since the keys are public: it is never open to other machines, whatever else
the network listens on. The port that tools try first may be another network's; then any free one does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from protocols.errors import BindFailed
from subnet.chain.node.dev import Dev
from subnet.chain.node.node import Node
from subnet.chain.node.rpc.bounds import Bounds
from subnet.chain.node.rpc.dev import DevMethods
from subnet.chain.node.rpc.origins import is_loopback
from subnet.chain.node.rpc.rooms import methods_of
from subnet.chain.node.rpc.server import RpcServer

__all__ = ["CUSTOMARY", "Port"]

CUSTOMARY: Final = 9944
"""Where tools look for a chain on this machine."""

_LOOPBACK: Final = "127.0.0.1"
_DRAIN_S: Final = 0.2
_CUT_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Port:
    """Where the chain answers."""

    host: str
    number: int
    wanted: int

    @property
    def url(self) -> str:
        """What tools are given: `ws://127.0.0.1:9944`."""
        return f"ws://{f'[{self.host}]' if ':' in self.host else self.host}:{self.number}"

    @property
    def said(self) -> str:
        """The same for people, who are told why where it is not the port that was wanted."""
        return self.url if self.wanted in (0, self.number) else f"{self.url} (port {self.wanted} is taken)"

    @classmethod
    @asynccontextmanager
    async def of(cls, node: Node, host: str, wanted: int) -> AsyncIterator[Port]:
        """Answer for a node on loopback; raises `BindFailed`, but only finds another where the customary is taken."""
        place = host if is_loopback(host) else _LOOPBACK
        server = RpcServer(methods_of(node, DevMethods(Dev(node))), bounds=Bounds(drain_s=_DRAIN_S, cut_s=_CUT_S))
        try:
            try:
                number = await server.start(place, wanted)
            except BindFailed:
                if wanted != CUSTOMARY:
                    raise
                number = await server.start(place, 0)
            yield cls(place, number, wanted)
        finally:
            await server.stop()
