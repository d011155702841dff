# SPDX-License-Identifier: Apache-2.0
"""The least that somebody must have on another's hotkey; who has less gets it back.

Crumbs of stake cost the chain as much as large stakes do.
"""

from __future__ import annotations

from typing import Final

from incentive.fixed import U64F64
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.pallets.subtensor.locks import Locks

__all__ = ["Nominations"]

_LEAST_STAKE: Final = 2_000_000
_MILLION: Final = 1_000_000


class Nominations(Locks):
    """Small stakes on others' hotkeys."""

    def least_nomination(self) -> int:
        """The least that a nominator must have, in rao."""
        return _LEAST_STAKE * self.NominatorMinRequiredStake.value // _MILLION

    def clear_small_nominations(self) -> None:
        """Give all small stakes back."""
        for hotkey, coldkey, netuid in self.AlphaV2:
            self.clear_small_nomination(hotkey, coldkey, netuid)

    def clear_small_nomination(self, hotkey: bytes, coldkey: bytes, netuid: int) -> None:
        """Give a stake back if it is on another's hotkey and too small; what the pool cannot buy is lost."""
        held = self.stake_of(hotkey, coldkey, netuid)
        least = U64F64.floor(U64F64.divide(U64F64.of(self.least_nomination()), self.price_of(netuid)))
        if self.owns(coldkey, hotkey) or not 0 < held < least:
            return
        self.decrease_stake(hotkey, coldkey, netuid, held)
        before = self.state.mark()
        try:
            trade = self.sell_alpha(netuid, held, coldkey)
        except DispatchFailure:
            self.state.rollback(before)
        else:
            event = self.Events.StakeRemoved(coldkey, hotkey, trade.received, held, netuid, trade.fee)
            self.system.deposit(event)
        self.shrink_lock(coldkey, netuid, held)
