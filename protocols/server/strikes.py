# SPDX-License-Identifier: Apache-2.0
"""Addresses that keep failing: a token bucket of failures, so that garbage soon costs us microseconds.

Only what fails is charged. A validator that signs correctly is never slowed, however much it asks, while a stranger who
sends junk is refused unread once the bucket is empty. The table of addresses is bounded; the longest quiet goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from protocols.errors import RateLimited


class Strikes:
    """Failures by address."""

    def __init__(self, per_s: float, burst: int, addresses: int) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._addresses = addresses
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def check(self, address: str, now: float) -> None:
        """Raise `RateLimited` for an address whose failures are used up."""
        if not self._buckets:
            return
        network = network_of(address)
        bucket = self._buckets.get(network)
        if bucket is None:
            return
        left = self._left(bucket, now)
        if left >= self._burst:
            del self._buckets[network]
        elif left < 1.0:
            wait = (1.0 - left) / self._per_s
            raise RateLimited(f"over {self._burst:g} requests of {network} failed", retry_after_s=wait)

    def charge(self, address: str, now: float) -> None:
        """Count one failure."""
        network = network_of(address)
        left = self._left(self._buckets.get(network, (self._burst, now)), now)
        self._buckets[network] = (max(0.0, left - 1.0), now)
        self._buckets.move_to_end(network)
        if len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)

    def __len__(self) -> int:
        return len(self._buckets)

    def _left(self, bucket: tuple[float, float], now: float) -> float:
        tokens, since = bucket
        return min(self._burst, tokens + (now - since) * self._per_s)


def network_of(address: str) -> str:
    """Whom an address stands for: one customer usually holds a whole /64 of IPv6, so single addresses say nothing."""
    if ":" not in address:
        return address
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None:
        return str(IPv6Address(int(ip) >> 64 << 64)) + "/64"
    return str(ip)


__all__ = ["Strikes", "network_of"]
