# SPDX-License-Identifier: Apache-2.0
"""Questions about the baskets in which the newest public chains collect what root stake earns.

This chain pays root stake as older ones do and has no baskets; the newest client asks anyhow whenever it shows what
a wallet is worth, so that it must be told.
"""

from __future__ import annotations

from subnet.chain.node.frame.calls import api
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.scale.names import AccountId, u16, u64

__all__ = ["BetaBasketRuntimeApi"]


class BetaBasketRuntimeApi(RuntimeApi):
    """What clients ask about baskets, all of which are empty."""

    @api
    def get_root_basket_owed(self, coldkey: AccountId) -> u64:
        """What a coldkey would get for all its baskets, in rao."""
        return 0

    @api
    def get_basket_payout(self, hotkey: AccountId, coldkey: AccountId) -> u64:
        """What a coldkey would get for its part of a validator's basket."""
        return 0

    @api
    def get_validator_basket_nav(self, hotkey: AccountId) -> u64:
        """What a validator's basket is worth."""
        return 0

    @api
    def get_validator_basket(self, hotkey: AccountId) -> tuple[tuple[u16, u64, u64], ...]:
        """What is in a validator's basket: network, alpha, and its worth in rao."""
        return ()

    @api
    def get_root_basket_total_nav(self) -> u64:
        """What all baskets are worth."""
        return 0

    @api
    def get_all_validator_baskets(self) -> tuple[AccountId, ...]:
        """The validators that have a basket, of which there is none."""
        return ()

    @api
    def get_root_basket_portfolio(self, coldkey: AccountId) -> tuple[tuple[AccountId, u64, u64], ...]:
        """What a coldkey has of baskets."""
        return ()

    @api
    def get_root_basket_positions(self, coldkey: AccountId) -> tuple[tuple[AccountId, u64, u64], ...]:
        """A coldkey's parts of baskets: validator, tokens, and their worth in rao."""
        return ()
