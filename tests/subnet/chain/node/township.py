# SPDX-License-Identifier: Apache-2.0
"""A runtime with a few people on it, and transactions that are put together byte by byte.

The bytes are made here without the code under test, from the published layout of version 4 transactions: what we
sign is what a wallet would sign.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from protocols.keys import Keypair
from subnet.chain.node.frame.state import State
from subnet.chain.node.outcome import RUNTIME_CALL
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.composites import Variant

__all__ = ["ALICE", "BOB", "CAROL", "GENESIS", "RICH", "Township", "call", "compact", "ident"]

ALICE: Final = Keypair.from_uri("//Alice")
BOB: Final = Keypair.from_uri("//Bob")
CAROL: Final = Keypair.from_uri("//Charlie")
GENESIS: Final = bytes([7]) * 32
RICH: Final = 1_000_000_000_000
_SIGNED_LENGTH: Final = 256


def call(pallet: str, name: str, *arguments: Any) -> Variant:
    """A call as pallets are given it."""
    return Variant(pallet, (Variant(name, arguments),))


def ident(who: Keypair | bytes) -> Variant:
    """An account as an argument."""
    return Variant("Id", (who if isinstance(who, bytes) else who.public_key,))


def compact(number: int) -> bytes:
    """A number as short as it can be."""
    if number < 64:
        return bytes([number << 2])
    if number < 1 << 14:
        return (number << 2 | 1).to_bytes(2, "little")
    if number < 1 << 30:
        return (number << 2 | 2).to_bytes(4, "little")
    size = (number.bit_length() + 7) // 8
    return bytes([(size - 4) << 2 | 3]) + number.to_bytes(size, "little")


class Township:
    """A runtime, and who signs for it."""

    def __init__(self, *people: Keypair) -> None:
        self.state = State()
        self.runtime = Runtime(self.state)
        self.block = 0
        for person in people or (ALICE, BOB):
            self.runtime.balances.mint(person.public_key, RICH)
        self.state.forget()

    def nonce(self, who: Keypair) -> int:
        """The nonce of somebody's next transaction."""
        return self.runtime.system.Account[who.public_key].nonce

    def free(self, who: Keypair | bytes) -> int:
        """What somebody has."""
        return self.runtime.balances.free(who if isinstance(who, bytes) else who.public_key)

    def total(self) -> int:
        """What all accounts have together."""
        return sum(info.data.free + info.data.reserved for _, info in self.runtime.system.Account.items())

    def sign(
        self,
        who: Keypair,
        made: Variant | bytes,
        *,
        nonce: int | None = None,
        tip: int = 0,
        era: bytes = b"\0",
        genesis: bytes = GENESIS,
        birth: bytes | None = None,
        spec: int | None = None,
    ) -> bytes:
        """A signed transaction."""
        data = made if isinstance(made, bytes) else RUNTIME_CALL.encode(made)
        version = self.runtime.version
        extra = era + compact(self.nonce(who) if nonce is None else nonce) + compact(tip) + b"\0"
        versions = (version.spec_version if spec is None else spec).to_bytes(4, "little") + (1).to_bytes(4, "little")
        signed = data + extra + versions + genesis + (genesis if birth is None else birth) + b"\0"
        if len(signed) > _SIGNED_LENGTH:
            signed = hashlib.blake2b(signed, digest_size=32).digest()
        scheme = b"\x01" if who.scheme == "sr25519" else b"\x00"
        body = b"\x84\x00" + who.public_key + scheme + who.sign(signed) + extra + data
        return compact(len(body)) + body

    def begin(self) -> None:
        """Start the next block."""
        parent = GENESIS if self.block == 0 else self.hash(self.block)
        self.block += 1
        self.runtime.begin(self.block, parent, self.block * 12_000)

    def hash(self, number: int) -> bytes:
        """The made-up hash of a block."""
        return number.to_bytes(32, "little")

    def make(self, *extrinsics: bytes) -> list[tuple[str, str, tuple[Any, ...]]]:
        """Make a block, and return what happened in it after the time was set."""
        self.begin()
        for extrinsic in extrinsics:
            self.runtime.apply(extrinsic)
        self.runtime.finish()
        records = self.runtime.system.Events_.value
        self.state.forget()
        happened = [(record.event.name, *record.event.fields[0]) for record in records[1:]]
        return [(pallet, name, fields) for pallet, name, fields in happened]

    def do(self, who: Keypair, made: Variant) -> list[tuple[str, str, tuple[Any, ...]]]:
        """Make a block with one call in it, and return what happened."""
        return self.make(self.sign(who, made))

    def failure(self, happened: list[tuple[str, str, tuple[Any, ...]]]) -> Variant:
        """Why the last transaction of a block failed."""
        pallet, name, fields = happened[-1]
        assert (pallet, name) == ("System", "ExtrinsicFailed"), happened
        reason: Variant = fields[0]
        return reason
