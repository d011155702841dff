# SPDX-License-Identifier: Apache-2.0
"""Who can hide weights so that they open by themselves.

Weights that are encrypted to a round of the drand beacon are revealed by the chain, also while their validator is down.
That takes a chain which follows the beacon: the public ones do, one of our own does not, and is shown the weights by
whoever committed them.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from protocols.calls import CommitTimelockedWeights, SetWeights
from protocols.chain import Chain
from protocols.types import Hotkey

__all__ = ["Timelock", "timelock_of"]


@runtime_checkable
class Timelock(Protocol):
    """A client of a chain that can encrypt weights for it."""

    async def timelocked(self, weights: SetWeights, hotkey: Hotkey) -> CommitTimelockedWeights:
        """The commit that hides these weights until the chain reveals them by itself."""
        ...


def timelock_of(chain: Chain) -> Timelock | None:
    """The client itself, where its chain opens what is encrypted; None where it does not."""
    return chain if isinstance(chain, Timelock) and not chain.is_local else None
