# SPDX-License-Identifier: Apache-2.0
"""The stake of many on one hotkey: everyone holds shares of one sum, so that paying all of them is one addition.

A dividend raises the sum and leaves the shares; who joins later buys shares at the raised price. The chain keeps
shares as decimal numbers of 21 digits, enough that one rao more or less is never lost, and rounds values down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from incentive.emission.rao import HIGHEST, Account, amount
from protocols.errors import OutOfRange

__all__ = ["Share", "SharePool"]

_DIGITS: Final = 21
_LARGEST: Final = 10**_DIGITS
_SMALLEST: Final = 10 ** (_DIGITS - 1)


@dataclass(frozen=True, slots=True)
class Share:
    """A decimal number, `mantissa` times ten to the power of `exponent`, of at most 21 digits.

    Share.of(3, 2) is 300, kept as 3 * 10**20 times 10**-18.
    """

    mantissa: int = 0
    exponent: int = 0

    @classmethod
    def of(cls, mantissa: int, exponent: int = 0) -> Share:
        """The number with all its digits in use, further ones cut off."""
        if mantissa == 0:
            return cls()
        while mantissa > _LARGEST:
            mantissa, exponent = mantissa // 10, exponent + 1
        while mantissa <= _SMALLEST:
            mantissa, exponent = mantissa * 10, exponent - 1
        return cls(mantissa, exponent)

    def __add__(self, other: Share) -> Share:
        """The sum, in the digits of the larger."""
        if not self.mantissa or not other.mantissa:
            return self if self.mantissa else other
        (large, small), exponent = self._aligned(other)
        return Share.of(large + small, exponent)

    def __sub__(self, other: Share) -> Share:
        """The difference, or 0 where that is below it."""
        if not other.mantissa:
            return self
        (own, others), exponent = self._aligned(other)
        return Share.of(max(own - others, 0), exponent)

    def times(self, numerator: Share, denominator: Share) -> Share:
        """This number times a fraction, rounded once; 0 where the denominator is."""
        if not denominator.mantissa:
            return Share()
        mantissa = self.mantissa * numerator.mantissa // denominator.mantissa
        return Share.of(mantissa, self.exponent + numerator.exponent - denominator.exponent)

    @property
    def floor(self) -> int:
        """The whole number below."""
        power = _power(abs(self.exponent))
        return min(self.mantissa * power if self.exponent > 0 else self.mantissa // power, HIGHEST)

    def _aligned(self, other: Share) -> tuple[tuple[int, int], int]:
        exponent = max(self.exponent, other.exponent)
        mantissas = (
            self.mantissa // _power(exponent - self.exponent),
            other.mantissa // _power(exponent - other.exponent),
        )
        return mantissas, exponent


@dataclass(frozen=True, slots=True)
class SharePool:
    """A hotkey's stake in rao and its holders' shares of it."""

    value: int = 0
    shares: Mapping[Account, Share] = field(default_factory=dict)
    total: Share = field(default_factory=Share)

    def stake(self, coldkey: Account) -> int:
        """What a coldkey's shares are worth, in rao."""
        return Share.of(self.value).times(self.shares.get(coldkey, Share()), self.total).floor

    def paid(self, dividend: int) -> SharePool:
        """The pool after a dividend to everyone."""
        return replace(self, value=min(self.value + amount("dividend", dividend), HIGHEST))

    def staked(self, coldkey: Account, added: int) -> SharePool:
        """The pool after a coldkey put stake in; the first one's shares are as many as its rao."""
        new = Share.of(amount("added", added))
        bought = new.times(self.total, Share.of(self.value)) if self.total.mantissa else new
        held = self.shares.get(coldkey, Share())
        shares = {**self.shares, coldkey: held + bought if self.total.mantissa else new}
        return SharePool(min(self.value + added, HIGHEST), shares, self.total + bought)

    def unstaked(self, coldkey: Account, removed: int) -> SharePool:
        """The pool after a coldkey took stake out, of which it must have that much."""
        if amount("removed", removed) > self.stake(coldkey):
            raise OutOfRange(f"removed is {removed}, expected at most the stake of {self.stake(coldkey)}")
        sold = Share.of(removed).times(self.total, Share.of(self.value))
        shares = {**self.shares, coldkey: self.shares.get(coldkey, Share()) - sold}
        return SharePool(self.value - removed, shares, self.total - sold)


def _power(exponent: int) -> int:
    # Beyond the digits that a share has, one power is as good as another.
    return int(10 ** min(exponent, _DIGITS + 1))
