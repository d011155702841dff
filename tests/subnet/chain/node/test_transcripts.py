# SPDX-License-Identifier: Apache-2.0
"""52 extrinsics as a published runtime took them, against ours: the same, or different for a reason that stands here.

A rule that changed since is a row of `differences.py`, with what happens here today. A row that is no longer true is as
wrong as one that is missing, and the page about the local chain has the same table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.subnet.chain.node.differences import DIFFERENCES, Difference
from tests.subnet.chain.node.recorded import RECORDED, Came, recorded, replay

PAGE = Path(__file__).parents[4] / "docs" / "explanation" / "local-chain.md"
HEADING = "## Extrinsics that end otherwise"


def differing(ours: Came, theirs: Came) -> set[str]:
    """In what two outcomes differ; what happened is compared where the same came of it, a fee where both are paid."""
    if (ours.outcome, ours.nonce) != (theirs.outcome, theirs.nonce):
        return {"outcome"}
    return {part for part in ("fee", "events") if getattr(ours, part) != getattr(theirs, part)}


def cell(came: Came) -> str:
    """What came of an extrinsic, for a table."""
    fee = "" if not came.nonce else ", free" if came.fee is None else f", {came.fee} rao"
    return f"`{came.outcome}`{fee}"


def row(label: str, difference: Difference) -> list[str]:
    """A line of the table."""
    return [label, cell(recorded(label)), cell(replay()[label]), difference.rule]


def test_all_that_was_recorded_is_compared() -> None:
    assert len(RECORDED) == len(replay()) == 52
    assert set(DIFFERENCES) <= set(RECORDED)


@pytest.mark.parametrize("label", RECORDED)
def test_an_extrinsic_ends_as_recorded_or_as_the_table_says(label: str) -> None:
    ours, theirs = replay()[label], recorded(label)
    known = DIFFERENCES.get(label)
    assert differing(ours, theirs) == (set(known.parts) if known else set()), (ours, theirs)


@pytest.mark.parametrize("label", DIFFERENCES)
def test_what_differs_ends_as_the_newer_rule_has_it(label: str) -> None:
    ours, known = replay()[label], DIFFERENCES[label]
    assert ours.outcome == known.outcome
    assert (ours.fee is not None) == known.paid
    if ours.outcome == recorded(label).outcome and "events" in known.parts:
        assert [event[1] for event in ours.events] == list(known.events)


def test_the_page_about_the_local_chain_has_the_same_table() -> None:
    section = PAGE.read_text().partition(f"{HEADING}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    shown: list[Any] = [[part.strip() for part in line.strip("|").split("|")] for line in lines[2:]]
    assert shown == [row(label, difference) for label, difference in DIFFERENCES.items()]
