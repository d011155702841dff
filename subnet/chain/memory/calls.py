# SPDX-License-Identifier: Apache-2.0
"""Each call to the function that carries it out, and what it costs."""

from __future__ import annotations

from msgspec.structs import replace

from protocols.balance import Balance
from protocols.calls import (
    AddStake,
    Call,
    CommitTimelockedWeights,
    CommitWeights,
    Register,
    RegisterNetwork,
    RemoveStake,
    RevealWeights,
    ServeAxon,
    SetCommitment,
    SetHyperparameter,
    SetWeights,
    StartSubnet,
    Transfer,
)
from protocols.errors import ExtrinsicFailed
from protocols.keys import short
from subnet.chain.memory.dials import set_hyperparameter
from subnet.chain.memory.money import add_stake, remove_stake, transfer
from subnet.chain.memory.outcomes import Done
from subnet.chain.memory.places import register, register_network, start_subnet
from subnet.chain.memory.publishing import serve_axon, set_commitment
from subnet.chain.memory.state import State
from subnet.chain.memory.weights import commit_timelocked_weights, commit_weights, reveal_weights, set_weights

__all__ = ["execute", "fee_of", "with_fee"]


def execute(state: State, call: Call, signer: str) -> Done:
    """Carry out a call; raises the chain's own refusal, as a `LedgerError`."""
    match call:
        case Transfer():
            return transfer(state, call, signer)
        case Register():
            return register(state, call, signer)
        case RegisterNetwork():
            return register_network(state, call, signer)
        case StartSubnet():
            return start_subnet(state, call, signer)
        case SetHyperparameter():
            return set_hyperparameter(state, call, signer)
        case AddStake():
            return add_stake(state, call, signer)
        case RemoveStake():
            return remove_stake(state, call, signer)
        case ServeAxon():
            return serve_axon(state, call, signer)
        case SetCommitment():
            return set_commitment(state, call, signer)
        case SetWeights():
            return set_weights(state, call, signer)
        case CommitWeights():
            return commit_weights(state, call, signer)
        case RevealWeights():
            return reveal_weights(state, call, signer)
        case CommitTimelockedWeights():
            return commit_timelocked_weights(state, call, signer)


def fee_of(state: State, call: Call) -> int:
    """What a call costs, in rao: nothing for what a hotkey signs, which holds no tao, and for settings of a subnet."""
    paid = Transfer | Register | RegisterNetwork | StartSubnet | AddStake | RemoveStake
    return state.rules.fee if isinstance(call, paid) else 0


def with_fee(state: State, call: Call, signer: str) -> State:
    """The state when the fee is paid; raises `ExtrinsicFailed` where it cannot be, and then no block takes the call."""
    fee, held = fee_of(state, call), state.free(signer)
    if not fee:
        return state
    if held < fee:
        raise ExtrinsicFailed(
            f"InvalidTransaction.Payment: the fee is {Balance(fee)}, {short(signer)} holds {Balance(held)}",
            help="sign with a coldkey that holds tao",
        )
    return replace(state.with_free(signer, held - fee), recycled=state.recycled + fee)
