# SPDX-License-Identifier: Apache-2.0
"""Nodes over the purse runtime, in memory or in a file."""

from __future__ import annotations

from pathlib import Path

from protocols.clock import Clock
from subnet.chain.node.author import Mode, Sealing
from subnet.chain.node.founding import Beginning, ensure_founded
from subnet.chain.node.machine import Machine
from subnet.chain.node.node import Node
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
