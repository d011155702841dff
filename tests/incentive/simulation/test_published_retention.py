# SPDX-License-Identifier: Apache-2.0
"""The honest majority keeps its stake exactly where subtensor's figures say so, on the networks of its generator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from incentive.consensus import Rules
from incentive.simulation.published.camps import Sizes, camps, honest_emission
from incentive.simulation.published.guarantee import consensus_guarantees
from incentive.simulation.published.retention import figures, least_utility, retention
from incentive.simulation.published.stdrng import StdRng
from protocols.errors import OutOfRange, UnreadableCase, WrongShape
from tests.incentive.simulation.published_tables import off, tables

SMALL = Sizes(neurons=40, validators=10)


def some_points(table: dict[str, Any]) -> dict[str, Any]:
    """Of each figure two lines and of each line three points; ties of majority and kappa are among them."""
    places = [0, 4, 10]
    lines = {
        name: {
            level: {**line, "WH_at_WC": [line["WH_at_WC"][place] for place in places], "WC_at_max": 0.8}
            for level, line in figure.items()
            if level in ("0.51", "0.6")
        }
        for name, figure in table["figures"].items()
    }
    return {**table, "WC_grid": [table["WC_grid"][place] for place in places], "figures": lines}


def test_the_lines_of_all_fifteen_figures_run_where_they_are_drawn() -> None:
    table = some_points(tables()["yuma_retention_figures"])
    points = [figure for figure in figures(table) if "largest" not in figure.name]
    assert off(points, at_least=90) == []


def test_the_largest_utility_of_a_line_is_found_where_it_is_drawn() -> None:
    table = tables()["yuma_retention_figures"]
    line = table["figures"]["weights_stddev_0"]["0.6"]
    table = {**table, "figures": {"weights_stddev_0": {"0.6": line}}}
    assert off((figure for figure in figures(table) if "largest" in figure.name), at_least=1) == []


def test_a_point_one_hundredth_away_is_off() -> None:
    table = some_points(tables()["yuma_retention_figures"])
    line = table["figures"]["kappa_40"]["0.51"]
    line["WH_at_WC"][1] += 0.01
    assert len(off(figures({**table, "figures": {"kappa_40": {"0.51": line}}}), at_least=3)) >= 1


@pytest.mark.parametrize("name", ["colour_50", "kappa_half", "kappa", ""])
def test_a_figure_that_changes_something_unknown_is_refused(name: str) -> None:
    table = tables()["yuma_retention_figures"]
    with pytest.raises(UnreadableCase, match="expected a name like"):
        list(figures({**table, "figures": {name: table["figures"]["kappa_50"]}}))


def test_every_case_of_the_guarantee_holds() -> None:
    assert off(consensus_guarantees(tables()["consensus_guarantee_cases"]), at_least=14) == []


def test_a_case_without_enough_utility_breaks_the_guarantee() -> None:
    (figure,) = consensus_guarantees({"rows": [[0.6, 0.6, 0.8, 0.4]]})
    assert not figure.ok
    assert figure.computed == pytest.approx(0.12, abs=0.05)


def test_a_map_holds_what_each_of_its_networks_gives() -> None:
    drawn = [camps(stake, SMALL, np.random.default_rng(0).standard_normal) for stake in (0.6, 0.8)]
    honest, cabal = np.linspace(0, 1, 5), np.linspace(0, 1, 4)
    shares = retention(drawn, honest, cabal, Rules(), xi=0.25)
    assert shares.shape == (2, 5, 4)
    dividends, incentive = honest_emission(drawn[1], Rules(), honest[3:4], cabal[2:3])
    assert shares[1, 3, 2] == pytest.approx(0.25 * dividends[0] + 0.75 * incentive[0], rel=1e-12)


def test_where_all_agree_the_honest_get_all_incentive_and_dividends_by_stake() -> None:
    alike = Sizes(neurons=40, validators=10, weight_deviation=0)
    drawn = camps(0.6, alike, np.random.default_rng(0).standard_normal)
    assert retention([drawn], np.ones(1), np.zeros(1), Rules())[0, 0, 0] == pytest.approx((1 + 0.6) / 2, abs=1e-9)


def test_where_nobody_agrees_emission_goes_by_stake() -> None:
    drawn = camps(0.51, SMALL, np.random.default_rng(0).standard_normal)
    assert retention([drawn], np.ones(1), np.ones(1), Rules(kappa=0.6))[0, 0, 0] == 0.51


def test_a_level_that_no_utility_reaches_has_no_least_one() -> None:
    drawn = camps(0.6, SMALL, np.random.default_rng(0).standard_normal)
    assert np.isnan(least_utility(drawn, Rules(), np.array([0.5]), level=0.99)).all()


@pytest.mark.parametrize("stake", [0.0, 1.0, 1.5, float("nan")])
def test_a_majority_of_nobody_or_everybody_is_no_division(stake: float) -> None:
    with pytest.raises(OutOfRange):
        camps(stake, SMALL, np.random.default_rng(0).standard_normal)


def test_a_network_needs_a_validator_and_a_server_in_each_camp() -> None:
    with pytest.raises(OutOfRange):
        Sizes(neurons=64, validators=64)
    with pytest.raises(OutOfRange):
        Sizes(weight_deviation=-0.1)


def test_a_camp_that_draws_no_stake_at_all_has_none_and_nothing_is_nan() -> None:
    drawn = camps(0.6, SMALL, lambda count: np.full(count, -10.0))
    assert np.isfinite(retention([drawn], np.linspace(0, 1, 3), np.linspace(0, 1, 3), Rules())).all()


def test_utilities_beside_a_different_number_of_cabals_are_refused() -> None:
    drawn = camps(0.6, SMALL, np.random.default_rng(0).standard_normal)
    with pytest.raises(WrongShape):
        honest_emission(drawn, Rules(), np.ones(2), np.ones(3))


def test_draws_do_not_depend_on_how_many_are_taken_at_once() -> None:
    at_once, in_parts = StdRng(7).below_65535(74_034), StdRng(7)
    parts = np.concatenate([in_parts.below_65535(count) for count in (1, 16, 17, 70_000, 4000)])
    np.testing.assert_array_equal(at_once, parts)


def test_draws_have_the_distribution_that_they_name() -> None:
    uniform, normal = StdRng(0).below_65535(200_000), StdRng(1).normal(200_000)
    assert uniform.min() >= 0
    assert uniform.max() <= 65_534
    assert abs(uniform.mean() - 32_767) < 200
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01
