# SPDX-License-Identifier: Apache-2.0
"""The stake that speaks for a hotkey: its own, less what it lends to children, plus what parents lend to it.

Votes and dividends follow this number, not what lies on the key. A holder of TAO on the root subnet speaks on every
subnet too, at a discount: the TAO weight. All in the chain's fixed point, since the epoch starts from these bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from incentive.emission.rao import HIGHEST, Account, amount, fraction, holdings
from incentive.fixed import I64F64, U96F32

__all__ = ["Link", "Stakes", "inherited", "total_stake_bits"]


@dataclass(frozen=True, slots=True)
class Link:
    """A parent lends a child `proportion` of its stake, out of 2^64 - 1."""

    parent: Account
    child: Account
    proportion: int

    def __post_init__(self) -> None:
        """Refuse a proportion that is no whole number."""
        amount("proportion", self.proportion)

    @property
    def part(self) -> int:
        """The proportion as U96F32 bits."""
        return fraction(self.proportion, HIGHEST)


@dataclass(frozen=True, slots=True)
class Stakes:
    """What lies on the hotkeys of a subnet, who lends to whom, and what TAO on root counts beside alpha."""

    alpha: Mapping[Account, int]
    root: Mapping[Account, int] = field(default_factory=dict)
    links: Sequence[Link] = ()
    tao_weight: int = 0

    def __post_init__(self) -> None:
        """Turn every amount into a plain integer, or refuse it by name."""
        object.__setattr__(self, "alpha", holdings("alpha", self.alpha))
        object.__setattr__(self, "root", holdings("root", self.root))
        object.__setattr__(self, "tao_weight", amount("tao_weight", self.tao_weight))

    @property
    def tau(self) -> int:
        """The TAO weight as U96F32 bits."""
        return fraction(self.tao_weight, HIGHEST)

    def parents(self, hotkey: Account) -> list[Link]:
        """The links by which others lend to the hotkey."""
        return [link for link in self.links if link.child == hotkey]

    def children(self, hotkey: Account) -> list[Link]:
        """The links by which the hotkey lends to others."""
        return [link for link in self.links if link.parent == hotkey]


def inherited(stakes: Stakes, hotkey: Account, held: Mapping[Account, int]) -> int:
    """The hotkey's own part of what is `held` (alpha, or TAO on root) and its parents' parts, in rao."""
    own = U96F32.of(held.get(hotkey, 0))
    lent = sum(U96F32.multiply(own, link.part) for link in stakes.children(hotkey))
    lent_to = sum(U96F32.multiply(U96F32.of(held.get(link.parent, 0)), link.part) for link in stakes.parents(hotkey))
    return min(U96F32.floor(U96F32.saturate(own - lent) + lent_to), HIGHEST)


def total_stake_bits(stakes: Stakes, hotkeys: Sequence[Account]) -> tuple[int, ...]:
    """The I64F64 bits of each hotkey's stake weight: inherited alpha plus the TAO weight times inherited TAO."""
    tau = U96F32.to(I64F64, stakes.tau)
    return tuple(
        I64F64.saturate(
            I64F64.of(inherited(stakes, hotkey, stakes.alpha))
            + I64F64.multiply(I64F64.of(inherited(stakes, hotkey, stakes.root)), tau)
        )
        for hotkey in hotkeys
    )
