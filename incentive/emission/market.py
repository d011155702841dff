# SPDX-License-Identifier: Apache-2.0
"""A subnet's pool of TAO and alpha: its price, what a trade gets, and the slow average that emission follows.

The product of the reserves stays what it was, so a price can be moved only by paying for it. Emission follows a
moving average that starts near zero, since a price that decides who is paid is worth pushing for one block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from incentive.emission.rao import amount
from incentive.fixed import I96F32, PROPORTION, U64F64
from protocols.errors import OutOfRange

__all__ = ["FEE_RATE", "HALVING_BLOCKS", "MOVING_ALPHA", "Pool", "Trade", "buy", "moving_price", "price", "sell"]

FEE_RATE: Final = 33
"""What a trade pays to the block's author, out of 65535 of what is paid in: about 0.05 %."""

MOVING_ALPHA: Final = I96F32.nearest(0.000_003)
"""The I96F32 bits of how much of the present price a moving price takes up a block."""

HALVING_BLOCKS: Final = 201_600
"""The age of a subnet at which its moving price moves at half of its full speed: 28 days."""

_SCALE: Final = 10**18  # the chain rounds powers of reserves to 18 decimals
_LARGEST_TRADE: Final = 1000  # times the reserve that is paid into
_SMALLEST_RESERVE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Pool:
    """The reserves, in rao, of a pool whose two sides weigh the same."""

    tao: int
    alpha: int

    def __post_init__(self) -> None:
        """Turn both into plain integers, or refuse them by name."""
        object.__setattr__(self, "tao", amount("tao", self.tao))
        object.__setattr__(self, "alpha", amount("alpha", self.alpha))


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade in rao: `paid` into the pool, `fee` beside it, and `received` for it."""

    paid: int
    fee: int
    received: int


def price(pool: Pool) -> int:
    """The U64F64 bits of TAO per alpha; 0 where there is no alpha."""
    return U64F64.divide(U64F64.of(pool.tao), U64F64.of(pool.alpha))


def buy(pool: Pool, tao: int, *, fee_rate: int = FEE_RATE) -> Trade:
    """What `tao` rao, the fee included, buy of alpha."""
    return _trade(pool.tao, pool.alpha, amount("tao", tao), fee_rate)


def sell(pool: Pool, alpha: int, *, fee_rate: int = FEE_RATE) -> Trade:
    """What `alpha` rao, the fee included, bring of TAO."""
    return _trade(pool.alpha, pool.tao, amount("alpha", alpha), fee_rate)


def moving_price(old: int, spot: int, *, blocks: int, alpha: int = MOVING_ALPHA, halving: int = HALVING_BLOCKS) -> int:
    """The next moving price as I96F32 bits, from the old one (I96F32) and the pool's `spot` price (U64F64).

    The weight of the spot price grows with the `blocks` since the subnet started: alpha * blocks / (blocks + halving).
    A spot price above 1 counts as 1.
    """
    speed = I96F32.to(U64F64, amount("alpha", alpha, highest=I96F32.one))
    age = U64F64.of(amount("blocks", blocks))
    weight = U64F64.multiply(speed, U64F64.divide(age, age + U64F64.of(amount("halving", halving))))
    new = U64F64.multiply(weight, min(amount("spot", spot, highest=U64F64.highest), U64F64.one))
    before = I96F32.to(U64F64, amount("old", old, highest=I96F32.highest))
    kept = U64F64.multiply(U64F64.one - weight, before)
    return U64F64.to(I96F32, U64F64.saturate(new + kept))


def _trade(into: int, out_of: int, offered: int, fee_rate: int) -> Trade:
    fee_part = U64F64.divide(U64F64.of(amount("fee_rate", fee_rate, highest=PROPORTION)), U64F64.of(PROPORTION))
    if out_of < _SMALLEST_RESERVE:
        raise OutOfRange(f"the reserve is {out_of} rao, expected {_SMALLEST_RESERVE} or more to trade")
    fee = U64F64.floor(U64F64.multiply(U64F64.of(offered), fee_part))
    paid = offered - fee
    if paid > _LARGEST_TRADE * into:
        raise OutOfRange(f"the trade pays {paid} rao in, expected at most {_LARGEST_TRADE * into} for this pool")
    if not paid:
        return Trade(paid=0, fee=fee, received=0)
    left = U64F64.divide(U64F64.of(into * _SCALE // (into + paid)), U64F64.of(_SCALE))
    received = U64F64.floor(U64F64.multiply(U64F64.of(out_of), U64F64.one - left))
    if not received:
        raise OutOfRange(f"{paid} rao buy nothing here, expected enough for 1 rao")
    return Trade(paid, fee, received)
