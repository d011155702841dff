# SPDX-License-Identifier: Apache-2.0
"""Published numbers of emission: the halving table, and the worked cases of the chain's own coinbase tests.

The tables give money in TAO, as decimal fractions; it is compared in rao, where the chain is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from math import ceil
from typing import Any, Final

from incentive.emission.halving import BLOCKS_PER_DAY, Halving, halvings
from incentive.emission.market import Pool, moving_price, price
from incentive.emission.rao import HIGHEST, TAO
from incentive.emission.subnets import inject, root_proportion, tao_emissions, tao_shares
from incentive.fixed import I96F32, U64F64, U96F32
from incentive.simulation.published.figure import Figure

__all__ = ["dtao_numbers", "tao_issuance"]

_DAYS_PER_YEAR: Final = 365.25
_YEARS_ROUNDED: Final = 5e-5  # printed with four decimals
_PRICE_ROUNDED: Final = 5e-7  # printed with six decimals


def tao_issuance(table: Mapping[str, Any]) -> Iterator[Figure]:
    """The halving table: from which issuance on a block emits how much, and how long that lasts."""
    curve = list(halvings())
    for row in table["rows"]:
        yield from _halving(row, curve[row["k"]])


def dtao_numbers(table: Mapping[str, Any]) -> Iterator[Figure]:
    """The worked cases of pools: TAO by moving price, alpha beside it, and how fast a moving price follows."""
    split = table["price_split"]
    prices = [U64F64.nearest(each) for each in split["moving_prices"]]
    shares = tao_shares(prices, [0] * len(prices), [True] * len(prices))
    paid = [U96F32.floor(bits) for bits in tao_emissions(split["emission"], shares)]
    expected = [_fraction(part) * split["emission"] for part in split["expected_tao_in"]]
    for number, (rao, published) in enumerate(zip(paid, expected, strict=True)):
        yield Figure(f"TAO to subnet {number}, rao", published, rao, split["tolerance_rao"])
    for case in table["alpha_injection"]:
        yield from _injections(case)
    yield _moving(table["moving_price"])


def _halving(row: Mapping[str, Any], step: Halving) -> Iterator[Figure]:
    exact = row["block_emission_TAO"] * TAO
    # The chain emits whole rao: from the tenth halving on a fraction less, for a few blocks longer.
    less = exact % 1
    longer = ceil(row["blocks_to_next"] * less / step.block_emission)
    years = step.blocks / BLOCKS_PER_DAY / _DAYS_PER_YEAR
    name = f"halving {row['k']}"
    yield Figure(f"{name}: issuance, rao", row["issuance_from_TAO"] * TAO, step.issuance, 0)
    yield Figure(f"{name}: emission a block, rao", exact, step.block_emission, less)
    per_day = row["tao_per_day_at_7200_blocks"] * TAO
    yield Figure(f"{name}: emission a day, rao", per_day, step.per_day, less * BLOCKS_PER_DAY)
    yield Figure(f"{name}: blocks to the next", row["blocks_to_next"], step.blocks, longer)
    yield Figure(f"{name}: years", row["years_at_12s"], years, _YEARS_ROUNDED)


def _injections(case: Mapping[str, Any]) -> Iterator[Figure]:
    prices = case["prices"]
    shares = tao_shares([U64F64.of(each) for each in prices], [0] * len(prices), [True] * len(prices))
    full = root_proportion(TAO * TAO, 1, tao_weight=HIGHEST)  # so much TAO on root that no cap binds
    emissions = tao_emissions(case["emission"], shares)
    for each, bits, published in zip(prices, emissions, case["alpha_in_added"], strict=True):
        pool = Pool(tao=each * TAO, alpha=TAO)
        entered = inject(bits, price(pool), alpha_emission=TAO, root_proportion=full)
        yield Figure(f"alpha beside TAO at price {each} of {prices}, rao", published, entered.alpha, 0)


def _moving(table: Mapping[str, Any]) -> Figure:
    case = table["case"]
    average, spot = I96F32.nearest(case["start"]), U64F64.nearest(case["price"])
    for _ in repeat(None, case["updates"]):
        average = moving_price(average, spot, blocks=case["blocks"], alpha=I96F32.nearest(case["SubnetMovingAlpha"]))
    return Figure("moving price after its updates", table["expected"], average / I96F32.one, _PRICE_ROUNDED)


def _fraction(text: str) -> float:
    over, under = text.lstrip("+").split("/")
    return int(over) / int(under)
