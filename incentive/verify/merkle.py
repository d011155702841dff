# SPDX-License-Identifier: Apache-2.0
"""One short hash that commits a miner to a long list, any entry of which it can be asked to show.

Trees are those of RFC 6962: leaves and inner nodes are hashed apart, so that a node cannot be passed off as an entry,
and an odd node moves up unpaired, so that no two lists have one root. The checker never trusts the shape of a proof: it
follows from the size and the index, which it knows itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocols.errors import OutOfRange, WrongShape

__all__ = ["Commitment", "HASH_BYTES", "Tree", "leaf_hash", "node_hash", "verify"]

HASH_BYTES: Final = 32
_MOST: Final = 2**63 - 1
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry: SHA-256 behind a zero byte."""
    return hashlib.sha256(_LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two hashes: SHA-256 behind a one byte."""
    return hashlib.sha256(_NODE + left + right).digest()


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a miner sends before it knows what it will be asked: the root, and how many entries are below it.

    The root alone does not fix the size, and with another size an entry would stand at another index.
    """

    root: bytes
    size: int

    def __post_init__(self) -> None:
        if len(self.root) != HASH_BYTES:
            raise WrongShape(f"root has {len(self.root)} bytes, expected {HASH_BYTES}")
        if not 1 <= self.size <= _MOST:
            raise OutOfRange(f"size is {self.size}, expected 1 to {_MOST}")


class Tree:
    """A list of entries with all its hashes: the side that commits and is asked.

    tree = Tree(steps)
    verify(tree.commitment, 3, steps[3], tree.prove(3))
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if not leaves:
            raise OutOfRange("leaves has 0 entries, expected 1 or more")
        self.leaves: tuple[bytes, ...] = tuple(leaves)
        levels = [[leaf_hash(leaf) for leaf in self.leaves]]
        while len(levels[-1]) > 1:
            levels.append(_above(levels[-1]))
        self._levels = levels

    @property
    def commitment(self) -> Commitment:
        """The root and the size."""
        return Commitment(self.root, len(self.leaves))

    @property
    def root(self) -> bytes:
        """The hash above all entries."""
        return self._levels[-1][0]

    def prove(self, index: int) -> tuple[bytes, ...]:
        """The hashes beside the way from an entry to the root, lowest first."""
        self._check(index, 0)
        path = []
        for level in self._levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                path.append(level[beside])
            index //= 2
        return tuple(path)

    def node(self, index: int, height: int) -> bytes:
        """The hash at a place of a level, counted from the entries' own at height 0."""
        self._check(index, height)
        return self._levels[height][index]

    def _check(self, index: int, height: int) -> None:
        if not 0 <= height < len(self._levels) or not 0 <= index < len(self._levels[height]):
            raise OutOfRange(f"there is no node {index} at height {height} above {len(self.leaves)} entries")


def verify(commitment: Commitment, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether this entry stands at this index; false for any path that is not exactly the one `Tree.prove` gives."""
    if not 0 <= index < commitment.size:
        return False
    sides = _sides(index, commitment.size)
    # Before anything is hashed: a path of a million nodes must cost its sender more than us.
    if len(path) != len(sides) or any(len(node) != HASH_BYTES for node in path):
        return False
    digest = leaf_hash(leaf)
    for is_right, beside in zip(sides, path, strict=True):
        digest = node_hash(beside, digest) if is_right else node_hash(digest, beside)
    return digest == commitment.root


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return pairs + level[len(pairs) * 2 :]


def _sides(index: int, size: int) -> list[bool]:
    """For every level where the way has a node beside it: whether the way is on the right of it."""
    sides = []
    while size > 1:
        if index ^ 1 < size:
            sides.append(index % 2 == 1)
        index, size = index // 2, (size + 1) // 2
    return sides
