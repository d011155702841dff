# SPDX-License-Identifier: Apache-2.0
"""A subnet's epoch: its votes go through consensus, and what was set aside is paid into stake.

Both are `incentive`'s, in the chain's own integers; here what the chain has stored is laid out for them, and what they
decide is stored again.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from msgspec.structs import replace

from incentive.arrays import Ints
from incentive.consensus import FIXED, Epoch, Ledger, Liquid, Rules, Settings, Terms, Yuma1, Yuma3
from incentive.emission.accounts import Accounts
from incentive.emission.credit import Credit, Kind
from incentive.emission.drain import Payout, Pending, drain
from incentive.emission.nominators import SharePool
from incentive.emission.stake import Stakes, total_stake_bits
from protocols.hyperparameters import TABLE, Hyperparameters
from protocols.types import Hotkey
from subnet.chain.memory.accounts import account, address
from subnet.chain.memory.lists import lists
from subnet.chain.memory.money import staked
from subnet.chain.memory.stakes import stakes_of
from subnet.chain.memory.state import Network, Seat, State
from subnet.chain.memory.weights import live

__all__ = ["run_epoch"]

_NEVER: Final = 2**63 - 1


def run_epoch(state: State, network: Network) -> State:
    """The state after a subnet's epoch."""
    network = replace(network, last_epoch=state.block, epochs=network.epochs + 1, idle=0)
    hotkeys = [account(seat.hotkey) for seat in network.seats]
    stakes = stakes_of(state, network, [seat.hotkey for seat in network.seats])
    ledger = _ledger(state, network, total_stake_bits(stakes, hotkeys))
    terms = Epoch(_settings(state, network), FIXED).run(ledger, network.pending.emission)
    accounts = _accounts(state, network, stakes, hotkeys)
    payout = drain(network.pending, terms.server_emission, terms.validator_emission, accounts)
    seats = tuple(_decided(seat, terms, uid) for uid, seat in enumerate(network.seats))
    network = replace(network, seats=seats, pending=Pending(0, 0), last_step=state.block)
    return _paid(state, network, payout)


def _settings(state: State, network: Network) -> Settings:
    dials = network.hyperparameters
    return Settings(
        rules=Rules(
            kappa=_part(dials, "kappa"),
            bonds_penalty=_part(dials, "bonds_penalty"),
            bonds_moving_average=min(_part(dials, "bonds_moving_average"), Fraction(1)),
            liquid=_liquid(dials) if dials.liquid_alpha_on else None,
        ),
        version=Yuma3 if dials.yuma3_on else Yuma1,
        max_validators=dials.max_allowed_validators,
        activity_cutoff=max(1, dials.activity_cutoff_factor_milli * dials.tempo // 1000),
        tempo=dials.tempo,
        stake_threshold=state.rules.stake_threshold,
        owner_uid=network.uid(network.hotkey),
    )


def _liquid(dials: Hyperparameters) -> Liquid:
    return Liquid(_part(dials, "alpha_low"), _part(dials, "alpha_high"), _part(dials, "alpha_sigmoid_steepness"))


def _part(dials: Hyperparameters, name: str) -> Fraction:
    """A dial as the exact fraction that it stands for."""
    return Fraction(getattr(dials, name), TABLE[name].scale)


def _ledger(state: State, network: Network, stake: Sequence[int]) -> Ledger:
    seats = network.seats
    hidden = network.hyperparameters.commit_reveal_weights_enabled
    return Ledger(
        block=state.block,
        registered=_column([seat.registered for seat in seats]),
        last_update=_column([seat.last_update for seat in seats]),
        permits=np.array([seat.permit for seat in seats], dtype=np.bool_),
        stake=stake,
        weights=lists([seat.weights for seat in seats]),
        bonds=lists([seat.bonds for seat in seats]),
        committed=_column([_oldest_commit(network, seat, state.block) for seat in seats]) if hidden else None,
        last_step=network.last_step,
    )


def _column(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _oldest_commit(network: Network, seat: Seat, block: int) -> int:
    return min((commit.block for commit in live(network, seat.commits, block)), default=_NEVER)


def _accounts(state: State, network: Network, stakes: Stakes, hotkeys: Sequence[int]) -> Accounts:
    recycles = network.hyperparameters.recycle_or_burn == "Recycle"
    return Accounts(
        hotkeys=hotkeys,
        stakes=stakes,
        owners={account(seat.hotkey): account(state.owners[seat.hotkey]) for seat in network.seats},
        owner=account(network.owner),
        owner_hotkey=account(network.hotkey),
        withheld=Kind.RECYCLED if recycles else Kind.BURNED,
    )


def _decided(seat: Seat, terms: Terms, uid: int) -> Seat:
    return replace(
        seat,
        active=bool(terms.active[uid]),
        permit=bool(terms.permits[uid]),
        consensus=int(terms.consensus[uid]),
        incentive=int(terms.incentive[uid]),
        dividends=int(terms.dividends[uid]),
        validator_trust=int(terms.validator_trust[uid]),
        emission=terms.emission[uid],
        bonds=tuple(terms.bonds[uid]),
    )


def _paid(state: State, network: Network, payout: Payout) -> State:
    """The state when everybody has what the epoch gave them."""
    on_hotkeys = dict(state.stakes.get(network.netuid, {}))
    claimable = dict(network.claimable)
    for credit in payout.credits:
        if not credit.amount or not credit.hotkey:
            continue
        hotkey = Hotkey(address(credit.hotkey))
        if credit.kind == Kind.ROOT:
            claimable[hotkey] = claimable.get(hotkey, 0) + credit.amount
        else:
            on_hotkeys[hotkey] = _credited(on_hotkeys.get(hotkey, SharePool()), credit)
    network = replace(
        network,
        claimable=claimable,
        recycled=network.recycled + _sum(payout, Kind.RECYCLED),
        burned=network.burned + _sum(payout, Kind.BURNED),
        unpaid=network.unpaid + payout.unpaid.total,
        withheld=payout.miner_burned_bits,
    )
    return replace(state.with_network(network), stakes={**state.stakes, network.netuid: on_hotkeys})


def _credited(pool: SharePool, credit: Credit) -> SharePool:
    return pool.paid(credit.amount) if credit.kind == Kind.NOMINATORS else staked(pool, credit.coldkey, credit.amount)


def _sum(payout: Payout, kind: Kind) -> int:
    return sum(credit.amount for credit in payout.credits if credit.kind == kind)
