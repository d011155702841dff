# SPDX-License-Identifier: Apache-2.0
"""The header of a block, as it is hashed and as clients read it, and the block around it.

A block's hash is Blake2 over its encoded header. The extrinsics root is Substrate's. The state root is not that of a
trie, which no client asks for and every block would pay for: it is a hash of the one before it and of what changed, so
that two chains with equal roots came the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter
from typing import Final, NamedTuple

from protocols.types import Json
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.scale.primitives import BYTES, Compact, FixedBytes, Reader, UInt

__all__ = ["Block", "Change", "Head", "Header", "Sealed", "next_state_root", "slot_log"]

Change = tuple[bytes, bytes | None]
"""A storage key and its new value, or None where it was removed."""

_NUMBER: Final = Compact(UInt(4))
_COUNT: Final = Compact(UInt(4))
_HASH: Final = FixedBytes(32)
# By tag: Other, Consensus, Seal, PreRuntime, RuntimeEnvironmentUpdated; the three in the middle name an engine first.
_WITH_ENGINE: Final = frozenset({4, 5, 6})
_PRE_RUNTIME, _UPDATED = 6, 8
_GONE: Final = b"\xff" * 4
_SIZE: Final = struct.Struct("<I").pack
_SLOT: Final = bytes([_PRE_RUNTIME]) + b"aura" + bytes([8 << 2])
"""What comes before the eight bytes of a slot's number."""


class Head(NamedTuple):
    """Which block is the newest."""

    number: int
    hash: bytes


class _Header(NamedTuple):
    parent_hash: bytes
    number: int
    state_root: bytes
    extrinsics_root: bytes
    logs: tuple[bytes, ...] = ()
    """Encoded digest items."""


class Header(_Header):
    """The header of a block."""

    def encode(self) -> bytes:
        """What is hashed."""
        out = bytearray(self.parent_hash)
        _NUMBER.write(self.number, out)
        out += self.state_root + self.extrinsics_root
        _COUNT.write(len(self.logs), out)
        for log in self.logs:
            out += log
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """The inverse of `encode`."""
        source = Reader(data)
        parent, number = _HASH.read(source), _NUMBER.read(source)
        state_root, extrinsics_root = _HASH.read(source), _HASH.read(source)
        logs = tuple([_log(source) for _ in range(_COUNT.read(source))])
        return cls(parent, number, state_root, extrinsics_root, logs)

    @cached_property
    def hash(self) -> bytes:
        """The hash of the block."""
        return blake2_256(self.encode())

    def to_json(self) -> dict[str, Json]:
        """The header as a Substrate node answers `chain_getHeader`."""
        logs: list[Json] = [f"0x{log.hex()}" for log in self.logs]
        return {
            "parentHash": f"0x{self.parent_hash.hex()}",
            "number": hex(self.number),
            "stateRoot": f"0x{self.state_root.hex()}",
            "extrinsicsRoot": f"0x{self.extrinsics_root.hex()}",
            "digest": {"logs": logs},
        }


class Block(NamedTuple):
    """A header, and the extrinsics with their length prefixes."""

    header: Header
    extrinsics: tuple[bytes, ...]

    def to_json(self) -> dict[str, Json]:
        """The block as a Substrate node answers `chain_getBlock`."""
        extrinsics: list[Json] = [f"0x{extrinsic.hex()}" for extrinsic in self.extrinsics]
        return {"block": {"header": self.header.to_json(), "extrinsics": extrinsics}, "justifications": None}


class Sealed(NamedTuple):
    """A block that was made, with all that it changed."""

    hash: bytes
    header: Header
    extrinsics: tuple[bytes, ...]
    changes: tuple[Change, ...]

    @property
    def head(self) -> Head:
        """Which block it is."""
        return Head(self.header.number, self.hash)


def slot_log(slot: int) -> bytes:
    """The log in which an Aura chain says for which slot a block was made."""
    return _SLOT + slot.to_bytes(8, "little")


def next_state_root(before: bytes, changes: Sequence[Change]) -> bytes:
    """The root after changes: Blake2 over the one before them and each key and value in the order of the keys."""
    parts = [before]
    for key, value in sorted(changes, key=itemgetter(0)):
        # An entry that is gone has no length; each part is told from the next by the lengths before it.
        if value is None:
            parts += (_SIZE(len(key)), key, _GONE)
        else:
            parts += (_SIZE(len(key)), key, _SIZE(len(value)), value)
    return blake2_256(b"".join(parts))


def _log(source: Reader) -> bytes:
    start = source.at
    tag = source.take(1)[0]
    if tag in _WITH_ENGINE:
        source.take(4)
    if tag != _UPDATED:
        BYTES.read(source)
    return source.data[start : source.at]
