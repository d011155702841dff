# SPDX-License-Identifier: Apache-2.0
"""The division of a block's alpha: each part as large as the rules say, and nothing left without a name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.rao import TAO
from incentive.emission.split import split, unsold
from incentive.fixed import U96F32
from protocols.errors import NotFinite, OutOfRange


@settings(deadline=None)
@given(st.integers(0, 21 * 10**15), st.integers(0, U96F32.one), st.integers(0, 65_535))
def test_every_rao_of_a_block_has_a_name(alpha: int, root: int, cut: int) -> None:
    parts = split(alpha, root, owner_cut=cut)
    paid = (parts.owner, parts.server, parts.validator, parts.root)
    assert sum(paid) + parts.dust == alpha
    assert 0 <= parts.dust <= 3
    assert min(paid) >= 0
    assert abs(parts.validator + parts.root - parts.server) <= 1


def test_a_block_of_one_alpha_goes_18_41_41() -> None:
    parts = split(TAO, 0)
    assert (parts.owner, parts.server, parts.validator, parts.root) == (179_995_422, 410_002_288, 410_002_288, 0)


@pytest.mark.parametrize(("cut", "owner"), [(0, 0), (65_535, TAO)])
def test_the_owners_cut_may_be_nothing_or_all(cut: int, owner: int) -> None:
    assert split(TAO, 0, owner_cut=cut).owner == owner


def test_root_that_is_not_paid_is_recycled_and_nobody_else_gets_it() -> None:
    paid = split(TAO, U96F32.one // 4)
    kept = unsold(paid)
    assert (kept.root, kept.recycled) == (0, paid.root)
    assert (kept.owner, kept.server, kept.validator) == (paid.owner, paid.server, paid.validator)


def test_a_part_above_the_whole_is_refused() -> None:
    with pytest.raises(OutOfRange, match="root_proportion is 4294967297"):
        split(TAO, U96F32.one + 1)
    with pytest.raises(NotFinite, match="alpha is nan"):
        split(float("nan"), 0)  # type: ignore[arg-type]  # what a caller without types may do
