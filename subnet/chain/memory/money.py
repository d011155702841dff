# SPDX-License-Identifier: Apache-2.0
"""Tao between accounts, and between accounts and stake.

Alpha is bought from a subnet's pool and sold to it; tao staked on the root network stays tao. Nothing is made or lost
here: what leaves one place arrives at another, and a fee is recycled, which the totals of a state know.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from incentive.emission.market import Trade, buy, sell
from incentive.emission.nominators import SharePool
from protocols.balance import Balance
from protocols.calls import AddStake, RemoveStake, Transfer
from protocols.errors import NotRegistered, OutOfRange
from protocols.keys import short
from protocols.types import Coldkey, Hotkey, Json
from subnet.chain.memory.accounts import account
from subnet.chain.memory.outcomes import Done, happened, refused
from subnet.chain.memory.state import ROOT, State

__all__ = ["add_stake", "associated", "remove_stake", "staked", "traded", "transfer"]


def transfer(state: State, call: Transfer, signer: str) -> Done:
    """Give tao to another account; both must be left with what an account needs to exist."""
    held, given, least = state.free(signer), call.amount.rao, state.rules.existential_deposit
    if given > held:
        raise refused(
            "Arithmetic.Underflow", f"{call.amount} were to leave {short(signer)}, which holds {Balance(held)}"
        )
    if signer != call.destination and held - given < least:
        raise refused(
            "Token.NotExpendable", f"{Balance(held - given)} would be left, expected {Balance(least)} or more"
        )
    received = state.free(call.destination) + given
    if received < least:
        raise refused("Token.BelowMinimum", f"{short(call.destination)} would hold {received} rao, expected {least}")
    state = state.with_free(signer, held - given)
    state = state.with_free(call.destination, state.free(call.destination) + given)
    fields: dict[str, Json] = {"from": signer, "to": call.destination, "amount": given}
    return Done(state, (happened("Transfer", fields, "Balances"),))


def associated(state: State, hotkey: str, coldkey: str) -> State:
    """The state in which a coldkey owns a hotkey, unless another does."""
    owner = state.owners.get(Hotkey(hotkey))
    if owner is None:
        return replace(state, owners={**state.owners, Hotkey(hotkey): Coldkey(coldkey)})
    if owner != coldkey:
        raise refused(
            "NonAssociatedColdKey",
            f"hotkey {short(hotkey)} belongs to coldkey {short(owner)}, the call is signed by {short(coldkey)}",
            "use a hotkey of your own",
        )
    return state


def staked(pool: SharePool, coldkey: int, rao: int) -> SharePool:
    """A hotkey's stake after a coldkey put some on it."""
    # Where dust of shares is left of a stake of nothing, new stake would buy nothing with it and belong to nobody.
    return (pool if pool.value else SharePool()).staked(coldkey, rao)


def add_stake(state: State, call: AddStake, signer: str) -> Done:
    """Take tao from an account and stake what it buys on a hotkey."""
    _check_open(state, call.netuid)
    rao, held, least = call.amount.rao, state.free(signer), state.rules.min_stake
    if rao < least:
        raise refused("AmountTooLow", f"{call.amount} were to be staked, expected {Balance(least)} or more")
    if rao > held:
        raise refused(
            "NotEnoughBalanceToStake", f"{call.amount} were to be staked, {short(signer)} holds {Balance(held)}"
        )
    _check_hotkey(state, call.hotkey)
    bought = Trade(paid=rao, fee=0, received=rao)
    state = state.with_free(signer, held - rao)
    if call.netuid != ROOT:
        network = state.network(call.netuid)
        bought = traded(lambda: buy(network.pool, rao))
        network = replace(network, tao=network.tao + bought.paid, alpha=network.alpha - bought.received)
        state = replace(state.with_network(network), recycled=state.recycled + bought.fee)
    pool = staked(state.staked_on(call.netuid, call.hotkey), account(signer), bought.received)
    state = state.with_stake(call.netuid, call.hotkey, pool)
    fields: dict[str, Json] = {"coldkey": signer, "hotkey": call.hotkey, "tao": bought.paid, "alpha": bought.received}
    return Done(state, (happened("StakeAdded", {**fields, "netuid": call.netuid, "fee": bought.fee}),))


def remove_stake(state: State, call: RemoveStake, signer: str) -> Done:
    """Take stake from a hotkey and give its coldkey what it sells for."""
    _check_open(state, call.netuid)
    _check_hotkey(state, call.hotkey)
    pool, rao = state.staked_on(call.netuid, call.hotkey), call.amount.rao
    held = pool.stake(account(signer))
    if rao > held:
        has = Balance(held, call.netuid)
        raise refused(
            "NotEnoughStakeToWithdraw",
            f"{call.amount} were to leave hotkey {short(call.hotkey)}, on which {short(signer)} has {has}",
        )
    if rao == 0:
        raise refused("AmountTooLow", "nothing was to be withdrawn, expected 1 rao or more")
    sold = Trade(paid=rao, fee=0, received=rao)
    state = state.with_stake(call.netuid, call.hotkey, pool.unstaked(account(signer), rao))
    if call.netuid != ROOT:
        network = state.network(call.netuid)
        sold = traded(lambda: sell(network.pool, rao))
        network = replace(network, tao=network.tao - sold.received, alpha=network.alpha + sold.paid)
        state = state.with_network(replace(network, recycled=network.recycled + sold.fee))
    state = state.with_free(signer, state.free(signer) + sold.received)
    fields: dict[str, Json] = {"coldkey": signer, "hotkey": call.hotkey, "tao": sold.received, "alpha": sold.paid}
    return Done(state, (happened("StakeRemoved", {**fields, "netuid": call.netuid, "fee": sold.fee}),))


def traded(trade: Callable[[], Trade]) -> Trade:
    """The outcome of a trade that the pool can make."""
    try:
        return trade()
    except OutOfRange as error:
        raise refused(
            "InsufficientLiquidity", error.message, "trade a smaller amount, or into a larger pool"
        ) from error


def _check_open(state: State, netuid: int) -> None:
    if netuid != ROOT and not state.network(netuid).hyperparameters.subtoken_enabled:
        raise refused(
            "SubtokenDisabled",
            f"subnet {netuid} was not started, so its alpha cannot be staked",
            f"its owner starts it: StartSubnet(netuid={netuid})",
        )


def _check_hotkey(state: State, hotkey: str) -> None:
    if hotkey not in state.owners:
        raise NotRegistered(
            f"HotKeyAccountNotExists: hotkey {short(hotkey)} was never registered on any subnet",
            help="register it first: Register(netuid, hotkey), signed by a coldkey",
        )
