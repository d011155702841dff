# SPDX-License-Identifier: Apache-2.0
"""Binary fixed-point numbers as the chain computes with them, to the last bit.

A number is a whole number of 2^-f; here it is a plain Python integer (its *bits*), and a `Format` says how wide it is
and how it rounds: products are floored, quotients truncated toward zero, and what does not fit saturates. Money and
votes on the chain are sums of such numbers, so a float that is nearly right is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

__all__ = ["Format", "I32F32", "I64F64", "I96F32", "PROPORTION", "U64F64", "U96F32", "exp"]

PROPORTION: Final = 65_535
"""What a 16-bit proportion counts: 65535 stands for one."""


@dataclass(frozen=True, slots=True)
class Format:
    """A fixed-point type: `width` bits in all, `fraction` of them behind the point."""

    name: str
    width: int
    fraction: int
    signed: bool = True

    one: int = field(init=False)
    """The bits of 1."""
    highest: int = field(init=False)
    """The largest bits that fit."""
    lowest: int = field(init=False)
    """The smallest bits that fit."""

    def __post_init__(self) -> None:
        # Kept, since they are asked for with every product.
        object.__setattr__(self, "one", 1 << self.fraction)
        object.__setattr__(self, "highest", (1 << (self.width - self.signed)) - 1)
        object.__setattr__(self, "lowest", -(1 << (self.width - 1)) if self.signed else 0)

    def saturate(self, bits: int) -> int:
        """The nearest bits that fit."""
        # Compared rather than `min(max(...))`: asked with every product, of which an epoch has thousands.
        if bits > self.highest:
            return self.highest
        return bits if bits >= self.lowest else self.lowest

    def of(self, value: int) -> int:
        """The bits of a whole number."""
        return self.saturate(value << self.fraction)

    def nearest(self, value: float) -> int:
        """The bits nearest to a float, ties to even: how the compiler turns a constant into fixed point."""
        return self.saturate(round(Fraction(value) * self.one))

    def multiply(self, a: int, b: int) -> int:
        """The product, floored."""
        return self.saturate((a * b) >> self.fraction)

    def divide(self, a: int, b: int) -> int:
        """The quotient, truncated toward zero; 0 where the chain's `safe_div` says so: by zero, or too large."""
        if b == 0:
            return 0
        size = (abs(a) << self.fraction) // abs(b)
        bits = size if (a < 0) == (b < 0) else -size
        return bits if self.lowest <= bits <= self.highest else 0

    def floor(self, bits: int) -> int:
        """The whole number below."""
        return bits >> self.fraction

    def to(self, other: Format, bits: int) -> int:
        """The same number in another format, floored where that is coarser."""
        shift = self.fraction - other.fraction
        return other.saturate(bits >> shift if shift >= 0 else bits << -shift)


I32F32: Final = Format("I32F32", 64, 32)
I64F64: Final = Format("I64F64", 128, 64)
I96F32: Final = Format("I96F32", 128, 32)
U96F32: Final = Format("U96F32", 128, 32, signed=False)
U64F64: Final = Format("U64F64", 128, 64, signed=False)

_EXP_LIMIT: Final = 20
_E: Final = 22_802_600  # the chain's e: 23 bits behind the point
_E_FRACTION: Final = 23


def exp(bits: int, kind: Format = I32F32, limit: int = _EXP_LIMIT) -> int:
    """e to the power of a number within the limit, which larger ones are clamped to, by the chain's series."""
    x = min(max(bits, -kind.of(limit)), kind.of(limit))
    if x == kind.one:
        return _E << (kind.fraction - _E_FRACTION)
    return _series(x, kind) if x >= 0 else kind.divide(kind.one, _series(-x, kind))


def _series(x: int, kind: Format) -> int:
    term, total = x, kind.one + x
    # The chain's library takes as many terms as there are bits behind the point.
    for i in range(2, kind.fraction):
        term = kind.multiply(term, x) // i
        total = kind.saturate(total + term)
    return total
