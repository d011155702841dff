# SPDX-License-Identifier: Apache-2.0
"""Validators whose definitions never return: each says where it stands and ends, whatever it is that hangs.

All are started side by side, and each is looked at when its time has passed.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.mining import Program, answered
from tests.e2e.service import STUCK_S, mined, said, validator

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

KINDS = {"Hanging": "//Other0", "Holding": "//Other1", "Backtracking": "//Other2"}


class Started:
    """The validators, and the folder of each."""

    def __init__(self, folder: Path, programs: Mapping[str, Program]) -> None:
        self.folder = folder
        self.programs = programs

    def log(self, kind: str) -> tuple[str, str]:
        """What one said why it ended, and all its stacks."""
        lines = said(self.folder / kind)
        why = [line["event"] for line in lines if line.get("code") == "stuck"]
        return "\n".join(why), "\n".join(str(line["stack"]) for line in lines if "stack" in line)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """One validator of each kind, and one that is only slow to notice that it hangs."""
    folder = tmp_path_factory.mktemp("stuck")
    with mined(folder) as url, ExitStack() as stack:
        programs = {
            kind: stack.enter_context(validator(url, folder / kind, "--stuck", STUCK_S, key=key, kind=kind))
            for kind, key in KINDS.items()
        }
        programs["Patient"] = stack.enter_context(validator(url, folder / "Patient", kind="Hanging"))
        yield Started(folder, programs)


async def test_a_score_that_hangs_in_a_thread_ends_with_75_and_its_stack(started: Started) -> None:
    program = started.programs["Hanging"]
    assert await asyncio.to_thread(program.finish) == 75
    why, stacks = started.log("Hanging")
    assert "(in stage score)" in why
    assert f"at most {STUCK_S} s may pass" in why
    assert "threading.Event().wait()" in stacks
    assert "in step" in stacks


async def test_code_that_holds_the_event_loop_ends_with_75_and_its_stack(started: Started) -> None:
    program = started.programs["Holding"]
    assert await asyncio.to_thread(program.finish) == 75
    why, stacks = started.log("Holding")
    assert "the event loop has been held" in why or "a round has been under way" in why
    assert "yield time.sleep(3600)" in stacks


async def test_code_that_lets_no_other_thread_run_ends_all_the_same(started: Started) -> None:
    program = started.programs["Backtracking"]
    assert await asyncio.to_thread(program.finish) == 1
    text = (started.folder / "Backtracking" / "err").read_text(encoding="utf-8")
    assert "Timeout (" in text
    assert "in fullmatch" in text
    assert "in score" in text


async def test_who_is_told_to_stop_while_a_thread_hangs_stops_with_the_code_of_the_signal(started: Started) -> None:
    program = started.programs["Patient"]
    url = await asyncio.to_thread(lambda: program.url)
    await answered(url, "/livez", 200)
    assert program.lives  # it has ten minutes
    program.signal(signal.SIGTERM)
    assert await asyncio.to_thread(program.finish) == 143
