# SPDX-License-Identifier: Apache-2.0
"""How much a client may cost the node: every bound in one place, each with its reason.

The node listens to its own machine, where the usual trouble is a script in a loop, a browser tab that somebody else
wrote, and a client that stopped reading. None of them may take the node from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bounds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Bounds of one node's RPC server."""

    message_bytes: int = 16 << 20
    """One message, in either direction; a runtime with its metadata as hexadecimal digits is a few megabytes."""
    values: int = 1 << 18
    """Commas in one message: 16 MiB of `[],[],` would become a gigabyte of lists before anyone could object."""
    batch: int = 1_024
    """Requests in one batch."""
    connections: int = 256
    """Open connections, HTTP and WebSocket together."""
    subscriptions: int = 1_024
    """Open subscriptions of one connection."""
    in_flight: int = 64
    """Requests of one connection under way at once; reading pauses until one ends."""
    unsent_bytes: int = 64 << 20
    """What may wait for a slow reader before the connection is dropped: some of the largest messages."""
    stall_s: float = 30.0
    """How long a reader may leave a full buffer unread."""
    arrival_s: float = 30.0
    """How long one message may take to arrive whole."""
    handler_s: float = 60.0
    """How long one request may take to be answered."""
    slice_s: float = 0.005
    """How long one connection may keep all others waiting."""
    head_bytes: int = 16_384
    """Request line and headers."""
    drain_s: float = 2.0
    """How long running requests have to end when the node stops."""
    cut_s: float = 1.0
    """How long clients have after that to close their connections themselves."""
