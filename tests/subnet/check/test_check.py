# SPDX-License-Identifier: Apache-2.0
"""Sound definitions pass every check; each planted defect fails the check it is for, and nothing ever crashes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from protocols.errors import OutOfRange
from protocols.model import Model, Sampling
from protocols.spec import Subnet
from protocols.task import AnswerContext
from subnet.check import CHECKS, Report, check, rehearse
from subnet.templates.text.text import Text
from subnet.text import Constant, Extractive, Silent
from tests.subnet.check.sound import SOUND, Add, Ask, Reverse
from tests.subnet.check.unsound import PLANTED, Quitting, Raising


def failed(report: Report) -> tuple[str, ...]:
    return tuple(row.name for row in report.rows if not row.ok)


@pytest.mark.parametrize("definition", [*SOUND, Text], ids=lambda definition: definition.name)
def test_a_sound_definition_passes_every_check(definition: type[Subnet]) -> None:
    report = check(definition, seed=3, tasks=4)
    assert report.ok, report.text()
    assert len(report.rows) == len(CHECKS)
    assert report.text().endswith(f"{definition.ref()}, seed 3: sound")


@pytest.mark.parametrize(("definition", "names", "words"), PLANTED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_defect_is_found_by_its_check_and_by_no_other(
    definition: type[Subnet], names: tuple[str, ...], words: str
) -> None:
    report = check(definition, tasks=2, deadline_s=0.5)
    assert failed(report) == names, report.text()
    first = next(row for row in report.rows if not row.ok)
    assert words in first.detail
    assert first.help
    # One mistake reads as one: no later check says the same again.
    assert [row.detail for row in report.rows].count(first.detail) == 1


def test_an_error_is_told_with_the_line_that_raised_it() -> None:
    answers = next(row for row in check(Raising, tasks=1).rows if row.name == "answers")
    assert "ZeroDivisionError: integer division or modulo by zero (" in answers.detail
    assert "unsound.py:" in answers.detail
    assert answers.detail.endswith("in answer)")


def test_what_cannot_be_tried_says_only_which_check_to_look_at() -> None:
    report = check(Quitting, tasks=1)
    said = {row.name: row.detail for row in report.rows if not row.ok}
    assert said.pop("answers") == "answer called sys.exit(3)"
    assert set(said.values()) == {"not tried: answers failed above", "not tried: rewards failed above"}


def test_a_definition_that_cannot_be_made_fails_every_check_and_raises_nothing() -> None:
    class Unmade(Reverse):
        def __init__(self, data: str) -> None:
            self.data = data

    report = check(Unmade)
    assert len(failed(report)) == len(CHECKS)
    assert "missing 1 required positional argument: 'data'" in report.rows[0].detail
    assert check(Add()).ok


def test_the_same_seed_gives_the_same_report_but_for_times() -> None:
    def told(seed: int) -> list[str]:
        return [row.detail for row in check(Text, seed=seed, tasks=2).rows if row.name not in ("answers", "event loop")]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_a_report_is_json_and_text() -> None:
    report = check(Raising, tasks=1)
    data: Any = json.loads(json.dumps(report.to_dict()))
    assert (data["subnet"], data["ok"], len(data["rows"])) == ("reverse@1", False, len(CHECKS))
    assert set(data["rows"][0]) == {"name", "ok", "proves", "detail", "help"}
    lines = report.text().splitlines()
    assert lines[0].startswith("ok    tasks       The same seed makes the same tasks (")
    assert "help: mend that line" in report.text()
    assert lines[-1].startswith("reverse@1, seed 0: 9 of 15 checks failed: answers, ")


async def test_it_can_be_called_while_an_event_loop_runs() -> None:
    assert check(Reverse, tasks=1).ok


def test_a_model_that_cannot_do_the_work_is_named_as_the_reason() -> None:
    class Asking(Reverse):
        async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
            return Ask.Reply(text=await ctx.model.generate(ask.prompt, 8))

    class Backwards(Model):
        async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
            return prompt[::-1]

    honesty = next(row for row in check(Asking, tasks=2).rows if row.name == "honesty")
    assert not honesty.ok
    assert "check(..., model=" in honesty.help
    assert check(Asking, tasks=2, model=Backwards()).ok


def test_a_rehearsal_pays_better_miners_more() -> None:
    good, poor, same, silent = rehearse(
        Text, [Extractive(0.95, 1), Extractive(0.2, 2), Constant("It is red."), Silent()], seed=1
    )
    assert good > 2 * poor > 0
    assert max(same, silent) < 0.1 * good


@pytest.mark.parametrize(("seed", "tasks"), [(-1, 8), (0, 0)])
def test_a_seed_below_0_and_no_tasks_are_refused(seed: int, tasks: int) -> None:
    with pytest.raises(OutOfRange, match=f"seed is {seed} and tasks is {tasks}"):
        check(Reverse, seed=seed, tasks=tasks)
