# SPDX-License-Identifier: Apache-2.0
"""Emission before subnets had a money of their own: the rules of runtime 185, where they differ from today's.

The owner's cut is paid out block by block. Miners and validators are paid in TAO one block after their epoch. Miners'
pay and a validator's take go to the hotkey's owner, and each nominator's part is rounded by itself, whatever that
leaves going to the owner as well: no dust. There are no pools, no parents, no root dividends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from incentive.emission.rao import Account, amount, fraction, holdings
from incentive.fixed import I64F64, PROPORTION, U96F32

__all__ = ["Delegate", "cut_of", "paid_hotkey"]


@dataclass(frozen=True, slots=True)
class Delegate:
    """A hotkey: its owner, who nominated it with how much rao, and its take of 65535, absent if it takes no part.

    A hotkey that is no delegate shares nothing: all that it earns is its owner's.
    """

    owner: Account
    stakes: Mapping[Account, int]
    take: int | None = None

    def __post_init__(self) -> None:
        """Turn every amount into a plain integer, or refuse it by name."""
        object.__setattr__(self, "stakes", holdings("stakes", self.stakes))
        if self.take is not None:
            amount("take", self.take, highest=PROPORTION)


def cut_of(emission: int, owner_cut: int) -> tuple[int, int]:
    """The subnet owner's part, out of 65535, of a block's emission in rao, and the rest; both floored."""
    part = fraction(amount("owner_cut", owner_cut, highest=PROPORTION), PROPORTION)
    whole = U96F32.of(amount("emission", emission))
    cut = U96F32.multiply(whole, part)
    return U96F32.floor(cut), U96F32.floor(whole - cut)


def paid_hotkey(hotkey: Delegate, *, server: int, validator: int) -> dict[Account, int]:
    """The stakes on a hotkey after it was paid what it mined and validated, in rao."""
    server, validator = amount("server", server), amount("validator", validator)
    shared = dict.fromkeys(hotkey.stakes, 0)
    if hotkey.take is not None:
        take = I64F64.divide(I64F64.of(hotkey.take), I64F64.of(PROPORTION))
        rest = I64F64.of(validator - I64F64.floor(I64F64.multiply(take, I64F64.of(validator))))
        whole = I64F64.of(sum(hotkey.stakes.values()))
        for coldkey, stake in hotkey.stakes.items():
            share = I64F64.divide(I64F64.of(stake), whole)
            shared[coldkey] = I64F64.floor(I64F64.multiply(share, rest))
    left = server + validator - sum(shared.values())
    after = {coldkey: stake + shared[coldkey] for coldkey, stake in hotkey.stakes.items()}
    return after | {hotkey.owner: after.get(hotkey.owner, 0) + left}
