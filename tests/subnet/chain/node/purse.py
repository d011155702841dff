# SPDX-License-Identifier: Apache-2.0
"""The smallest runtime that a node can run: accounts that give each other money, and a clock.

Tests of store, pool and node need a runtime whose every rule they know; this one takes no fee and checks no signature.
"""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

from subnet.chain.node.frame.hashing import blake2_128_concat, blake2_256, twox64_concat
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.scale.names import AccountId, Hash, scale_of, u32, u64
from subnet.chain.node.scale.primitives import BYTES
from subnet.chain.node.validity import InvalidTransaction, Validity

__all__ = ["ALICE", "BOB", "CAROL", "Give", "Purse", "PurseVersion", "give"]

ALICE, BOB, CAROL = (name.ljust(32, b"*") for name in (b"alice", b"bob", b"carol"))
FOREVER: Final = 2**64 - 1


class Give(NamedTuple):
    """The only extrinsic."""

    sender: AccountId
    nonce: u32
    tip: u64
    target: AccountId
    amount: u64
    longevity: u64


class Holder(NamedTuple):
    """An account."""

    nonce: u32
    free: u64


class Accounts(Pallet):
    """Accounts and blocks."""

    name: ClassVar[str] = "System"
    index: ClassVar[int] = 0

    Account = Map[Holder](Holder, Holder(0, 0), blake2_128_concat(AccountId))
    Number = Value[int](u32, 0)
    BlockHash = Map[bytes](Hash, bytes(32), twox64_concat(u32))


class Watch(Pallet):
    """The time."""

    name: ClassVar[str] = "Timestamp"
    index: ClassVar[int] = 2

    Now = Value[int](u64, 0)


class PurseVersion(NamedTuple):
    """Which rules these are."""

    spec_version: int = 1


_GIVE: Final = scale_of(Give)


class Purse:
    """The runtime."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.system = Accounts(state)
        self.timestamp = Watch(state)
        self.pallets: tuple[Pallet, ...] = (self.system, self.timestamp)
        self.version = PurseVersion()
        self.extrinsics: list[bytes] = []

    def begin(self, number: int, parent_hash: bytes, now_ms: int) -> None:
        """Start a block."""
        assert now_ms > self.timestamp.Now.value
        self.system.Number.value = number
        self.system.BlockHash[number - 1] = parent_hash
        del self.system.BlockHash[number - 5]
        self.timestamp.Now.value = now_ms
        self.extrinsics = [BYTES.encode(now_ms.to_bytes(8, "little"))]

    def validate(self, extrinsic: bytes, head: bytes | None = None) -> Validity:
        """Nonces, and whether the money is there."""
        asked: Give = _GIVE.decode(BYTES.decode(extrinsic))
        holder = self.system.Account[asked.sender]
        if asked.nonce < holder.nonce:
            raise InvalidTransaction("Stale")
        if holder.free < asked.amount:
            raise InvalidTransaction("Payment")
        return Validity(asked.sender, asked.nonce, asked.tip, asked.longevity, (), (), True)

    def apply(self, extrinsic: bytes) -> bytes:
        """Give."""
        asked: Give = _GIVE.decode(BYTES.decode(extrinsic))
        self.validate(extrinsic)
        giver = self.system.Account[asked.sender]
        if asked.nonce > giver.nonce:
            raise InvalidTransaction("Future")
        self.system.Account[asked.sender] = Holder(giver.nonce + 1, giver.free - asked.amount)
        taker = self.system.Account[asked.target]
        self.system.Account[asked.target] = taker._replace(free=taker.free + asked.amount)
        self.extrinsics.append(extrinsic)
        return blake2_256(extrinsic)

    def opens(self, key_hash: bytes) -> bool:
        """There are no envelopes."""
        return False

    def unseal(self, extrinsic: bytes) -> bytes | None:
        """There are no envelopes."""
        return None

    def finish(self) -> None:
        """Nothing is left to do."""


def give(
    sender: bytes, nonce: int, *, tip: int = 0, amount: int = 1, target: bytes = BOB, longevity: int = 1_000
) -> bytes:
    """An encoded extrinsic."""
    return BYTES.encode(_GIVE.encode(Give(sender, nonce, tip, target, amount, longevity)))
