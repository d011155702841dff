# SPDX-License-Identifier: Apache-2.0
"""What hotkeys publish, byte for byte.

A general decoder turns bytes that happen to be text into text, and then nobody can tell `0x41` from `A`. So what the
chain stores for a commitment is read here by its layout: a deposit, a block, and fields, of which some hold bytes.
"""

from __future__ import annotations

from typing import Final

from protocols.chain import Commitment
from protocols.errors import LedgerError
from protocols.types import Block

__all__ = ["commitment"]

_BLOCK: Final = slice(8, 12)  # after a deposit of 64 bits
_FIELDS: Final = 12
_NOTHING: Final = 0
_RAW: Final = range(1, 130)  # of as many bytes as the kind says, less one
_HASHES: Final = range(130, 134)
_SEALED: Final = 134
_RESET_BONDS: Final = 135
_BIG: Final = 136


def commitment(stored: bytes) -> Commitment:
    """What a hotkey published in the open: its fields' bytes end to end, without those that are hashed or sealed."""
    data, place = b"", _FIELDS
    count, place = _compact(stored, place)
    for _ in range(count):
        kind, place = stored[place], place + 1
        if kind in _RAW:
            part, place = _taken(stored, place, kind - _RAW.start)
            data += part
        elif kind == _BIG:
            part, place = _taken(stored, *reversed(_compact(stored, place)))
            data += part
        elif kind in _HASHES:
            _, place = _taken(stored, place, 32)
        elif kind == _SEALED:
            _, place = _taken(stored, *reversed(_compact(stored, place)))
            place += 8  # the round in which it opens
        elif kind not in (_NOTHING, _RESET_BONDS):
            raise LedgerError(f"a commitment has a field of kind {kind}, expected 0 to {_BIG}")
    return Commitment(Block(int.from_bytes(stored[_BLOCK], "little")), data)


def _taken(stored: bytes, place: int, size: int) -> tuple[bytes, int]:
    part = stored[place : place + size]
    if len(part) != size:
        raise LedgerError(f"a commitment says that it has {size} bytes more, got {len(part)}")
    return part, place + size


def _compact(stored: bytes, place: int) -> tuple[int, int]:
    """A number of one, two or four bytes, whose lowest bits say which; and where it ends."""
    size = (1, 2, 4, 0)[stored[place] & 3]
    if not size:
        raise LedgerError("a commitment says that it is longer than a block")
    return int.from_bytes(stored[place : place + size], "little") >> 2, place + size
