# SPDX-License-Identifier: Apache-2.0
"""What a block brings: tao and alpha into the pools, and each subnet's alpha, split and set aside until its epoch.

Tao is made only as far as a pool takes it. The rules are `incentive.emission`'s; here is the order in which they apply.
"""

from __future__ import annotations

from msgspec.structs import replace

from incentive.emission.drain import Pending
from incentive.emission.halving import block_emission
from incentive.emission.market import Pool, buy, moving_price, price
from incentive.emission.registration import next_block
from incentive.emission.split import OWNER_CUT, Split, split, unsold
from incentive.emission.subnets import Injection, inject, root_proportion, sells_root, tao_emissions, tao_shares
from incentive.fixed import I96F32, U64F64
from protocols.errors import OutOfRange
from subnet.chain.memory.places import burn_rules
from subnet.chain.memory.stakes import root_stake
from subnet.chain.memory.state import Network, State

__all__ = ["cheapened", "minted", "price_followed"]


def cheapened(state: State) -> State:
    """The state when every price of a place has fallen for a block."""
    for network in state.networks.values():
        dials = network.hyperparameters
        if network.burn != dials.min_burn:
            state = state.with_network(
                replace(network, burn=next_block(network.burn, burn_rules(dials), block=state.block))
            )
    return state


def minted(state: State) -> State:
    """The state with a block's new tao and alpha."""
    emitting = [network for _, network in sorted(state.networks.items()) if network.emits]
    if not emitting:
        return state
    prices = [I96F32.to(U64F64, network.moving_price) for network in emitting]
    enabled = [network.hyperparameters.subnet_emission_enabled for network in emitting]
    shares = tao_shares(prices, [network.withheld for network in emitting], enabled)
    on_root, tao_weight, sold = root_stake(state), state.rules.tao_weight, sells_root(prices)
    for network, offered in zip(emitting, tao_emissions(block_emission(state.issuance), shares), strict=True):
        proportion = root_proportion(on_root, network.issuance, tao_weight=tao_weight)
        alpha = block_emission(network.issuance)
        injection = inject(offered, price(network.pool), alpha_emission=alpha, root_proportion=proportion)
        grown = _injected(network, injection)
        cut = OWNER_CUT if network.hyperparameters.owner_cut_enabled else 0
        parts = split(alpha, proportion, owner_cut=cut)
        state = state.with_network(_set_aside(grown, parts if sold else unsold(parts), alpha))
        state = replace(state, minted=state.minted + grown.tao - network.tao)
    return state


def price_followed(state: State) -> State:
    """The state when every subnet's moving price has followed the price for a block."""
    for network in state.networks.values():
        if network.first_emission is not None:
            moved = moving_price(
                network.moving_price,
                price(network.pool),
                blocks=max(0, state.block - network.first_emission),
                halving=network.hyperparameters.ema_price_halving_blocks,
            )
            state = state.with_network(replace(network, moving_price=moved))
    return state


def _injected(network: Network, injection: Injection) -> Network:
    pool = Pool(network.tao + injection.tao, network.alpha + injection.alpha)
    paid, bought = _bought(pool, injection.excess_tao)
    return replace(
        network,
        tao=pool.tao + paid,
        alpha=pool.alpha - bought,
        minted=network.minted + injection.alpha,
        protocol=network.protocol + bought,
    )


def _bought(pool: Pool, tao: int) -> tuple[int, int]:
    """What the chain pays into the pool, and what it gets: nothing where the pool is too small for the trade."""
    try:
        trade = buy(pool, tao, fee_rate=0)
    except OutOfRange:
        return 0, 0
    return trade.paid, trade.received


def _set_aside(network: Network, parts: Split, alpha: int) -> Network:
    pending = network.pending
    return replace(
        network,
        minted=network.minted + alpha,
        recycled=network.recycled + parts.recycled,
        unpaid=network.unpaid + parts.dust,
        pending=Pending(
            server=pending.server + parts.server,
            validator=pending.validator + parts.validator,
            root=pending.root + parts.root,
            owner_cut=pending.owner_cut + parts.owner,
        ),
    )
