# SPDX-License-Identifier: Apache-2.0
"""`python -m incentive.simulation.published` as a user runs it: what it prints, and what its exit code means."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from incentive.command import run as ended
from incentive.simulation.published.__main__ import main
from incentive.simulation.published.tables import INPUTS, NOT_REPRODUCIBLE, TABLES
from tests.incentive.simulation.published_tables import tables

QUICK = ("subtensor_test_bonds", "liquid_alpha_v1", "tao_issuance", "weight_copier_table1", "_about")

Write = Callable[[object], Path]


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Write:
    def write(document: object) -> Path:
        path = tmp_path / "tables.json"
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture(name="quick")
def _quick() -> dict[str, Any]:
    return {name: table for name, table in tables().items() if name in QUICK}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "incentive.simulation.published", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


def test_figures_that_agree_exit_with_0_and_a_line_each(write: Write, quick: dict[str, Any]) -> None:
    done = run(write(quick))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "145 figures, 0 off")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    figures = [line for line in lines if "figure" in line]
    assert set(figures[0]) == {"table", "figure", "published", "computed", "difference", "tolerance", "ok"}
    assert all(line["ok"] for line in figures)
    assert [line["table"] for line in lines if line.get("checked") is False] == ["weight_copier_table1"]
    assert "subtensor_test_bonds: 84 of 84 agree" in done.stderr


def test_an_altered_number_exits_with_1(write: Write, quick: dict[str, Any]) -> None:
    quick["subtensor_test_bonds"]["steps"][2]["emission_rao"][1] += 1
    done = run(write(quick))
    assert done.returncode == 1
    (wrong,) = (line for line in map(json.loads, done.stdout.splitlines()) if line.get("ok") is False)
    assert (wrong["table"], wrong["difference"]) == ("subtensor_test_bonds", 1)


def test_an_unknown_table_exits_with_2(write: Write, quick: dict[str, Any]) -> None:
    done = run(write({**quick, "moon_phases": {}}))
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[unreadable_case]" in done.stderr
    assert "moon_phases" in done.stderr


def test_garbage_exits_with_2(tmp_path: Path) -> None:
    path = tmp_path / "garbage.json"
    path.write_bytes(b"\x00 not json")
    done = run(path)
    assert (done.returncode, "error[unreadable_case]" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\x1f\x8b\x08 broken",
        b"[" * 100_000,
        gzip.compress(b"{}", mtime=0)[:-4],
        b'{"tao_issuance": {}}',
    ],
)
def test_what_holds_no_tables_is_an_error_and_no_crash(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert ended(main, [str(path)]) == 2
    assert "error[unreadable_case]" in capsys.readouterr().err


def test_a_table_that_holds_nothing_to_compare_does_not_pass(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(main, [str(write({"consensus_guarantee_cases": {"rows": []}}))]) == 2
    assert "nothing to compare" in capsys.readouterr().err


def test_a_number_that_is_none_does_not_pass_and_is_valid_json(
    write: Write, quick: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    quick["liquid_alpha_v1"]["toy_model"]["published"]["delta=.1 reduction at t=5"] = float("nan")
    assert ended(main, [str(write(quick)), "--table", "liquid_alpha_v1"]) == 1
    rows = [json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().out.splitlines()]
    assert [row["published"] for row in rows if not row["ok"]] == [None]


def test_one_table_can_be_asked_for_alone(
    write: Write, quick: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write(quick))
    assert ended(main, [path, "--table", "tao_issuance", "--table", "weight_copier_table1"]) == 0
    asked = {json.loads(line)["table"] for line in capsys.readouterr().out.splitlines()}
    assert asked == {"tao_issuance", "weight_copier_table1"}
    assert ended(main, [path, "--table", "dtao_numbers"]) == 2
    assert ended(main, [path, "--table", "moon_phases"]) == 2


def test_totals_without_the_table_of_their_inputs_are_said_to_be_unchecked(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "yuma_simulation_total_dividends"
    assert ended(main, [str(write({name: tables()[name]}))]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "table": name,
        "checked": False,
        "reason": "its inputs are in yuma_simulation_per_epoch, which is not in the file",
    }


def test_every_table_has_a_function_or_a_reason() -> None:
    for target in TABLES.values():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(f"incentive.simulation.published.{module}"), function))
    assert not TABLES.keys() & NOT_REPRODUCIBLE.keys()
    assert {*INPUTS, *INPUTS.values()} <= TABLES.keys()
    assert all(NOT_REPRODUCIBLE.values())
