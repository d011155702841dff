# SPDX-License-Identifier: Apache-2.0
"""The epoch against the oracle, on networks of every unpleasant kind, and what it promises whatever the network."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.consensus import FIXED, FLOAT, GRID, Epoch, Ledger, Liquid, Lists, Rules, Settings, Terms, Yuma1, Yuma3
from incentive.consensus.arithmetic import Arithmetic
from tests.incentive.consensus import literal
from tests.incentive.consensus.literal import Row, Stored

PER_U16 = 65_535
RAO = 10**12
BLOCK = 10_000
u16s = st.integers(0, PER_U16)


@st.composite
def networks(draw: st.DrawFn) -> Stored:
    """A small network in which anything may be missing, equal, zero, stale or out of order."""
    n = draw(st.integers(1, 6))

    def column(cell: st.SearchStrategy[int]) -> list[int]:
        return draw(st.lists(cell, min_size=n, max_size=n))

    def rows() -> list[Row]:
        values = st.one_of(u16s, st.sampled_from([0, 1, 100, PER_U16]))
        uids = st.lists(st.integers(0, n - 1), unique=True)
        return [[(uid, draw(values)) for uid in draw(uids)] for _ in range(n)]

    recent = st.integers(BLOCK - 400, BLOCK)
    stakes = st.sampled_from([0, 1, 10**9, 10**9, 2 * 10**9, 3 * 10**12, 10**16])
    return Stored(
        block=BLOCK,
        registered=column(st.sampled_from([0, 0, 0, BLOCK - 370, BLOCK - 200, BLOCK - 5])),
        last_update=column(recent),
        permits=[bool(bit) for bit in column(st.sampled_from([0, 1, 1, 1]))],
        stake=column(stakes),
        weights=rows(),
        bonds=rows(),
        kappa=draw(st.sampled_from([0, 1, 20_000, 32_767, 32_768, PER_U16])),
        bonds_penalty=draw(st.sampled_from([0, 10_000, PER_U16])),
        bonds_moving_average=draw(st.sampled_from([0, 500_000, 900_000, 10**6])),
        liquid=draw(st.sampled_from([None, (45_875, 58_982, 1000), (6_553, 19_660, -500), (1_638, 65_535, 32_767)])),
        yuma3=draw(st.booleans()),
        max_validators=draw(st.sampled_from([1, 2, 128])),
        activity_cutoff=draw(st.sampled_from([1, 200, 5000])),
        threshold=draw(st.sampled_from([0, 10**9])),
        owner=draw(st.sampled_from([None, 0])),
        last_step=draw(st.sampled_from([0, BLOCK - 360, BLOCK - 1])),
        committed=draw(st.none() | st.just(column(recent | st.just(2**63 - 1)))),
    )


def computed(net: Stored, rao: int = RAO, numbers: Arithmetic = FIXED) -> Terms:
    """The epoch under test."""
    low, high, steepness = net.liquid or (0, 0, 0)
    liquid = Liquid(Fraction(low, PER_U16), Fraction(high, PER_U16), Fraction(steepness, 100)) if net.liquid else None
    rules = Rules(
        kappa=Fraction(net.kappa, PER_U16),
        bonds_penalty=Fraction(net.bonds_penalty, PER_U16),
        bonds_moving_average=Fraction(net.bonds_moving_average, 10**6),
        liquid=liquid,
    )
    chosen = Settings(
        rules=rules,
        version=Yuma3 if net.yuma3 else Yuma1,
        max_validators=net.max_validators,
        activity_cutoff=net.activity_cutoff,
        tempo=net.tempo,
        stake_threshold=net.threshold,
        owner_uid=net.owner,
    )
    ledger = Ledger(
        block=net.block,
        registered=np.array(net.registered),
        last_update=np.array(net.last_update),
        permits=np.array(net.permits),
        stake=[rao << 64 for rao in net.stake],
        weights=Lists.of(net.weights),
        bonds=Lists.of(net.bonds),
        committed=None if net.committed is None else np.array(net.committed),
        last_step=net.last_step,
    )
    return Epoch(chosen, numbers).run(ledger, rao)


@settings(deadline=None, max_examples=150)
@given(networks())
def test_an_epoch_is_what_the_chain_computes_number_by_number(net: Stored) -> None:
    terms, paid = computed(net), literal.epoch(net, RAO)
    for column in ("consensus", "incentive", "dividends", "validator_trust", "permits"):
        assert getattr(terms, column).tolist() == getattr(paid, column), column
    assert terms.emission == paid.emission
    assert terms.bonds == paid.bonds


@settings(deadline=None, max_examples=80)
@given(networks())
def test_floats_on_the_chains_grid_are_within_one_unit_of_what_it_stores(net: Stored) -> None:
    fixed, floats = computed(net), computed(net, numbers=GRID)
    for column in ("consensus", "incentive", "dividends", "validator_trust", "stake_weight", "trust"):
        assert np.abs(getattr(fixed, column) - getattr(floats, column)).max() <= 1, column
    assert fixed.permits.tolist() == floats.permits.tolist()


@settings(deadline=None, max_examples=40)
@given(networks(), st.integers(0, 2**63))
def test_no_more_is_paid_than_was_there_and_dust_is_small(net: Stored, rao: int) -> None:
    terms = computed(net, rao)
    paid = sum(terms.server_emission) + sum(terms.validator_emission)
    assert 0 <= paid <= rao
    if sum(terms.emission):
        places = 2 * len(net.stake)
        # Each part is floored twice: to 2^-32 of the whole, and to whole rao.
        assert rao - paid <= places * (rao / 2**32 + 1) + rao / 2**32


@settings(deadline=None, max_examples=40)
@given(networks())
def test_columns_are_16_bit_counts_whatever_the_network(net: Stored) -> None:
    for numbers in (FIXED, FLOAT, GRID):
        terms = computed(net, RAO, numbers)
        for column in (terms.consensus, terms.incentive, terms.dividends, terms.validator_trust, terms.stake_weight):
            assert column.min() >= 0
            assert column.max() <= PER_U16


@settings(deadline=None, max_examples=40)
@given(networks())
def test_who_has_which_uid_does_not_matter(net: Stored) -> None:
    # Ties of stake for the last permits go by uid on the chain, and liquid alpha reads unsorted rows in part.
    net = replace(net, max_validators=128, liquid=None, owner=None)
    order = np.random.default_rng(len(net.stake)).permutation(len(net.stake))
    place = {int(old): new for new, old in enumerate(order)}

    def moved(rows: list[Row]) -> list[Row]:
        return [sorted((place[uid], value) for uid, value in rows[old]) for old in order]

    shuffled = replace(
        net,
        registered=[net.registered[old] for old in order],
        last_update=[net.last_update[old] for old in order],
        permits=[net.permits[old] for old in order],
        stake=[net.stake[old] for old in order],
        committed=None if net.committed is None else [net.committed[old] for old in order],
        weights=moved(net.weights),
        bonds=moved(net.bonds),
    )
    before, after = computed(net), computed(shuffled)
    for column in ("consensus", "incentive", "dividends", "validator_trust"):
        assert getattr(after, column).tolist() == getattr(before, column)[order].tolist(), column


def test_without_agreement_emission_follows_stake() -> None:
    net = Stored(BLOCK, [0, 0], [BLOCK, BLOCK], [True, True], [10**9, 3 * 10**9], [[], []], [[], []])
    terms = computed(net, 1000)
    assert terms.validator_emission == [250, 750]
    assert terms.server_emission == [0, 0]


@pytest.mark.parametrize("yuma3", [False, True])
def test_an_epoch_of_a_whole_subnet_takes_its_votes_in_any_order(yuma3: bool) -> None:
    rng = np.random.default_rng(7)
    n = 40
    weights = [[(int(uid), int(rng.integers(0, PER_U16))) for uid in rng.permutation(n)[:30]] for _ in range(n)]
    net = Stored(
        BLOCK,
        [0] * n,
        [BLOCK - 1] * n,
        [uid < 12 for uid in range(n)],
        [int(rng.integers(1, 10**13)) for _ in range(n)],
        weights,
        [[(int(uid), 9) for uid in sorted(rng.permutation(n)[:9])] for _ in range(n)],
        yuma3=yuma3,
        liquid=(6_553, 19_660, 1000),
        bonds_penalty=PER_U16,
    )
    terms, paid = computed(net), literal.epoch(net, RAO)
    assert terms.bonds == paid.bonds
    assert terms.dividends.tolist() == paid.dividends
