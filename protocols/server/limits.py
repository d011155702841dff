# SPDX-License-Identifier: Apache-2.0
"""How much a stranger may cost a server: every bound in one place, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one server; the defaults suit a miner on a public address."""

    head_bytes: int = 16_384
    """Request line and headers; ours are about 700 bytes."""
    head_count: int = 64
    """Number of headers; ours are a dozen."""
    request_s: float = 10.0
    """Time for one request to arrive whole, and for a new connection to send its first."""
    write_stall_s: float = 10.0
    """Time that a caller may leave a full response buffer unread."""
    keep_alive_s: float = 75.0
    """Idle time after which a connection is closed; longer than clients keep one, so that they close first."""
    connections: int = 4_096
    """Open connections in all; mind `ulimit -n`."""
    connections_per_address: int = 1_024
    """Open connections of one address."""
    failures_per_s: float = 50.0
    """Requests of one address that may fail their checks each second before the address is refused unread."""
    failures_burst: int = 200
    """How many such failures may come at once."""
    addresses: int = 16_384
    """Addresses whose failures are remembered; the longest quiet is forgotten first."""
    slots: int = 512
    """Handlers that run at once."""
    waiting: int = 4_096
    """Queries that wait for a slot, by priority; the next one beyond is refused."""
    threads: int = 8
    """Threads for handlers that are plain functions."""
    handler_s: float = 60.0
    """The longest a query may take, its wait for a slot included; a caller can ask for less."""
    complaints_burst: int = 20
    """Errors of handlers that are logged one by one when they come at once; of more only the number is."""
    complaints_per_minute: float = 20.0
    """How many such lines a minute after that."""
    max_age_s: float = 10.0
    """Age at which a signed request is stale."""
    max_skew_s: float = 2.0
    """How far ahead of ours a caller's clock may be."""


__all__ = ["Limits"]
