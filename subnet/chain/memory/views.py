# SPDX-License-Identifier: Apache-2.0
"""A state as the readers of a chain see it: metagraphs, rows of weights, lists of subnets; all of it immutable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from incentive.emission.stake import total_stake_bits
from incentive.fixed import I64F64
from protocols.chain import Commitment, Epoch, SubnetInfo
from protocols.columns import Floats, Ints, fractions
from protocols.hyperparameters import Hyperparameters
from protocols.metagraph import Metagraph
from protocols.sparse import SparseRows
from protocols.types import Block, Hotkey
from subnet.chain.memory.accounts import account
from subnet.chain.memory.lists import lists
from subnet.chain.memory.stakes import stakes_of
from subnet.chain.memory.state import Network, Row, State

__all__ = ["bonds", "commitments", "epoch", "hyperparameters", "metagraph", "subnets", "weights"]


def subnets(state: State) -> tuple[SubnetInfo, ...]:
    """All subnets, by netuid."""
    return tuple(
        SubnetInfo(netuid=netuid, name=network.name, owner=network.owner, neurons=len(network.seats))
        for netuid, network in sorted(state.networks.items())
    )


def metagraph(state: State, netuid: int) -> Metagraph:
    """All neurons of a subnet. There is no trust: the chain does not compute it any more."""
    network = state.network(netuid)
    seats = network.seats
    hotkeys = tuple(seat.hotkey for seat in seats)
    stakes, numbers = stakes_of(state, network, hotkeys), [account(hotkey) for hotkey in hotkeys]
    return Metagraph(
        netuid=network.netuid,
        block=state.block,
        hotkeys=hotkeys,
        coldkeys=tuple(state.owners[hotkey] for hotkey in hotkeys),
        endpoints=tuple(seat.axon.endpoint if seat.axon else None for seat in seats),
        stake=_ints([I64F64.floor(bits) for bits in total_stake_bits(stakes, numbers)]),
        alpha_stake=_ints([stakes.alpha[number] for number in numbers]),
        emission=_ints([seat.emission for seat in seats]),
        incentive=_fractions([seat.incentive for seat in seats]),
        dividends=_fractions([seat.dividends for seat in seats]),
        consensus=_fractions([seat.consensus for seat in seats]),
        trust=np.zeros(len(seats)),
        validator_trust=_fractions([seat.validator_trust for seat in seats]),
        active=np.array([seat.active for seat in seats], dtype=np.bool_),
        validator_permit=np.array([seat.permit for seat in seats], dtype=np.bool_),
        last_update=_ints([seat.last_update for seat in seats]),
        block_at_registration=_ints([seat.registered for seat in seats]),
    )


def hyperparameters(state: State, netuid: int) -> Hyperparameters:
    """The rules of a subnet, with the price of a place at this block."""
    network = state.network(netuid)
    return replace(network.hyperparameters, burn=network.burn)


def epoch(state: State, netuid: int) -> Epoch:
    """Where a subnet stands between two epochs."""
    network = state.network(netuid)
    return Epoch(index=network.epochs, last=network.last_epoch, next=_next_epoch(network, state.block))


def weights(state: State, netuid: int) -> SparseRows:
    """The weights of a subnet as they are stored."""
    return _sparse([seat.weights for seat in state.network(netuid).seats])


def bonds(state: State, netuid: int) -> SparseRows:
    """The bonds that a subnet's last epoch left."""
    return _sparse([seat.bonds for seat in state.network(netuid).seats])


def commitments(state: State, netuid: int) -> Mapping[Hotkey, Commitment]:
    """What hotkeys of a subnet have published."""
    return MappingProxyType(dict(state.network(netuid).commitments))


def _next_epoch(network: Network, block: int) -> Block | None:
    tempo = network.hyperparameters.tempo
    return Block(max(network.last_epoch + tempo, block + 1)) if tempo else None


def _sparse(rows: Sequence[Row]) -> SparseRows:
    stored = lists(rows)
    return SparseRows(stored.starts, stored.uids.astype(np.uint16), stored.values.astype(np.uint16))


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _fractions(values: Sequence[int]) -> Floats:
    return fractions(np.array(values, dtype=np.int64))
