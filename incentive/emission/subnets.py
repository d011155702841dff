# SPDX-License-Identifier: Apache-2.0
"""How a block's TAO is divided among subnets, and what of it enters a subnet's pool.

A subnet's part follows the moving price of its alpha, less what it kept from its miners. TAO enters the pool beside
new alpha in the pool's own proportion, so that the price stays; the older a subnet, the less alpha may be made for
that, and TAO that finds no alpha buys some instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from incentive.emission.rao import HIGHEST, amount, fraction
from incentive.fixed import U64F64, U96F32
from protocols.errors import WrongShape

__all__ = ["Injection", "TAO_WEIGHT", "inject", "root_proportion", "sells_root", "tao_emissions", "tao_shares"]

TAO_WEIGHT: Final = 971_718_665_099_567_868
"""What TAO on root counts beside alpha, out of 2^64 - 1: about 5.27 %."""


@dataclass(frozen=True, slots=True)
class Injection:
    """What a block brings to a subnet's pool, in rao: TAO and alpha side by side, and TAO that buys alpha."""

    tao: int
    alpha: int
    excess_tao: int


def tao_shares(prices: Sequence[int], burned: Sequence[int], enabled: Sequence[bool]) -> tuple[int, ...]:
    """The U64F64 bits of each subnet's share of a block's TAO.

    `prices` are moving prices (U64F64 bits), `burned` the parts of miners' incentive withheld in the last epoch
    (U96F32 bits), `enabled` whether the subnet takes part; who does not leaves its share to the others.
    """
    if not len(prices) == len(burned) == len(enabled):
        raise WrongShape(f"prices, burned, enabled have lengths {len(prices)}, {len(burned)}, {len(enabled)}")
    by_price = _normalised([amount("a price", price, highest=U64F64.highest) for price in prices])
    kept = [U64F64.one - U96F32.to(U64F64, amount("a burned part", part, highest=U96F32.one)) for part in burned]
    weighed = [U64F64.multiply(share, part) for share, part in zip(by_price, kept, strict=True)]
    # Where every subnet withholds everything, the price alone decides, so that the block's TAO is not stranded.
    shares = _normalised(weighed) if any(weighed) else by_price
    return tuple(
        shares if all(enabled) else _normalised([s if on else 0 for s, on in zip(shares, enabled, strict=True)])
    )


def tao_emissions(block_emission: int, shares: Sequence[int]) -> tuple[int, ...]:
    """The U96F32 bits of each subnet's TAO, of a block's emission in rao."""
    emission = U64F64.of(amount("block_emission", block_emission))
    return tuple(U64F64.to(U96F32, U64F64.multiply(emission, share)) for share in shares)


def root_proportion(root_tao: int, alpha_issuance: int, *, tao_weight: int = TAO_WEIGHT) -> int:
    """The U96F32 bits of root's part in a subnet: its TAO at the TAO weight, beside all alpha that was issued."""
    tau = fraction(amount("tao_weight", tao_weight), HIGHEST)
    weighed = U96F32.multiply(U96F32.of(amount("root_tao", root_tao)), tau)
    return U96F32.divide(weighed, U96F32.saturate(weighed + U96F32.of(amount("alpha_issuance", alpha_issuance))))


def inject(tao_emission: int, price: int, *, alpha_emission: int, root_proportion: int) -> Injection:
    """Where a subnet's TAO of a block goes, from its U96F32 bits and the pool's price (U64F64 bits).

    `alpha_emission` is what the subnet emits to its participants in the block, in rao. Root's proportion (U96F32 bits)
    of as much again is the most alpha that may be made for the pool.
    """
    pool_price = U64F64.to(U96F32, amount("price", price, highest=U64F64.highest))
    tao = offered = amount("tao_emission", tao_emission, highest=U96F32.highest)
    alpha = U96F32.divide(offered, pool_price)
    most = amount("root_proportion", root_proportion, highest=U96F32.one)
    cap = U96F32.multiply(most, U96F32.of(amount("alpha_emission", alpha_emission)))
    if alpha > cap:
        tao, alpha = U96F32.multiply(cap, pool_price), cap
    excess = U96F32.saturate(offered - tao)
    return Injection(U96F32.floor(tao), U96F32.floor(alpha), U96F32.floor(excess))


def sells_root(prices: Sequence[int]) -> bool:
    """Whether root stakers are paid at all: only while the moving prices (U64F64 bits) sum to more than 1."""
    return sum(prices) > U64F64.one


def _normalised(parts: Sequence[int]) -> list[int]:
    total = U64F64.saturate(sum(parts))
    return [U64F64.divide(part, total) for part in parts]
