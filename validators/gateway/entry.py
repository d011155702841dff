# SPDX-License-Identifier: Apache-2.0
"""Who comes in: no page of a foreign site, nobody without a key, and of each key only so many requests at once.

A stranger who tries keys is refused unread once a few hundred have failed. On an open gateway, which is one that only
this machine can reach, everybody is the same guest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final

from protocols.clock import Clock
from protocols.errors import ApiKeyRefused, BudgetSpent, NotAllowed, Overloaded, ServiceError, UsageError
from protocols.server.strikes import Strikes
from validators.gateway.keys import Allowance, Holder, Keys, Reserved
from validators.gateway.options import GatewayOptions

__all__ = ["Entry", "check_private"]

_GUEST: Final = Holder(id=0, name="guest", allowance=Allowance(requests=0, tokens=0))
_SOON_S: Final = 1.0


class Entry:
    """Lets in or says why not."""

    def __init__(self, keys: Keys | None, options: GatewayOptions, clock: Clock) -> None:
        if keys is None and not options.open:
            raise ServiceError("a gateway without keys serves nobody", help="Keys(path), or GatewayOptions(open=True)")
        limits = options.limits
        self._keys = keys
        self._options = options
        self._clock = clock
        self._strikes = Strikes(limits.failures_per_s, limits.failures_burst, limits.addresses)
        self._under_way: Counter[int] = Counter()

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Raise `NotAllowed` where a browser asks for a page that is not named."""
        origin = headers.get("origin")
        if origin is not None and origin not in self._options.origins:
            raise NotAllowed(
                f"pages of {origin[:64]!r} may not ask here", help="ask from a server, or have the operator allow it"
            )

    async def holder(self, headers: Mapping[str, str], address: str) -> Holder:
        """Whose request this is; raises `ApiKeyRefused`, or `RateLimited` for an address that keeps guessing."""
        if self._keys is None or (self._options.open and "authorization" not in headers):
            return _GUEST
        now = self._clock.monotonic()
        self._strikes.check(address, now)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        try:
            return await self._keys.find(key.strip() if scheme.lower() == "bearer" else "")
        except ApiKeyRefused:
            if self._options.open:  # clients send a key whether or not there is one
                return _GUEST
            self._strikes.charge(address, now)
            raise

    @contextmanager
    def place(self, holder: Holder) -> Iterator[None]:
        """Count a request as under way; raises `BudgetSpent` or `Overloaded` where there are too many."""
        if sum(self._under_way.values()) >= self._options.all_at_once:
            raise Overloaded(f"{self._options.all_at_once} requests are under way", retry_after_s=_SOON_S)
        most = self._options.all_at_once if holder is _GUEST else self._options.at_once
        if self._under_way[holder.id] >= most:
            raise BudgetSpent(f"{holder.name} has {most} requests under way, no more at once", retry_after_s=_SOON_S)
        self._under_way[holder.id] += 1
        try:
            yield
        finally:
            self._under_way[holder.id] -= 1
            if not self._under_way[holder.id]:
                del self._under_way[holder.id]

    async def spend(self, holder: Holder, tokens: int) -> Reserved | None:
        """Take what an answer may cost from the holder's budget."""
        return None if self._keys is None or holder is _GUEST else await self._keys.spend(holder, tokens)

    async def settle(self, reserved: Reserved | None, tokens: int) -> None:
        """Count what it did cost."""
        if reserved is not None and self._keys is not None:
            await self._keys.settle(reserved, tokens)


def check_private(host: str) -> None:
    """Raise `UsageError` for an address that others can reach: without keys nobody but this machine is served."""
    try:
        is_private = ip_address(host).is_loopback
    except ValueError:
        is_private = host == "localhost"
    if not is_private:
        raise UsageError(
            f"an open gateway would listen on {host}, expected an address of this machine such as 127.0.0.1",
            help="have keys: subnet gateway key add NAME, and leave out --open",
        )
