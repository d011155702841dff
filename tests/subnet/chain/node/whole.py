# SPDX-License-Identifier: Apache-2.0
"""Nodes over the chain's own runtime."""

from __future__ import annotations

from protocols.clock import Clock
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.node import Node
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.store import Store
from tests.subnet.chain.node.founded import MANUAL


def chain_node(genesis: Genesis, clock: Clock | None = None) -> Node:
    """A node over the chain's runtime, in memory."""
    store = Store()
    ensure_founded(store, Runtime, genesis.beginning)
    return Node(store, Runtime, clock, MANUAL)
