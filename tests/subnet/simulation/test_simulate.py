# SPDX-License-Identifier: Apache-2.0
"""A sound definition passes, a broken one fails in the rows of its fault, and the same run gives the same report."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

import pytest

from incentive.consensus import Yuma1
from protocols.errors import InvalidSubnet, OutOfRange, UsageError
from protocols.spec import Subnet
from subnet.simulation import ATTACKS, Models, Plan, Report, simulate
from subnet.simulation.report import Row
from subnet.templates.text.text import Text
from subnet.text import Constant
from tests.subnet.simulation.designs import SMALL, Flat, Late, Mean, Naive, Nothing, Refusing, Sorted, Spelled, Sums

ROWS = [
    "honest",
    "weak",
    "copier",
    "copier + victim",
    "sybil",
    "constant + silent",
    "lazy validator",
    "copying validator",
    "cabal",
]


def failed(report: Report) -> set[str]:
    return {row.strategy for row in report.rows if row.status == "fail"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_bundled_subnet_passes(seed: int) -> None:
    report = simulate(Text(), replace(SMALL, seed=seed))
    assert report.ok, report.text()
    assert [row.strategy for row in report.rows] == ROWS
    assert all(math.isfinite(row.worst) for row in report.rows)


def test_quality_that_is_paid_again_to_each_copy_fails_for_copies_and_sybils_alone() -> None:
    assert failed(simulate(Naive(), SMALL)) == {"copier + victim", "sybil"}


def test_the_same_reward_for_all_fails_wherever_work_should_count() -> None:
    report = simulate(Flat(), SMALL)
    assert failed(report) >= {"weak", "copier + victim", "sybil", "constant + silent"}
    assert report.row("honest").status == "pass"
    assert report.row("lazy validator").status in {"warn", "fail"}


def test_a_definition_that_pays_nobody_fails_for_the_honest() -> None:
    report = simulate(Nothing(), SMALL)
    assert "honest" in failed(report)
    assert not report.ok
    assert "Models" in report.row("honest").advice


def test_copies_pay_where_a_round_asks_too_few_to_see_them_together() -> None:
    report = simulate(Text(), replace(SMALL, asked=4, attacks=("copier", "sybil")))
    assert {"copier + victim", "sybil"} <= failed(report)
    assert "a round asks 4 of them" in report.text()


def test_answers_without_a_model_are_spoiled_for_the_weak_and_kept_for_the_honest() -> None:
    report = simulate(Sums(), SMALL)
    assert 0.2 < report.row("weak").each < 0.8
    assert report.row("constant + silent").status == "pass"
    assert "sybil" in failed(report)  # it pays equal answers each


def test_streamed_answers_are_simulated_as_they_are() -> None:
    report = simulate(Spelled(), replace(SMALL, attacks=("weak", "constant", "silent")))
    assert report.ok, report.text()
    assert report.row("weak").mean < 0.8


@pytest.mark.parametrize("definition", [Late(), Refusing()])
def test_answers_that_never_come_are_not_paid(definition: Subnet) -> None:
    assert "honest" in failed(simulate(definition, replace(SMALL, tasks=2, epochs=3)))


def test_a_rule_for_one_row_of_scores_is_applied_row_by_row() -> None:
    report = simulate(Sorted(), replace(SMALL, epochs=4, attacks=("weak",)))
    assert report.row("weak").status == "pass"


def test_scores_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidSubnet, match=r"sums@1: aggregate\[0.*expected 0 or more"):
        simulate(Mean(), SMALL)


def test_the_same_seed_gives_the_same_report_and_another_seed_another() -> None:
    first, again, other = (simulate(Text(), replace(SMALL, seed=seed)) for seed in (4, 4, 5))
    assert first.to_dict() == again.to_dict()
    assert first.to_csv() == again.to_csv()
    assert first.to_dict()["rows"] != other.to_dict()["rows"]


def test_models_that_are_handed_in_do_the_answering() -> None:
    report = simulate(
        Text(), replace(SMALL, attacks=("weak",)), models=Models(honest=lambda _: Constant("I do not know."))
    )
    # Models that know nothing: a weak miner's spoiled answers are worth as little as those of the others.
    assert "weak" in failed(report)


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_can_be_tried_alone(attack: str) -> None:
    report = simulate(Text(), replace(SMALL, attacks=(attack,), tasks=6, epochs=10))
    assert 2 <= len(report.rows) <= 3
    assert report.rows[0].strategy == "honest"
    assert any(attack in row.strategy for row in report.rows[1:])
    assert report.plan["attacks"] == [attack]


def test_without_attacks_all_are_honest() -> None:
    (row,) = simulate(Text(), replace(SMALL, attacks=(), tasks=2, epochs=2)).rows
    assert (row.count, row.each) == (32, 1.0)
    assert row.pool == pytest.approx(1.0)


def test_progress_rises_to_its_end() -> None:
    told: list[tuple[int, int]] = []
    simulate(Text(), replace(SMALL, tasks=3, epochs=5), progress=lambda done, total: told.append((done, total)))
    done, totals = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert set(totals) == {done[-1]}


async def test_it_runs_where_an_event_loop_runs_already() -> None:
    assert simulate(Sums(), replace(SMALL, tasks=2, epochs=2)).rows


def test_the_report_is_a_table_a_csv_and_plain_values() -> None:
    report = simulate(Naive(), SMALL)
    text = report.text()
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[-1] == f"{9 - len(failed(report))} pass, 0 warn, 2 fail"
    assert all(name in text for name in ROWS)
    assert "sybil: one model earns more under many hotkeys" in text
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert [row["strategy"] for row in rows] == ROWS
    assert {row["subnet"] for row in rows} == {"text@1"}
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["ok"] is False
    assert plain["plan"]["miners"] == 32
    assert plain["rows"][4]["worst"] == report.row("sybil").worst
    with pytest.raises(KeyError):
        report.row("nobody")


def test_a_figure_without_end_is_none_in_plain_values() -> None:
    row = Row(
        strategy="sybil",
        count=2,
        pool=0.1,
        each=math.inf,
        mean=math.inf,
        worst=math.inf,
        worst_seed=0,
        criterion="",
        status="fail",
        advice="",
    )
    plain = Report(subnet="a@1", plan={}, rows=(row,)).to_dict()
    assert plain["rows"][0]["worst"] is None
    json.dumps(plain, allow_nan=False)


def test_another_consensus_can_decide() -> None:
    report = simulate(Text(), replace(SMALL, consensus=Yuma1(), epochs=10, tasks=6))
    assert report.plan["consensus"] == "Yuma1"


def test_plans_that_cannot_be_are_refused_with_what_to_type() -> None:
    with pytest.raises(UsageError, match="no attack is called 'sibyl'") as refused:
        Plan(attacks=("sibyl",))
    assert refused.value.help == "did you mean: sybil"
    with pytest.raises(OutOfRange, match="epochs is 0"):
        Plan(epochs=0)
    with pytest.raises(OutOfRange, match="validators is 2"):
        Plan(validators=2)
    with pytest.raises(OutOfRange, match="asked is 300"):
        Plan(asked=300)
    with pytest.raises(OutOfRange, match="7 miners leave 1 honest"):
        simulate(Text(), Plan(miners=7))
    assert Plan(validators=1, attacks=("weak",)).followers == ()
