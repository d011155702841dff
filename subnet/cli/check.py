# SPDX-License-Identifier: Apache-2.0
"""`subnet check`: whether a definition is sound, before anybody is paid by it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from protocols.registry import load
from subnet.check import check
from subnet.cli.answer import Answer

__all__ = ["run"]


def run(
    app: Annotated[str, Parameter(help="The subnet: a name, or a file with its class (app.py:Class).")],
    /,
    *,
    seed: Annotated[int, Parameter(help="Where the tasks' randomness begins.")] = 0,
    tasks: Annotated[int, Parameter(help="How many tasks are tried.")] = 8,
) -> Answer:
    """Try a definition: that seeds decide, rewards keep their range, messages travel, and honest work pays best."""
    report = check(load(app), seed=seed, tasks=tasks)
    return Answer(report.text(), report.to_dict(), report.ok)
