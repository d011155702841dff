# SPDX-License-Identifier: Apache-2.0
"""Buying alpha only to destroy it, which lifts a network's price and leaves nobody with more.

Both happen or neither: the call fails as a whole.
"""

from __future__ import annotations

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.stake import Place, Staking
from subnet.chain.node.scale.names import AccountId, u16, u64

__all__ = ["StakeBurns"]


class StakeBurns(Staking):
    """Alpha that is bought and burned."""

    @call(132, ref_time=967_308_000)
    def add_stake_burn(self, origin: Origin, hotkey: AccountId, netuid: u16, amount: u64, limit: u64 | None) -> None:
        """Stake tao on a hotkey, all of it and if asked for not above a limit, and burn the alpha."""
        place = Place(hotkey, origin.signed(), netuid)
        if limit is None:
            alpha = self.stake_at_any_price(place, amount)
        else:
            alpha = self.stake_at_a_limit(place, amount, limit, least=amount)
        self.burn_alpha(origin, hotkey, alpha, netuid)
        self.system.deposit(self.Events.AddStakeBurn(netuid, hotkey, amount, alpha))
