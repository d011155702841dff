# SPDX-License-Identifier: Apache-2.0
"""The stake that speaks for a hotkey: the chain's bits, and what lending may not do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.rao import HIGHEST
from incentive.emission.stake import Link, Stakes, inherited, total_stake_bits
from incentive.fixed import I64F64
from incentive.parity.payments import head_stakes
from protocols.errors import NotFinite, OutOfRange

HEAD = Path(__file__).parents[2] / "data" / "yuma" / "head.json.gz"
HALF = HIGHEST // 2 + 1
RAO = st.integers(0, 21 * 10**15)


def test_the_chains_stake_weights_are_reproduced_to_the_bit() -> None:
    cases = json.loads(gzip.decompress(HEAD.read_bytes()))["cases"]
    assert len(cases) == 80
    for case in cases:
        assert head_stakes(case["in"]) == case["out"]["total_stake_bits"], case["id"]


def test_a_child_speaks_with_what_its_parent_lends() -> None:
    stakes = Stakes(alpha={1: 1000, 2: 10}, links=[Link(parent=1, child=2, proportion=HALF)])
    assert inherited(stakes, 1, stakes.alpha) == 500
    assert inherited(stakes, 2, stakes.alpha) == 510


def test_tao_on_root_counts_at_its_weight() -> None:
    stakes = Stakes(alpha={1: 1000}, root={1: 1000}, tao_weight=HALF)
    assert [I64F64.floor(bits) for bits in total_stake_bits(stakes, [1, 2])] == [1500, 0]


@settings(deadline=None)
@given(RAO, RAO, st.lists(st.integers(0, HIGHEST // 5), min_size=1, max_size=5))
def test_lending_makes_no_stake(own: int, other: int, proportions: list[int]) -> None:
    links = [Link(parent=0, child=child, proportion=p) for child, p in enumerate(proportions, start=1)]
    stakes = Stakes(alpha={0: own, 1: other}, links=links)
    spoken = sum(inherited(stakes, hotkey, stakes.alpha) for hotkey in range(len(links) + 1))
    assert own + other - len(links) - 1 <= spoken <= own + other


def test_amounts_of_numpy_do_not_overflow() -> None:
    alpha: Any = {1: np.int64(21 * 10**15)}
    whole: Any = np.uint64(HIGHEST)
    stakes = Stakes(alpha, links=[Link(1, 2, whole)])
    assert inherited(stakes, 2, stakes.alpha) == 21 * 10**15


def test_stake_that_is_not_whole_is_refused_by_name() -> None:
    with pytest.raises(NotFinite, match=r"alpha\[7\] is nan"):
        Stakes(alpha={7: float("nan")})  # type: ignore[dict-item]  # what a caller without types may do
    with pytest.raises(OutOfRange, match="proportion is -1"):
        Link(1, 2, -1)
