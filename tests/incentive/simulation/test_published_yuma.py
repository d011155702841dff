# SPDX-License-Identifier: Apache-2.0
"""Bonds and dividends that others published come out of our consensus, or of a dialect that says where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from incentive.arrays import Array
from incentive.consensus import Rules, Yuma1
from incentive.consensus.history import history
from incentive.simulation.published.bonds import bonds_test
from incentive.simulation.published.dialects import Drifting, winner_takes_all
from incentive.simulation.published.figure import Figure
from incentive.simulation.published.liquid import EarlyLiquid, liquid_alpha
from incentive.simulation.published.metagraph import real_metagraph
from incentive.simulation.published.yuma3 import yuma3_tests
from incentive.simulation.published.yuma_simulation import per_epoch, total_dividends
from protocols.errors import UnreadableCase
from tests.incentive.simulation.published_tables import off, tables

Check = Callable[[Mapping[str, Any]], Iterator[Figure]]


@pytest.mark.parametrize(
    ("name", "check", "at_least"),
    [
        ("subtensor_yuma3_tests", yuma3_tests, 500),
        ("subtensor_test_bonds", bonds_test, 84),
        ("yuma_simulation_per_epoch", per_epoch, 10_560),
        ("liquid_alpha_v1", liquid_alpha, 6),
        ("real_metagraph_sn15", real_metagraph, 5),
    ],
)
def test_a_published_table_comes_out(name: str, check: Check, at_least: int) -> None:
    assert off(check(tables()[name]), at_least) == []


def test_dividends_of_all_versions_add_up_as_published() -> None:
    document = tables()
    table, inputs = document["yuma_simulation_total_dividends"], document["yuma_simulation_per_epoch"]
    table["by_bond_penalty"] = {penalty: table["by_bond_penalty"][penalty] for penalty in ("0.5", "1.0")}
    assert off(total_dividends(table, inputs), at_least=22 * 18 * 2) == []


def test_the_chain_shares_out_bonds_again_and_the_document_does_not() -> None:
    # One server loses all its weight: what is left of its bonds is shared out again on the chain, and decays there.
    weights: list[Array] = [np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.0, 1.0]])]
    stakes = [np.array([0.6, 0.4])] * 2
    chain, document = (history(rule(Rules()), weights, stakes)[-1] for rule in (Yuma1, Drifting))
    np.testing.assert_allclose(chain.bonds[:, 0].max(), 1.0)
    np.testing.assert_allclose(document.bonds[:, 0].sum(), 0.9)


def test_early_liquid_alpha_stays_between_its_ends() -> None:
    rule = EarlyLiquid(Rules(), 0.7, 0.9)
    kept = rule.kept(np.array([[0.0, 0.1, 0.4, 0.5], [0.25, 0.25, 0.25, 0.25]]))
    assert kept.min() >= 0.7
    assert kept.max() <= 0.9
    assert (np.diff(kept[0]) >= 0).all()


def test_winners_of_equal_rank_share() -> None:
    np.testing.assert_array_equal(
        winner_takes_all(np.array([[0.4, 0.4, 0.2], [0.1, 0.0, 0.9]])), [[1, 1, 0], [0, 0, 1]]
    )


@pytest.mark.parametrize(
    ("name", "check", "path", "value"),
    [
        ("subtensor_yuma3_tests", yuma3_tests, ("tests", "test_yuma_3_new"), {}),
        ("subtensor_test_bonds", bonds_test, ("steps", 0, "action"), "val9 self-weight only"),
        ("yuma_simulation_per_epoch", per_epoch, ("cases", "Case 9", "dividends"), {"Yuma 4": []}),
        ("liquid_alpha_v1", liquid_alpha, ("toy_model", "published", "delta=.5 shape"), 1.0),
        ("liquid_alpha_v1", liquid_alpha, ("toy_model", "published", "Dk(t=5)"), 1.0),
        ("real_metagraph_sn15", real_metagraph, ("source",), "another subnet"),
    ],
)
def test_a_case_that_nobody_described_is_refused(
    name: str, check: Check, path: tuple[str | int, ...], value: object
) -> None:
    document = tables()
    case_9 = "Case 9 - small validators merged in e5"
    place: Any = document[name]
    for step in path[:-1]:
        place = place[case_9 if step == "Case 9" else step]
    place[path[-1]] = value
    with pytest.raises(UnreadableCase):
        list(check(document[name]))


def test_totals_of_a_case_without_inputs_are_refused() -> None:
    document = tables()
    with pytest.raises(UnreadableCase, match="has no weights"):
        list(total_dividends(document["yuma_simulation_total_dividends"], {"cases": {}}))
