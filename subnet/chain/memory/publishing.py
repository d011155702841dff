# SPDX-License-Identifier: Apache-2.0
"""What a neuron publishes under its hotkey: where its miner answers, and a few bytes of its choice."""

from __future__ import annotations

import ipaddress
from typing import Final

from msgspec.structs import replace

from protocols.calls import ServeAxon, SetCommitment
from protocols.chain import Commitment
from protocols.types import Hotkey
from subnet.chain.memory.outcomes import Done, happened, refused, registered
from subnet.chain.memory.state import Axon, State

__all__ = ["serve_axon", "set_commitment"]

_LONGEST_COMMITMENT: Final = 512  # bytes of the largest kind of data that the chain's commitments hold


def serve_axon(state: State, call: ServeAxon, signer: str) -> Done:
    """Publish where the signer's miner answers."""
    network = state.network(call.netuid)
    uid = registered(network, signer, "HotKeyNotRegisteredInNetwork")
    seat, limit = network.seats[uid], network.hyperparameters.serving_rate_limit
    if ipaddress.ip_address(call.endpoint.ip).is_loopback and not state.rules.loopback:
        raise refused(
            "InvalidIpAddress",
            f"{call.endpoint.ip} is this machine to whoever reads it, expected an address that others reach",
            "publish the machine's public address",
        )
    if seat.axon is not None and state.block - seat.axon.block < limit:
        raise refused(
            "ServingRateLimitExceeded",
            f"an address was published at block {seat.axon.block}, the next one may come at {seat.axon.block + limit}, "
            f"now is {state.block}",
            "wait, and publish an address only when it has changed",
        )
    axon = Axon(endpoint=call.endpoint, block=state.block)
    event = happened("AxonServed", {"netuid": call.netuid, "hotkey": signer})
    return Done(state.with_network(network.with_seat(uid, replace(seat, axon=axon))), (event,))


def set_commitment(state: State, call: SetCommitment, signer: str) -> Done:
    """Publish bytes under the signer's hotkey, in place of those before."""
    network = state.network(call.netuid)
    registered(network, signer, "AccountNotAllowedCommit")
    if len(call.data) > _LONGEST_COMMITMENT:
        raise refused(
            "SpaceLimitExceeded",
            f"the commitment has {len(call.data)} bytes, expected at most {_LONGEST_COMMITMENT}",
            "publish a hash, and the content elsewhere",
        )
    commitments = {**network.commitments, Hotkey(signer): Commitment(state.block, call.data)}
    event = happened("Commitment", {"netuid": call.netuid, "who": signer}, "Commitments")
    return Done(state.with_network(replace(network, commitments=commitments)), (event,))
