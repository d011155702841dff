# SPDX-License-Identifier: Apache-2.0
"""What happens in each block before any call: prices fall, money is made, subnets that are due hold their epoch.

Few epochs fit into one block; who finds no room is due in the next one still. The order is the public chain's.
"""

from __future__ import annotations

from msgspec.structs import replace

from protocols.types import Block
from subnet.chain.memory.emission import cheapened, minted, price_followed
from subnet.chain.memory.epoch import run_epoch
from subnet.chain.memory.state import State

__all__ = ["next_block"]


def next_block(state: State) -> State:
    """The state in which the block after this one takes its first call."""
    state = replace(state, block=Block(state.block + 1))
    return price_followed(_epochs(minted(cheapened(state))))


def _epochs(state: State) -> State:
    state = replace(
        state, networks={netuid: replace(network, idle=network.idle + 1) for netuid, network in state.networks.items()}
    )
    due = [network for _, network in sorted(state.networks.items()) if network.due(state.block)]
    for network in due[: state.rules.max_epochs_per_block]:
        state = run_epoch(state, network)
    return state
