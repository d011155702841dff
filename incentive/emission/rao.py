# SPDX-License-Identifier: Apache-2.0
"""Money: whole rao, of which a billion make one TAO, and what refuses anything else.

A chain pays integers and drops the rest, so a float that is nearly right pays somebody a wrong amount, and a NaN pays
everybody nothing. Amounts enter the mathematics of emission through here, once, and are plain Python integers after.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from operator import index
from typing import Final, SupportsIndex, TypeAlias

from incentive.fixed import U96F32
from protocols.errors import NotFinite, OutOfRange

__all__ = ["Account", "HIGHEST", "TAO", "amount", "amounts", "fraction", "holdings"]

Account: TypeAlias = int
"""A hotkey or a coldkey: its 32 bytes read as one big-endian number, so that it sorts as the chain sorts it."""

TAO: Final = 10**9
"""The rao in one TAO, and in one alpha."""

HIGHEST: Final = (1 << 64) - 1
"""The largest amount that the chain can hold, and what stands for the whole in a 64-bit proportion."""


def amount(name: str, value: SupportsIndex, *, highest: int = HIGHEST) -> int:
    """The value as a plain integer, none below zero; a float is refused even where it happens to be whole."""
    try:
        whole = index(value)
    except TypeError as error:
        if isinstance(value, float) and not math.isfinite(value):
            raise NotFinite(f"{name} is {value}, expected a whole number") from error
        raise OutOfRange(f"{name} is {value!r}, expected a whole number", help="round it: int(...)") from error
    if not 0 <= whole <= highest:
        raise OutOfRange(f"{name} is {whole}, expected 0 to {highest}")
    return whole


def amounts(name: str, values: Iterable[SupportsIndex]) -> tuple[int, ...]:
    """The values as whole rao, in their order."""
    return tuple(amount(f"{name}[{i}]", value) for i, value in enumerate(values))


def holdings(name: str, values: Mapping[Account, SupportsIndex]) -> dict[Account, int]:
    """What each account holds, as whole rao."""
    return {account: amount(f"{name}[{account}]", value) for account, value in values.items()}


def fraction(parts: int, whole: int) -> int:
    """The U96F32 bits of `parts` of `whole`."""
    return U96F32.divide(U96F32.of(index(parts)), U96F32.of(index(whole)))
