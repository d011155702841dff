# SPDX-License-Identifier: Apache-2.0
"""The root of the trie of a block's extrinsics, by which its header says what is in it.

Substrate's own trie, with the layout of state version 0, over the numbers of the extrinsics: light clients and block
explorers can check a block of ours as they check any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.scale.primitives import BYTES, Compact, UInt

__all__ = ["EMPTY_ROOT", "ordered_root"]

_Entry = tuple[bytes, bytes]
"""The nibbles of a key, one a byte, and the value."""

_INDEX: Final = Compact(UInt(4))
_LEAF, _BRANCH, _BRANCH_WITH_VALUE = 0b01, 0b10, 0b11
_INLINE: Final = 32
_FULL: Final = 63
_ALONE: Final = bytes([_LEAF << 6 | 2, 0])
"""The head of a leaf at the two nibbles of the first index."""
EMPTY_ROOT: Final = bytes.fromhex("03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314")
"""Of a block without extrinsics."""


def ordered_root(values: Sequence[bytes]) -> bytes:
    """The root over values at their places."""
    if not values:
        return EMPTY_ROOT
    if len(values) == 1:  # most blocks: nothing but the time
        return blake2_256(_ALONE + BYTES.encode(values[0]))
    entries = [(_nibbles(_INDEX.encode(place)), value) for place, value in enumerate(values)]
    return blake2_256(_node(sorted(entries), 0))


def _nibbles(key: bytes) -> bytes:
    return bytes([half for byte in key for half in (byte >> 4, byte & 15)])


def _node(entries: list[_Entry], depth: int) -> bytes:
    first, last = entries[0][0], entries[-1][0]
    if len(entries) == 1:
        return _head(_LEAF, first[depth:]) + BYTES.encode(entries[0][1])
    end = depth
    while end < min(len(first), len(last)) and first[end] == last[end]:
        end += 1
    # Sorted, so that only the first entry can end where the others go on.
    value = BYTES.encode(entries.pop(0)[1]) if len(first) == end else None
    children = [[entry for entry in entries if entry[0][end] == nibble] for nibble in range(16)]
    bitmap = sum(1 << nibble for nibble, below in enumerate(children) if below)
    kind = _BRANCH if value is None else _BRANCH_WITH_VALUE
    encoded = b"".join(BYTES.encode(_reference(_node(below, end + 1))) for below in children if below)
    return _head(kind, first[depth:end]) + bitmap.to_bytes(2, "little") + (value or b"") + encoded


def _reference(node: bytes) -> bytes:
    return node if len(node) < _INLINE else blake2_256(node)


def _head(kind: int, partial: bytes) -> bytes:
    length = len(partial)
    head = bytearray([kind << 6 | min(length, _FULL)])
    if length >= _FULL:
        rest = length - _FULL
        head += b"\xff" * (rest // 255) + bytes([rest % 255])
    if length % 2:
        head.append(partial[0])
    pairs = partial[length % 2 :]
    head += bytes([high << 4 | low for high, low in zip(pairs[::2], pairs[1::2], strict=True)])
    return bytes(head)
