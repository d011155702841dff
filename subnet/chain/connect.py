# SPDX-License-Identifier: Apache-2.0
"""One name for any chain: the local node, a public network, a URL, or a chain in this very process.

Programs take such a name from their settings and are given a `Chain`. A name of a public network also says which chain
it must be, so an endpoint that answers for another one is refused, and a typing error cannot cost real tao.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocols.clock import Clock, SystemClock
from protocols.errors import LedgerError
from subnet.chain.client import PUBLIC_GENESES, Deadlines, SubstrateChain
from subnet.chain.memory import Genesis, MemoryChain

__all__ = ["NETWORKS", "Network", "connect"]

_CLOCK: Final = SystemClock()
_DEADLINES: Final = Deadlines()
_MEMORY: Final = "memory"
_SCHEMES: Final = ("ws://", "wss://")


@dataclass(frozen=True, slots=True)
class Network:
    """A chain that has a name."""

    urls: tuple[str, ...]
    """Its endpoints, in the order in which they are tried."""
    genesis: str | None = None
    """The hash of its block 0, or None for a chain that everybody starts for themselves."""


NETWORKS: Final[Mapping[str, Network]] = {
    "local": Network(("ws://127.0.0.1:9944",)),
    "test": Network(("wss://test.finney.opentensor.ai:443",), PUBLIC_GENESES["test"]),
    "finney": Network(
        ("wss://entrypoint-finney.opentensor.ai:443", "wss://lite.chain.opentensor.ai:443"), PUBLIC_GENESES["finney"]
    ),
}
"""The chains that have names."""


async def connect(
    target: str, *, deadlines: Deadlines = _DEADLINES, clock: Clock = _CLOCK
) -> SubstrateChain | MemoryChain:
    """Connect to a chain: `local`, `test`, `finney`, `memory`, or URLs of one chain with commas between them.

    `ChainUnreachable` where no endpoint answers, `LedgerError` for a name that means nothing, and for an endpoint
    of another chain.
    """
    if target == _MEMORY:
        return MemoryChain(Genesis.local(), clock=clock)
    network = NETWORKS.get(target) or Network(tuple(url.strip() for url in target.split(",")))
    for url in network.urls:
        if not url.startswith(_SCHEMES):
            raise LedgerError(
                f"{url!r} names no chain, expected {', '.join((*NETWORKS, _MEMORY))}, or a URL with ws:// or wss://",
                help="for the chain on this machine: local",
            )
    return await SubstrateChain.open(network.urls, genesis=network.genesis, deadlines=deadlines, clock=clock)
