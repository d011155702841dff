# SPDX-License-Identifier: Apache-2.0
"""Nodes over the purse runtime, in memory or in a file, and nodes over the chain's own."""

from __future__ import annotations

from pathlib import Path

from protocols.clock import Clock
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.founding import Beginning, ensure_founded
from subnet.chain.node.frame.state import State
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.machine import Machine
from subnet.chain.node.node import Node
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from tests.subnet.chain.node.purse import ALICE, BOB, CAROL, Purse

MANUAL = Sealing(mode=Mode.MANUAL)
RICH = 1_000_000


def endowed(runtime: Machine) -> None:
    """Everybody has money."""
    for who in (ALICE, BOB, CAROL):
        runtime.system.Account[who] = runtime.system.Account[who]._replace(free=RICH)


BEGINNING = Beginning("purse", b"\7" * 32, endowed)


def purse_node(
    path: Path | None = None, *, clock: Clock | None = None, sealing: Sealing = MANUAL, keep: int | None = 256
) -> Node:
    """A node over the purse."""
    store = Store(path, keep=keep)
    ensure_founded(store, Purse, BEGINNING)
    return Node(store, Purse, clock, sealing)


class Whole(Runtime):
    """The chain's runtime, with the pallet of networks in any case."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        if all(pallet.name != SubtensorModule.name for pallet in self.pallets):
            self.pallets = (*self.pallets, SubtensorModule(state, self.system, self.balances))


def chain_node(genesis: Genesis, clock: Clock | None = None) -> Node:
    """A node over the chain's runtime, in memory."""
    store = Store()
    ensure_founded(store, Whole, genesis.beginning)
    return Node(store, Whole, clock, MANUAL)
