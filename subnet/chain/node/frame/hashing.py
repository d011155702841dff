# SPDX-License-Identifier: Apache-2.0
"""The hashes of storage keys, as Substrate makes them.

A hasher that appends what it hashed lets a key be read back from the bytes under which a value is stored; only such
ones are used here, as in every pallet that we have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import xxhash

from subnet.chain.node.scale.names import scale_of
from subnet.chain.node.scale.primitives import Reader, ScaleType

__all__ = ["Key", "blake2_128_concat", "blake2_256", "identity", "keccak_256", "twox64_concat", "twox_128"]


def blake2_256(data: bytes) -> bytes:
    """The hash of blocks, extrinsics and calls."""
    return hashlib.blake2b(data, digest_size=32).digest()


def keccak_256(data: bytes) -> bytes:
    """The hash of Ethereum's wallets, and of work."""
    from substrateinterface.utils.ecdsa_helpers import eth_utils_keccak

    hashed: bytes = eth_utils_keccak(data)
    return hashed


def twox_128(data: bytes) -> bytes:
    """The hash of the names of pallets and their items."""
    return xxhash.xxh64_intdigest(data, 0).to_bytes(8, "little") + xxhash.xxh64_intdigest(data, 1).to_bytes(8, "little")


@dataclass(frozen=True)
class Key:
    """One part of a storage key: its type, and the hash that goes before it."""

    type: ScaleType
    hasher: str
    """As the metadata calls it."""
    prefix: Callable[[bytes], bytes]
    width: int

    def encode(self, value: Any) -> bytes:
        """The hash and the value."""
        data = self.type.encode(value)
        return self.prefix(data) + data

    def read(self, source: Reader) -> Any:
        """The value after its hash."""
        source.take(self.width)
        return self.type.read(source)


def identity(hint: Any) -> Key:
    """A key as it is."""
    return Key(scale_of(hint), "Identity", _nothing, 0)


def twox64_concat(hint: Any) -> Key:
    """A key that nobody from outside chooses."""
    return Key(scale_of(hint), "Twox64Concat", _twox64, 8)


def blake2_128_concat(hint: Any) -> Key:
    """A key that anybody chooses."""
    return Key(scale_of(hint), "Blake2_128Concat", _blake2_128, _BLAKE2_128)


_BLAKE2_128: Final = 16


def _nothing(data: bytes) -> bytes:
    return b""


def _twox64(data: bytes) -> bytes:
    return xxhash.xxh64_intdigest(data, 0).to_bytes(8, "little")


def _blake2_128(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_BLAKE2_128).digest()
