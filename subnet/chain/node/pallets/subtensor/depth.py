# SPDX-License-Identifier: Apache-2.0
"""How much a pool takes before its price is beyond a limit.

Limits are rao for one alpha; for a move between networks they are what one alpha brings of the other on the whole, in
parts of 10^9.
What no pool has, root and networks without one, takes everything at a price of 1, or nothing.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

from incentive.emission.market import price
from incentive.fixed import PROPORTION, U64F64
from subnet.chain.node.pallets.subtensor.pools import Pools

__all__ = ["Depth"]

_RAO: Final = 1_000_000_000
_MOST: Final = (1 << 64) - 1
_SCALE: Final = 10**18  # the chain rounds powers of prices to 18 decimals
_DEEPEST: Final = 1000


class Depth(Pools):
    """Limits of prices, as amounts."""

    def ensure_not_too_deep(self, netuid: int, amount: int, reserve: int) -> None:
        """Turn away a trade of more than a thousand times the reserve that it is paid into."""
        if not self.is_stable(netuid) and amount > reserve * _DEEPEST:
            raise self.Errors.InsufficientLiquidity()

    def most_to_buy(self, netuid: int, limit: int) -> int:
        """How much tao, the fee included, may go into a pool before alpha costs more than the limit."""
        if self.is_stable(netuid):
            return _MOST if limit >= _RAO else 0
        pool, bits = self.pool_of(netuid), U64F64.divide(U64F64.of(limit), U64F64.of(_RAO))
        self._ensure_tradable(pool.alpha)
        now = price(pool)
        if now >= bits:
            raise self.swap.PriceLimitExceeded()
        return self._with_fee(netuid, pool.tao, isqrt(bits * _SCALE**2 // now) if now else _SCALE)

    def most_to_sell(self, netuid: int, limit: int) -> int:
        """How much alpha, the fee included, may go into a pool before it brings less than the limit."""
        if self.is_stable(netuid):
            return _MOST if limit <= _RAO else 0
        pool, bits = self.pool_of(netuid), U64F64.divide(U64F64.of(limit), U64F64.of(_RAO))
        self._ensure_tradable(pool.tao)
        now = price(pool)
        if now <= bits:
            raise self.swap.PriceLimitExceeded()
        return self._with_fee(netuid, pool.alpha, isqrt(now * _SCALE**2 // bits) if bits else _MOST * _SCALE)

    def most_to_move(self, source: int, target: int, limit: int) -> int:
        """How much alpha may move before one brings less of the target's than the limit."""
        if self.is_stable(source) and self.is_stable(target):
            return 0 if limit > _RAO else _MOST
        if self.is_stable(source):
            return self.most_to_buy(target, _RAO * _RAO // limit) if limit else _MOST
        if self.is_stable(target):
            return self.most_to_sell(source, limit)
        a, b = self.pool_of(source), self.pool_of(target)
        if not (a.tao and b.tao and a.alpha and b.alpha):
            return 0
        bits = U64F64.divide(U64F64.of(limit), U64F64.of(_RAO))
        if bits > U64F64.divide(price(a), price(b)):
            return 0
        if not limit:
            return _MOST
        together = U64F64.of(a.tao + b.tao)
        gained = U64F64.multiply(U64F64.of(b.alpha), U64F64.divide(U64F64.of(a.tao), together))
        held = U64F64.multiply(U64F64.of(a.alpha), U64F64.divide(U64F64.of(b.tao), together))
        return U64F64.floor(max(U64F64.divide(gained, bits) - held, 0))

    def _with_fee(self, netuid: int, reserve: int, growth: int) -> int:
        """What is paid in where a reserve may grow by a factor, in parts of 10^18; never beyond the deepest trade."""
        paid = max(reserve * (growth - _SCALE) // _SCALE, 0)
        deepest, rate = reserve * _DEEPEST, self.swap.FeeRate[netuid]
        if paid >= deepest - deepest * rate // PROPORTION:
            return min(deepest, _MOST)
        return min(paid + paid * rate // (PROPORTION - rate), _MOST)

    def _ensure_tradable(self, reserve: int) -> None:
        if reserve < self.swap.MinimumReserve.value:
            raise self.swap.ReservesTooLow()
