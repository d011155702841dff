# SPDX-License-Identifier: Apache-2.0
"""The benchmark's own arithmetic: a figure that lies is worse than none."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.bench.__main__ import main, measure, report, sources
from tests.bench.harness.figure import Bar, Figure, middle, pairs, table
from tests.bench.harness.peer import PeerFailed


def test_a_figure_is_one_line_of_json_with_its_bar_and_detail(capsys: pytest.CaptureFixture[str]) -> None:
    report([Figure("echo", 0.51234567, Bar("<=", 1.0), {"ours": {"p50_us": 1}})])
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"name": "echo", "value": 0.5123, "bar": "<= 1", "ok": True, "detail": {"ours": {"p50_us": 1}}}
    ]


@pytest.mark.parametrize(
    ("bar", "value", "ok"),
    [
        (Bar("<=", 1.0), 1.0, True),
        (Bar("<=", 1.0), 1.01, False),
        (Bar(">=", 20), 19.9, False),
        (Bar(">=", 20), 20.0, True),
        (Bar("==", 0), 0, True),
        (Bar("==", 0), 1, False),
        (Bar("<=", 1.0), None, False),
    ],
)
def test_a_bar_holds_only_for_what_was_measured_and_reaches_it(bar: Bar, value: float | None, ok: bool) -> None:
    assert Figure("any", value, bar).ok is ok


def test_turns_alternate_and_one_slow_moment_spoils_one_pair() -> None:
    turns: list[str] = []

    def turn(name: str, times: Iterator[float]) -> float:
        turns.append(name)
        return next(times)

    ours, rival = iter([1.0, 1.0, 90.0, 1.0, 1.0]), iter([2.0] * 5)
    ratios = [mine / theirs for mine, theirs in pairs(lambda: turn("ours", ours), lambda: turn("rival", rival), 5)]
    assert turns == ["ours", "rival"] * 5
    assert middle(ratios) == 0.5


def test_the_exit_code_tells_of_a_missed_bar(capsys: pytest.CaptureFixture[str]) -> None:
    met, missed = Figure("met", 1.0, Bar("<=", 1.0)), Figure("missed", 2.0, Bar("<=", 1.0))
    assert report([met]) == 0
    assert report([met, missed]) == 1
    assert "MISSED" in capsys.readouterr().err


def test_a_rival_that_dies_is_a_missed_bar_and_the_rest_is_still_measured() -> None:
    def dies() -> Iterator[Figure]:
        yield Figure("before", 1.0, Bar("<=", 1.0))
        raise PeerFailed("server gave no answer within 60 s")

    def lives() -> Iterator[Figure]:
        yield Figure("after", 1.0, Bar("<=", 1.0))

    figures = list(measure([("first", dies), ("second", lives)]))
    assert [(figure.name, figure.ok) for figure in figures] == [("before", True), ("first", False), ("after", True)]
    assert "no answer" in str(figures[1].detail["error"])


def test_every_benchmark_is_found_and_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    measured = {"attention", "chain", "completion", "embedding", "fanout", "flood", "localnet", "serving", "soak"}
    assert set(sources()) == measured | {"tensor", "validating", "wire", "yuma"}
    assert main(["wire", "wier"]) == 2
    assert "wier" in capsys.readouterr().err


def test_the_table_has_a_row_for_each_figure() -> None:
    rows = table([Figure("a", 0.5, Bar("<=", 1.0)), Figure("longer", None, Bar(">=", 2))]).splitlines()
    assert [row.split()[0] for row in rows] == ["figure", "a", "longer"]
    assert "not measured" in rows[2]
