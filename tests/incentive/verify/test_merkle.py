# SPDX-License-Identifier: Apache-2.0
"""A proof shows the entry at its index, and no other bytes show anything."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.verify.merkle import Commitment, Tree, leaf_hash, node_hash, verify
from protocols.errors import OutOfRange, WrongShape

# The first entries and roots of the tests of google/certificate-transparency, merkletree/merkle_tree_test.cc.
ENTRIES = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58))]
ENTRIES.append(bytes(range(0x60, 0x70)))
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = st.integers(1, 40)


def tree_of(size: int) -> Tree:
    return Tree([f"step {step}".encode() for step in range(size)])


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert Tree(ENTRIES[:size]).root.hex() == ROOTS[size - 1]


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40))
@settings(deadline=None, max_examples=50)
def test_a_root_is_that_of_the_definition(leaves: list[bytes]) -> None:
    assert Tree(leaves).root == by_definition(leaves)


@pytest.mark.parametrize("size", range(1, 41))
def test_every_entry_is_shown_at_its_index_and_at_no_other(size: int) -> None:
    tree = tree_of(size)
    for index, leaf in enumerate(tree.leaves):
        path = tree.prove(index)
        shown_at = [other for other in range(-1, size + 2) if verify(tree.commitment, other, leaf, path)]
        assert shown_at == [index]
        assert len(path) <= (size - 1).bit_length()


@given(SIZES, st.data())
@settings(deadline=None, max_examples=50)
def test_a_changed_entry_or_path_shows_nothing(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    index = data.draw(st.integers(0, size - 1))
    leaf, path = tree.leaves[index], list(tree.prove(index))
    assert not verify(tree.commitment, index, leaf + b"!", path)
    assert not verify(tree.commitment, index, leaf, [*path, bytes(32)])
    assert not verify(tree.commitment, index, leaf, [bytes(32), *path])
    if path:
        assert not verify(tree.commitment, index, leaf, path[:-1])
        assert not verify(tree.commitment, index, leaf, path[1:])
        at = data.draw(st.integers(0, len(path) - 1))
        node = path[at]
        for changed in (bytes([node[0] ^ 1]) + node[1:], node[:-1], node + b"\x00", b""):
            assert not verify(tree.commitment, index, leaf, [*path[:at], changed, *path[at + 1 :]])


def test_an_inner_node_passes_for_no_entry() -> None:
    tree = tree_of(4)
    left, right = leaf_hash(tree.leaves[0]), leaf_hash(tree.leaves[1])
    beside = node_hash(leaf_hash(tree.leaves[2]), leaf_hash(tree.leaves[3]))
    # The second preimage of trees without domain separation: a shorter list whose entries are nodes.
    shorter = Commitment(tree.root, 2)
    for entry in (left + right, b"\x01" + left + right, node_hash(left, right)):
        assert not verify(shorter, 0, entry, [beside])
        assert not verify(tree.commitment, 0, entry, [beside])


def test_a_list_with_its_last_entry_doubled_has_another_root() -> None:
    leaves = list(tree_of(3).leaves)
    assert Tree(leaves).root != Tree([*leaves, leaves[-1]]).root


def test_a_longer_path_than_any_costs_nothing_to_refuse() -> None:
    tree = tree_of(3)
    assert not verify(tree.commitment, 0, tree.leaves[0], [bytes(32)] * 1_000_000)
    assert not verify(Commitment(tree.root, 2**63 - 1), 2**62, tree.leaves[0], [bytes(32)] * 62)


def test_what_cannot_be_committed_to_or_proved_is_refused() -> None:
    with pytest.raises(OutOfRange, match="0 entries"):
        Tree([])
    for index in (-1, 3):
        with pytest.raises(OutOfRange, match=f"no node {index} at height 0"):
            tree_of(3).prove(index)
    with pytest.raises(OutOfRange, match="height 3"):
        tree_of(3).node(0, 3)
    with pytest.raises(WrongShape, match="31 bytes"):
        Commitment(bytes(31), 1)
    for size in (0, 2**63):
        with pytest.raises(OutOfRange, match=f"size is {size}"):
            Commitment(bytes(32), size)
