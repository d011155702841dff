# SPDX-License-Identifier: Apache-2.0
"""Everything that a miner, a validator or a subnet's owner asks a chain to do, as values.

A call says what is wanted and nothing of how it travels: the in-process chain executes it, a client of a Substrate
chain turns it into an extrinsic. Calls can be compared, shown, and stored before they are sent. What a chain decides
(permits, rate limits, balances) is not checked here; what no chain could read is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from protocols.balance import Balance
from protocols.endpoint import Endpoint
from protocols.errors import LedgerError
from protocols.hyperparameters import Value
from protocols.keys import decode_address
from protocols.types import Coldkey, Hotkey, NetUid, Uid

__all__ = [
    "AddStake",
    "Call",
    "CommitTimelockedWeights",
    "CommitWeights",
    "Register",
    "RegisterNetwork",
    "RemoveStake",
    "RevealWeights",
    "ServeAxon",
    "SetCommitment",
    "SetHyperparameter",
    "SetWeights",
    "StartSubnet",
    "Transfer",
]

_U16: Final = 0xFFFF
_HASH_BYTES: Final = 32


class _Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="call", tag=True):
    """Base of all calls; the tag makes the union `Call` readable from storage."""


class Transfer(_Call, frozen=True):
    """Give tao to another account; signed by the coldkey that holds it."""

    destination: Coldkey
    amount: Balance


class RegisterNetwork(_Call, frozen=True):
    """Create a subnet whose owner is the signing coldkey; the `NetworkAdded` event names its netuid."""

    hotkey: Hotkey


class StartSubnet(_Call, frozen=True):
    """Open a subnet for staking and emission; signed by its owner's coldkey."""

    netuid: NetUid


class SetHyperparameter(_Call, frozen=True):
    """Change one hyperparameter; signed by the owner's coldkey, for some of them only by root."""

    netuid: NetUid
    name: str
    value: Value


class Register(_Call, frozen=True):
    """Buy a uid for a hotkey at the price of the moment; signed by the coldkey that pays and will own it."""

    netuid: NetUid
    hotkey: Hotkey


class AddStake(_Call, frozen=True):
    """Turn tao into a subnet's alpha, staked on a hotkey; signed by the coldkey that pays."""

    netuid: NetUid
    hotkey: Hotkey
    amount: Balance


class RemoveStake(_Call, frozen=True):
    """Turn staked alpha back into tao; signed by the coldkey that staked it."""

    netuid: NetUid
    hotkey: Hotkey
    amount: Balance


class ServeAxon(_Call, frozen=True):
    """Publish where the signing hotkey's miner answers."""

    netuid: NetUid
    endpoint: Endpoint


class SetCommitment(_Call, frozen=True):
    """Publish a few bytes under the signing hotkey, such as the hash of the model that it serves."""

    netuid: NetUid
    data: bytes


class SetWeights(_Call, frozen=True):
    """Set the signing hotkey's weights in the open."""

    netuid: NetUid
    uids: tuple[Uid, ...]
    values: tuple[int, ...]
    version_key: int = 0

    def __post_init__(self) -> None:
        _check_weights(self.uids, self.values)


class CommitWeights(_Call, frozen=True):
    """Commit the signing hotkey to weights by their hash; `RevealWeights.commitment` makes it."""

    netuid: NetUid
    commit_hash: bytes

    def __post_init__(self) -> None:
        if len(self.commit_hash) != _HASH_BYTES:
            raise LedgerError(f"commit hash has {len(self.commit_hash)} bytes, expected {_HASH_BYTES}")


class RevealWeights(_Call, frozen=True):
    """Show the weights behind a `CommitWeights`, with the salt that kept them from being guessed."""

    netuid: NetUid
    uids: tuple[Uid, ...]
    values: tuple[int, ...]
    salt: tuple[int, ...]
    version_key: int = 0

    def __post_init__(self) -> None:
        _check_weights(self.uids, self.values)
        _check_u16("salt", self.salt)

    def commitment(self, hotkey: Hotkey) -> CommitWeights:
        """The commit that this reveals, for the hotkey that will sign both."""
        content = (
            decode_address(hotkey)
            + self.netuid.to_bytes(2, "little")
            + b"".join(_scale(vector) for vector in (self.uids, self.values, self.salt))
            + self.version_key.to_bytes(8, "little")
        )
        return CommitWeights(self.netuid, hashlib.blake2b(content, digest_size=_HASH_BYTES).digest())


class CommitTimelockedWeights(_Call, frozen=True):
    """Commit the signing hotkey to encrypted weights that open by themselves when a drand round is published."""

    netuid: NetUid
    ciphertext: bytes
    reveal_round: int
    version: int


Call: TypeAlias = (
    Transfer
    | RegisterNetwork
    | StartSubnet
    | SetHyperparameter
    | Register
    | AddStake
    | RemoveStake
    | ServeAxon
    | SetCommitment
    | SetWeights
    | CommitWeights
    | RevealWeights
    | CommitTimelockedWeights
)


def _check_weights(uids: Sequence[int], values: Sequence[int]) -> None:
    if len(uids) != len(values):
        raise LedgerError(f"{len(uids)} uids have {len(values)} weights, expected one weight for each uid")
    _check_u16("uid", uids)
    _check_u16("weight", values)


def _check_u16(what: str, numbers: Sequence[int]) -> None:
    for number in numbers:
        if not 0 <= number <= _U16:
            raise LedgerError(f"{what} is {number}, expected 0 to {_U16}")


# SCALE, the chain's encoding: a list is its length, in one, two or four bytes, then its items.
def _scale(numbers: Sequence[int]) -> bytes:
    count = len(numbers)
    mode, size = (0, 1) if count < 1 << 6 else (1, 2) if count < 1 << 14 else (2, 4)
    return (count << 2 | mode).to_bytes(size, "little") + b"".join(number.to_bytes(2, "little") for number in numbers)
