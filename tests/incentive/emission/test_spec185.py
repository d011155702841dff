# SPDX-License-Identifier: Apache-2.0
"""The older rules of payment: what the real runtime 185 paid, and that it lost nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.emission.spec185 import Delegate, cut_of, paid_hotkey
from incentive.parity.payments import runtime185_emission, runtime185_payments
from protocols.errors import NotFinite, OutOfRange

CASES = Path(__file__).parents[2] / "data" / "yuma" / "runtime185.json.gz"
RAO = st.integers(0, 10**15)


def test_what_the_runtime_paid_is_reproduced_to_the_rao() -> None:
    cases = json.loads(gzip.decompress(CASES.read_bytes()))["cases"]
    assert len(cases) == 60
    for case in cases:
        server, validator = case["out"]["server_emission"], case["out"]["validator_emission"]
        computed = runtime185_payments(case["in"], server, validator)
        assert computed == {field: case["out"][field] for field in computed}, case["id"]
        assert sum(server) + sum(validator) <= runtime185_emission(case["in"])


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 5), RAO, max_size=5), st.none() | st.integers(0, 65_535), RAO, RAO)
def test_a_hotkey_pays_out_all_that_it_earned(
    stakes: dict[int, int], take: int | None, server: int, validator: int
) -> None:
    after = paid_hotkey(Delegate(0, stakes, take), server=server, validator=validator)
    assert sum(after.values()) == sum(stakes.values()) + server + validator
    assert all(after[coldkey] >= stake for coldkey, stake in stakes.items())


def test_an_owner_who_is_no_delegate_keeps_all() -> None:
    assert paid_hotkey(Delegate(1, {1: 50, 2: 50}), server=10, validator=100) == {1: 160, 2: 50}


def test_a_delegate_takes_its_part_and_shares_the_rest() -> None:
    half = 32_768
    assert paid_hotkey(Delegate(1, {1: 50, 2: 50}, half), server=10, validator=1000) == {1: 50 + 10 + 750, 2: 300}


def test_the_owners_cut_is_a_part_of_a_blocks_emission() -> None:
    assert cut_of(291_386_625, 11_796) == (52_448_258, 238_938_366)  # a rao is lost between them
    with pytest.raises(NotFinite, match="emission is nan"):
        cut_of(float("nan"), 0)  # type: ignore[arg-type]  # what a caller without types may do
    with pytest.raises(OutOfRange, match="take is 65536"):
        Delegate(1, {}, 65_536)
