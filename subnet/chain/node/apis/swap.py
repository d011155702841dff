# SPDX-License-Identifier: Apache-2.0
"""Questions about prices: of one alpha, of a trade, and of a network of one's own.

A trade that the pool would refuse is answered with zeros, as the chain does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from incentive.emission.market import Trade
from incentive.fixed import U64F64
from subnet.chain.node.apis.records import SimSwapResult, SubnetPrice
from subnet.chain.node.frame.calls import api
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.scale.names import u16, u64

if TYPE_CHECKING:
    from subnet.chain.node.pallets.subtensor import SubtensorModule

__all__ = ["SubnetRegistrationRuntimeApi", "SwapRuntimeApi"]

_RAO: Final = 1_000_000_000
_NO_TRADE: Final = Trade(0, 0, 0)
_REFUSED: Final = SimSwapResult(0, 0, 0, 0, 0, 0)


class SwapRuntimeApi(RuntimeApi):
    """What clients ask about prices."""

    def __init__(self, chain: SubtensorModule) -> None:
        self._chain = chain

    @api
    def current_alpha_price(self, netuid: u16) -> u64:
        """What one alpha costs, in rao."""
        return U64F64.floor(U64F64.multiply(self._chain.price_of(netuid), U64F64.of(_RAO)))

    @api
    def current_alpha_price_all(self) -> tuple[SubnetPrice, ...]:
        """What one alpha of each network costs."""
        return tuple(SubnetPrice(netuid, self.current_alpha_price(netuid)) for netuid in self._chain.networks())

    @api
    def sim_swap_tao_for_alpha(self, netuid: u16, tao: u64) -> SimSwapResult:
        """What so much tao would buy."""
        try:
            trade = self._chain.quote_buy(netuid, tao) if self._is_pool(netuid) else _NO_TRADE
        except DispatchFailure:
            return _REFUSED
        at_price = U64F64.floor(U64F64.divide(U64F64.of(tao), self._chain.price_of(netuid)))
        return SimSwapResult(
            tao_amount=trade.paid,
            alpha_amount=trade.received,
            tao_fee=trade.fee,
            alpha_fee=0,
            tao_slippage=0,
            alpha_slippage=max(0, at_price - trade.received),
        )

    @api
    def sim_swap_alpha_for_tao(self, netuid: u16, alpha: u64) -> SimSwapResult:
        """What so much alpha would bring."""
        try:
            trade = self._chain.quote_sell(netuid, alpha) if self._is_pool(netuid) else _NO_TRADE
        except DispatchFailure:
            return _REFUSED
        at_price = U64F64.floor(U64F64.multiply(U64F64.of(alpha), self._chain.price_of(netuid)))
        return SimSwapResult(
            tao_amount=trade.received,
            alpha_amount=trade.paid,
            tao_fee=0,
            alpha_fee=trade.fee,
            tao_slippage=max(0, at_price - trade.received),
            alpha_slippage=0,
        )

    def _is_pool(self, netuid: int) -> bool:
        return self._chain.if_subnet_exist(netuid) or bool(self._chain.SubnetMechanism[netuid])


class SubnetRegistrationRuntimeApi(RuntimeApi):
    """What clients ask before they buy a network."""

    def __init__(self, chain: SubtensorModule) -> None:
        self._chain = chain

    @api
    def get_network_registration_cost(self) -> u64:
        """What a network costs, in rao."""
        return self._chain.network_lock_cost()
