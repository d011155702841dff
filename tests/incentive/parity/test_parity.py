# SPDX-License-Identifier: Apache-2.0
"""The recorded truth of the chain, whole: made by its own code, kept in tests/data/yuma, run through the command.

head: opentensor/subtensor 14bc6f9f9, `math.rs` and `run_epoch.rs` compiled natively. runtime185: the runtime of
node-subtensor spec 185. misc: single functions of the same sources.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "data" / "yuma"
FIELDS = {"head": 14, "runtime185": 22, "misc": 4}


def parity(*arguments: str | Path) -> tuple[int, list[dict[str, Any]], str]:
    """The command's exit code, its lines, and what it says on standard error."""
    command = [sys.executable, "-m", "incentive.parity", *map(str, arguments)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()], run.stderr


@pytest.mark.parametrize("name", FIELDS)
def test_every_recorded_field_is_computed_without_any_difference(name: str) -> None:
    code, lines, _ = parity(DATA / f"{name}.json.gz")
    assert [line for line in lines if line["difference"] != 0] == []
    assert len(lines) == FIELDS[name]
    assert code == 0


@pytest.mark.parametrize("name", ["head", "runtime185"])
def test_floats_are_within_one_unit_of_what_the_chain_stores(name: str) -> None:
    code, lines, _ = parity("--float", DATA / f"{name}.json.gz")
    assert {line["field"]: line["difference"] for line in lines if not line["ok"]} == {}
    assert {line["field"] for line in lines} >= {"consensus", "incentive", "dividends", "validator_trust", "bonds"}
    assert code == 0


@pytest.mark.parametrize(
    ("field", "worth"), [("dividends", 1), ("emission", 1), ("validator_permit", True), ("bonds", [[0, 1]])]
)
def test_a_single_altered_number_is_found_and_its_case_named(tmp_path: Path, field: str, worth: object) -> None:
    document = json.loads(gzip.decompress((DATA / "runtime185.json.gz").read_bytes()))
    case = document["cases"][30]
    document["cases"] = document["cases"][28:32]
    old = case["out"][field][2]
    case["out"][field][2] = (not old) if isinstance(worth, bool) else old + worth
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(document))
    code, lines, _ = parity(altered)
    wrong = [line for line in lines if not line["ok"]]
    assert [(line["field"], line["worst"]) for line in wrong] == [(field, case["id"])]
    assert code == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"cases": []}', '{"cases": [{"id": 1, "in": {}}]}', '{"no_such[x]": []}', "\x1f\x8bx"]
)
def test_a_file_of_another_format_is_refused_with_a_code(tmp_path: Path, text: str) -> None:
    strange = tmp_path / "strange.json"
    strange.write_bytes(text.encode("latin-1"))
    code, lines, said = parity(strange)
    assert (code, lines) == (2, [])
    assert said.startswith("error[unreadable_case]")


def test_a_missing_file_is_refused_with_a_code(tmp_path: Path) -> None:
    code, _, said = parity(tmp_path / "none.json")
    assert code == 2
    assert "none.json" in said
