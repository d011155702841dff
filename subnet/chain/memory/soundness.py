# SPDX-License-Identifier: Apache-2.0
"""What holds of every state, whatever has happened: money adds up, and nothing points at what is not there.

Tests ask it of each block, and bytes that claim to be a chain must show it.
"""

from __future__ import annotations

from incentive.fixed import U96F32
from protocols.errors import LedgerError
from protocols.hyperparameters import Hyperparameters
from protocols.keys import short
from subnet.chain.memory.accounts import account
from subnet.chain.memory.stakes import root_stake
from subnet.chain.memory.state import Network, Row, State

__all__ = ["alpha_held", "check", "check_state", "tao_held"]

_MOST_INCLUDED = 2**32


def tao_held(state: State) -> int:
    """All tao that can be found, in rao: in accounts, in pools, on root, and recycled."""
    in_pools = sum(network.tao for network in state.networks.values())
    return sum(state.balances.values()) + in_pools + root_stake(state) + state.recycled


def alpha_held(state: State, network: Network) -> int:
    """All alpha of a subnet that can be found, in rao."""
    staked = sum(pool.value for pool in state.stakes.get(network.netuid, {}).values())
    waiting = network.pending.total + sum(network.claimable.values())
    gone = network.recycled + network.burned + network.unpaid
    return network.alpha + staked + waiting + network.protocol + gone


def check(newest: State, open_block: State | None, included: int) -> None:
    """Raise `LedgerError` unless these can be the newest block and the open one of a chain."""
    check_state(newest)
    if not 0 <= included < _MOST_INCLUDED or (open_block is None and included):
        raise LedgerError(f"the open block has {included} calls, expected 0 to {_MOST_INCLUDED}, and 0 of no block")
    if open_block is None:
        return
    check_state(open_block)
    if open_block.founding != newest.founding or open_block.block != newest.block + 1:
        raise LedgerError(f"block {open_block.block} is open after block {newest.block}, expected the next one of it")


def check_state(state: State) -> None:
    """Raise `LedgerError` unless a chain can have come to this state."""
    if tao_held(state) != state.minted:
        raise LedgerError(f"{tao_held(state)} rao can be found, expected the {state.minted} that were issued")
    Hyperparameters.from_dict(state.founding.hyperparameters)
    for key in (*state.balances, *state.owners, *state.owners.values(), *state.founders):
        account(key)
    for netuid, network in state.networks.items():
        if netuid != network.netuid or netuid == 0:
            raise LedgerError(f"subnet {network.netuid} is listed as {netuid}, expected its own number from 1 up")
        _check_network(state, network)
    for netuid, stakes in state.stakes.items():
        if netuid and netuid not in state.networks:
            raise LedgerError(f"there is stake on subnet {netuid}, expected one that exists")
        for hotkey, pool in stakes.items():
            _check_owned(state, hotkey)
            most = max((pool.stake(holder) for holder in pool.shares), default=pool.value)
            if most > pool.value:
                raise LedgerError(f"{most} rao on {short(hotkey)} are one holder's, expected at most {pool.value}")


def _check_network(state: State, network: Network) -> None:
    if alpha_held(state, network) != network.minted:
        found = alpha_held(state, network)
        raise LedgerError(f"{found} rao of alpha {network.netuid} can be found, expected {network.minted}")
    if network.withheld > U96F32.one:
        raise LedgerError(
            f"the part withheld on subnet {network.netuid} is {network.withheld}, expected {U96F32.one} at most"
        )
    latest = max(network.created, network.last_epoch, network.last_step, *network.changed.values(), 0)
    for key in (network.owner, *network.commitments):
        account(key)
    for key in (network.hotkey, *network.claimable):
        _check_owned(state, key)
    hotkeys = [seat.hotkey for seat in network.seats]
    if len(set(hotkeys)) != len(hotkeys):
        raise LedgerError(f"subnet {network.netuid} has {len(hotkeys)} seats for {len(set(hotkeys))} hotkeys")
    for seat in network.seats:
        _check_owned(state, seat.hotkey)
        _check_row(seat.weights, len(hotkeys))
        _check_row(seat.bonds, len(hotkeys))
        blocks = [commit.block for commit in seat.commits] + ([seat.axon.block] if seat.axon else [])
        latest = max(latest, seat.registered, seat.last_update, *blocks)
    if latest > state.block:
        raise LedgerError(f"subnet {network.netuid} remembers block {latest}, expected none after {state.block}")


def _check_owned(state: State, hotkey: str) -> None:
    if hotkey not in state.owners:
        raise LedgerError(f"hotkey {short(hotkey)} has no owner, expected one")


def _check_row(row: Row, n: int) -> None:
    uids = [uid for uid, _ in row]
    if len(set(uids)) != len(uids) or any(uid >= n for uid in uids):
        raise LedgerError(f"a row names uids {uids[:8]}, expected each once and below {n}")
