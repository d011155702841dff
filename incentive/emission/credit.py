# SPDX-License-Identifier: Apache-2.0
"""One payment, as a chain makes it: how, to whom, how much.

A list of these in the chain's own order is what two implementations compare; sums would hide who got the other's rao.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from incentive.emission.rao import Account

__all__ = ["Credit", "Kind"]


class Kind(IntEnum):
    """How an amount is paid."""

    STAKE = 0
    """To the stake of one coldkey on a hotkey."""
    NOMINATORS = 1
    """To all who have stake on a hotkey, by their shares."""
    ROOT = 2
    """To those with TAO on the hotkey's root stake, who claim it later."""
    RECYCLED = 3
    """To nobody: it can be emitted again."""
    BURNED = 4
    """To nobody, for ever."""


@dataclass(frozen=True, slots=True)
class Credit:
    """One payment in rao; a key that plays no part is 0."""

    kind: Kind
    amount: int
    hotkey: Account = 0
    coldkey: Account = 0
