# SPDX-License-Identifier: Apache-2.0
"""Money: a whole number of rao with a unit.

Each subnet has a token of its own (alpha), which trades against tao at a price; adding alpha to tao, or one subnet's
alpha to another's, is never meant. A floating-point number cannot hold nine decimals of a large amount, so none is
taken, and every division says how it rounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import msgspec

from protocols.errors import InvalidAmount, UnitMismatch

__all__ = ["Balance", "RAO"]

RAO = 10**9
"""Rao in one tao, and in one alpha."""

_MAX_RAO = 2**64 - 1
_MAX_NETUID = 2**16 - 1
_AMOUNT = re.compile(r"(?P<whole>[0-9]{1,20})(?:\.(?P<part>[0-9]{1,9})0*)?", re.ASCII)
_TAO, _ALPHA = "\N{GREEK SMALL LETTER TAU}", "\N{GREEK SMALL LETTER ALPHA}"
_TEXT = re.compile(rf"{_TAO}(?P<tao>[^ ]+)|{_ALPHA}(?P<netuid>[1-9][0-9]{{0,4}}) (?P<alpha>[^ ]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Balance:
    """An amount of tao (netuid 0) or of one subnet's alpha (its netuid); never negative."""

    # The bounds are stated for the wire too, so that a message with an impossible amount is a malformed message.
    rao: Annotated[int, msgspec.Meta(ge=0)]
    netuid: Annotated[int, msgspec.Meta(ge=0, le=_MAX_NETUID)] = 0

    def __post_init__(self) -> None:
        if not _whole(self.rao):
            raise InvalidAmount(f"rao is a whole number, got {self.rao!r}")
        if not 0 <= self.rao <= _MAX_RAO:
            raise InvalidAmount(f"an amount lies between 0 and {_MAX_RAO} rao, got {_digits(self.rao)}")
        if not _whole(self.netuid) or not 0 <= self.netuid <= _MAX_NETUID:
            raise InvalidAmount(
                f"a netuid lies between 0 and {_MAX_NETUID}, got {self.netuid!r}",
                help="0 is tao, n is the alpha of subnet n",
            )

    @classmethod
    def tao(cls, amount: str | int | Decimal) -> Balance:
        """An amount of tao: `Balance.tao("1.5")`."""
        return cls(_rao(amount))

    @classmethod
    def alpha(cls, amount: str | int | Decimal, netuid: int) -> Balance:
        """An amount of a subnet's own token: `Balance.alpha("2.5", netuid=7)`."""
        if netuid == 0:
            raise InvalidAmount("alpha belongs to a subnet from 1 up, got netuid 0", help="the root network holds tao")
        return cls(_rao(amount), netuid)

    @classmethod
    def parse(cls, text: str) -> Balance:
        """Read what `str` writes: the sign of tao, or of alpha with its netuid and a space, then the amount."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise InvalidAmount(f"expected {_TAO}1.5 or {_ALPHA}7 2.5, got {_quote(text)}")
        if match["tao"] is not None:
            return cls.tao(match["tao"])
        return cls.alpha(match["alpha"], int(match["netuid"]))

    def portion(self, numerator: int, denominator: int) -> Balance:
        """The given fraction of this amount, rounded down to a whole rao."""
        if denominator <= 0 or numerator < 0:
            raise InvalidAmount(f"a portion is at least 0 of something above 0, got {numerator}/{denominator}")
        return self._of(self.rao * numerator // denominator)

    def __add__(self, other: object) -> Balance:
        if not isinstance(other, Balance):
            return NotImplemented
        return self._of(self.rao + self._same(other))

    def __radd__(self, other: object) -> Balance:
        # sum() starts from the integer 0, which is nothing in every unit.
        return self if _whole(other) and other == 0 else NotImplemented

    def __sub__(self, other: object) -> Balance:
        if not isinstance(other, Balance):
            return NotImplemented
        if self._same(other) > self.rao:
            raise InvalidAmount(f"cannot take {other} from {self}", help="compare the two amounts first")
        return self._of(self.rao - other.rao)

    def __mul__(self, factor: int) -> Balance:
        return self._of(self.rao * factor) if _whole(factor) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Balance:
        return self.portion(1, divisor) if _whole(divisor) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.rao < self._same(other) if isinstance(other, Balance) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.rao <= self._same(other) if isinstance(other, Balance) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.rao > self._same(other) if isinstance(other, Balance) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.rao >= self._same(other) if isinstance(other, Balance) else NotImplemented

    def __bool__(self) -> bool:
        return self.rao != 0

    def __str__(self) -> str:
        whole, part = divmod(self.rao, RAO)
        amount = f"{whole}.{part:09d}".rstrip("0").rstrip(".")
        return f"{_ALPHA}{self.netuid} {amount}" if self.netuid else f"{_TAO}{amount}"

    def _of(self, rao: int) -> Balance:
        return Balance(rao, self.netuid)

    def _same(self, other: Balance) -> int:
        if other.netuid != self.netuid:
            raise UnitMismatch(f"{self} and {other} are different tokens")
        return other.rao


def _rao(amount: object) -> int:
    """Rao in an amount of whole tokens, exactly."""
    if isinstance(amount, float):
        raise InvalidAmount(f"a float is not exact: got {amount!r}", help=f'write the amount as text: "{amount}"')
    if isinstance(amount, int) and _whole(amount):
        return amount * RAO
    if isinstance(amount, Decimal):
        # Written out in full only when short: Decimal("1e999999999") would be a gigabyte of zeros.
        amount = f"{amount:f}" if amount.is_finite() and abs(amount.adjusted()) <= 40 else str(amount)
    if not isinstance(amount, str):
        raise InvalidAmount(f"expected text, int or Decimal, got {type(amount).__name__}")
    match = _AMOUNT.fullmatch(amount)
    if match is None:
        raise InvalidAmount(f"expected digits with at most nine decimals, as 1.5, got {_quote(amount)}")
    return int(match["whole"]) * RAO + int((match["part"] or "").ljust(9, "0"))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _quote(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def _digits(number: int) -> str:
    # Python refuses to write out very large integers, by raising ValueError.
    return str(number) if number.bit_length() <= 256 else f"an integer of {number.bit_length()} bits"
