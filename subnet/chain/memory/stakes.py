# SPDX-License-Identifier: Apache-2.0
"""Stake as the mathematics of emission takes it: how much lies on which hotkey, in alpha and on root."""

from __future__ import annotations

from collections.abc import Iterable

from incentive.emission.stake import Stakes
from subnet.chain.memory.accounts import account
from subnet.chain.memory.state import ROOT, Network, State

__all__ = ["root_stake", "stakes_of"]


def stakes_of(state: State, network: Network, hotkeys: Iterable[str]) -> Stakes:
    """What lies on some hotkeys of a subnet, and on the same ones on root; nobody lends stake to anybody here."""
    alpha: dict[int, int] = {}
    root: dict[int, int] = {}
    for hotkey in hotkeys:
        alpha[account(hotkey)] = state.staked_on(network.netuid, hotkey).value
        root[account(hotkey)] = state.staked_on(ROOT, hotkey).value
    return Stakes(alpha=alpha, root=root, tao_weight=state.rules.tao_weight)


def root_stake(state: State) -> int:
    """All tao that is staked on root, in rao."""
    return sum(pool.value for pool in state.stakes.get(ROOT, {}).values())
