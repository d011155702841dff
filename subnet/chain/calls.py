# SPDX-License-Identifier: Apache-2.0
"""Each call of `protocols.calls` as the chain's pallets spell it, for the runtime at hand.

Runtimes differ in a few calls: an older one wants to be told the mechanism of a new subnet, or knows sealed weights by
an older name. What a chain could not read is refused here, before anything is signed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, Final

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
from protocols.errors import ExtrinsicFailed, LedgerError, UnitMismatch
from protocols.hyperparameters import described
from protocols.keys import decode_address
from subnet.chain.dials import Written, set_hyperparameter

__all__ = ["Arity", "check_readable", "written"]

Arity = Callable[[str, str], int | None]
"""How many arguments a pallet's function takes, or None where the runtime has no such function."""

_SUBTENSOR: Final = "SubtensorModule"
_RAW: Final = 128  # the most bytes that a commitment's small field holds
_BIG: Final = 512
_HERE: Final = "127.0.0.1"
_MAPPED: Final = 0xFFFF << 32
_U64: Final = 2**64 - 1
_YUMA: Final = 1


def check_readable(call: Call) -> None:
    """Refuse what could not be written as a call of any chain: bad addresses, unknown names, the wrong token."""
    match call:
        case Transfer(destination=address):
            decode_address(address)
            _check_token(call.amount, 0)
        case AddStake(hotkey=address):
            decode_address(address)
            _check_token(call.amount, 0)
        case RemoveStake(hotkey=address):
            decode_address(address)
            _check_token(call.amount, call.netuid)
        case Register(hotkey=address) | RegisterNetwork(hotkey=address):
            decode_address(address)
        case SetHyperparameter():
            described(call.name)
        case SetWeights() | RevealWeights():
            _check_size("version key", call.version_key, _U64)
        case _:
            pass


def written(call: Call, arity: Arity, *, is_root: bool = False, alphas: tuple[int, int] = (0, 0)) -> Written:
    """The call as this runtime spells it; raises `ExtrinsicFailed` where it has no such call."""
    spelled = _accounts(call) or _weights(call, arity)
    if spelled is None:
        assert isinstance(call, SetHyperparameter)
        spelled = set_hyperparameter(call, is_root=is_root, alphas=alphas)
    takes = arity(spelled.pallet, spelled.function)
    if takes is None:
        raise ExtrinsicFailed(
            f"CallNotFound: this chain's runtime has no {spelled.pallet}.{spelled.function}",
            help="its runtime is older or newer than this call",
        )
    if isinstance(call, RegisterNetwork) and takes > len(spelled.arguments):
        return spelled._replace(arguments=(*spelled.arguments, _YUMA))
    return spelled


def _accounts(call: Call) -> Written | None:
    match call:
        case Transfer():
            return Written("Balances", "transfer_keep_alive", (call.destination, call.amount.rao))
        case RegisterNetwork():
            return Written(_SUBTENSOR, "register_network", (call.hotkey,))
        case StartSubnet():
            return Written(_SUBTENSOR, "start_call", (call.netuid,))
        case Register():
            return Written(_SUBTENSOR, "burned_register", (call.netuid, call.hotkey))
        case AddStake():
            return Written(_SUBTENSOR, "add_stake", (call.hotkey, call.netuid, call.amount.rao))
        case RemoveStake():
            return Written(_SUBTENSOR, "remove_stake", (call.hotkey, call.netuid, call.amount.rao))
        case ServeAxon(endpoint=place):
            ip = ipaddress.ip_address(place.ip)
            # Runtimes refuse 127.0.0.1, where everybody answers on a chain of one machine; they take the same address
            # as IPv6 writes it, and readers make it the same again.
            number, version = (_MAPPED | int(ip), 6) if str(ip) == _HERE else (int(ip), ip.version)
            where = (number, place.port, version, place.protocol)
            return Written(_SUBTENSOR, "serve_axon", (call.netuid, place.version, *where, 0, 0))
        case SetCommitment():
            fields = [_field(call.data)]
            plain = (call.netuid, {"fields": fields})
            return Written("Commitments", "set_commitment", (call.netuid, {"fields": (fields,)}), otherwise=plain)
        case _:
            return None


def _weights(call: Call, arity: Arity) -> Written | None:
    match call:
        case SetWeights():
            return Written(_SUBTENSOR, "set_weights", (call.netuid, [*call.uids], [*call.values], call.version_key))
        case CommitWeights():
            return Written(_SUBTENSOR, "commit_weights", (call.netuid, _hex(call.commit_hash)))
        case RevealWeights():
            vectors = ([*call.uids], [*call.values], [*call.salt])
            return Written(_SUBTENSOR, "reveal_weights", (call.netuid, *vectors, call.version_key))
        case CommitTimelockedWeights():
            arguments = (call.netuid, _hex(call.ciphertext), call.reveal_round)
            if arity(_SUBTENSOR, "commit_timelocked_weights") is None:
                return Written(_SUBTENSOR, "commit_crv3_weights", arguments)
            return Written(_SUBTENSOR, "commit_timelocked_weights", (*arguments, call.version))
        case _:
            return None


def _field(data: bytes) -> dict[str, Any]:
    if len(data) <= _RAW:
        return {f"Raw{len(data)}": _hex(data)}
    if len(data) <= _BIG:
        return {"BigRaw": _hex(data)}
    raise ExtrinsicFailed(
        f"SpaceLimitExceeded: the commitment has {len(data)} bytes, expected at most {_BIG}",
        help="publish a hash, and the content elsewhere",
    )


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"


def _check_size(what: str, number: int, highest: int) -> None:
    if not 0 <= number <= highest:
        raise LedgerError(f"{what} is {number}, expected 0 to {highest}")


def _check_token(amount: Balance, netuid: int) -> None:
    if amount.netuid != netuid:
        raise UnitMismatch(f"the amount is {amount}, expected {'tao' if netuid == 0 else f'alpha of subnet {netuid}'}")
