# SPDX-License-Identifier: Apache-2.0
"""How a subnet's alpha of one block is divided before anyone is paid: owner, miners, validators, root.

Each part gathers on its own account until the epoch drains it, so the division is fixed block by block and no vote
can change what has gathered. Parts are rounded down one by one; the rest of a rao belongs to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from incentive.emission.rao import amount, fraction
from incentive.fixed import PROPORTION, U96F32

__all__ = ["OWNER_CUT", "Split", "split", "unsold"]

OWNER_CUT: Final = 11_796
"""The subnet owner's part, out of 65535: just under 18 %."""

_HALF: Final = U96F32.one // 2


@dataclass(frozen=True, slots=True)
class Split:
    """A block's alpha in rao: the owner's, the miners', the validators', root's, recycled, and lost to rounding."""

    owner: int
    server: int
    validator: int
    root: int
    recycled: int
    dust: int


def split(alpha: int, root_proportion: int, *, owner_cut: int = OWNER_CUT) -> Split:
    """Divide a block's alpha, in rao, by root's proportion in the subnet (U96F32 bits).

    split(1_000_000_000, 0).owner == 179_995_422
    """
    proportion = amount("root_proportion", root_proportion, highest=U96F32.one)
    whole = U96F32.of(amount("alpha", alpha))
    owner = U96F32.multiply(whole, fraction(amount("owner_cut", owner_cut, highest=PROPORTION), PROPORTION))
    rest = whole - owner
    server = U96F32.multiply(rest, _HALF)
    root = U96F32.multiply(U96F32.multiply(proportion, rest), _HALF)
    validator = U96F32.saturate(rest - server - root)
    paid = U96F32.floor(owner), U96F32.floor(server), U96F32.floor(validator), U96F32.floor(root)
    return Split(*paid, recycled=0, dust=U96F32.floor(whole) - sum(paid))


def unsold(parts: Split) -> Split:
    """The same division in a block in which root is not paid: its part is recycled."""
    return Split(parts.owner, parts.server, parts.validator, 0, parts.recycled + parts.root, parts.dust)
