# SPDX-License-Identifier: Apache-2.0
"""The curve of emission: the chain's own values, and what follows from them."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.halving import SUPPLY, block_emission, halvings, threshold
from incentive.emission.rao import TAO
from protocols.errors import NotFinite, OutOfRange

MISC = Path(__file__).parents[2] / "data" / "yuma" / "misc.json.gz"
ISSUANCE = st.integers(0, SUPPLY + TAO)


def test_the_chains_table_is_reproduced_to_the_rao() -> None:
    rows = json.loads(gzip.decompress(MISC.read_bytes()))["block_emission[issuance,emission]"]
    assert len(rows) == 222
    assert [block_emission(issuance) for issuance, _ in rows] == [emission for _, emission in rows]


@settings(deadline=None)
@given(ISSUANCE, ISSUANCE)
def test_emission_never_rises_with_what_is_issued(one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert TAO >= block_emission(less) >= block_emission(more) >= 0


def test_a_threshold_is_the_first_issuance_of_its_step() -> None:
    for step in halvings():
        assert threshold(step.number) == step.issuance
        assert block_emission(step.issuance) == step.block_emission == TAO >> step.number
        assert step.issuance == 0 or block_emission(step.issuance - 1) > step.block_emission


def test_steps_meet_and_the_last_ends_where_nothing_is_emitted() -> None:
    steps = list(halvings())
    assert [step.blocks for step in steps[:10]] == [10_500_000] * 10
    assert steps[0].per_day == 7200 * TAO
    for step, following in pairwise(steps):
        assert 0 <= step.issuance + step.blocks * step.block_emission - following.issuance < step.block_emission
    assert block_emission(threshold(len(steps))) == block_emission(SUPPLY) == 0


def test_a_number_that_is_not_whole_is_refused_by_name() -> None:
    with pytest.raises(NotFinite, match="issuance is nan"):
        block_emission(float("nan"))  # type: ignore[arg-type]  # what a caller without types may do
    with pytest.raises(OutOfRange, match=r"issuance is 1\.0, expected a whole number"):
        block_emission(1.0)  # type: ignore[arg-type]  # a float, if a whole one
    with pytest.raises(OutOfRange, match="issuance is -1"):
        block_emission(-1)
    with pytest.raises(OutOfRange, match="number is 31"):
        threshold(31)
