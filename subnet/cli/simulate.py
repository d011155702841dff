# SPDX-License-Identifier: Apache-2.0
"""`subnet simulate`: what a definition pays to those who copy, split, repeat and collude, before anybody tries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from protocols.errors import UsageError
from protocols.registry import load
from subnet.cli.answer import Answer
from subnet.settings import SimulationSettings
from subnet.simulation import Plan, simulate

__all__ = ["run"]


def run(
    app: Annotated[str, Parameter(help="The subnet: a name, or a file with its class (app.py:Class).")] = "text",
    /,
    *,
    simulation: SimulationSettings,
    csv: Annotated[Path | None, Parameter(help="File to write the rows to as CSV.")] = None,
) -> Answer:
    """Simulate many epochs of many networks with the definition's own code, and judge what each attack earns.

    The exit code is 1 where an attack pays more than the stated criterion allows.
    """
    plan = Plan(**simulation.model_dump())
    report = simulate(load(app)(), plan, progress=_progress)
    if csv is not None:
        try:
            csv.write_text(report.to_csv(), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{csv} cannot be written: {error.strerror}", help="name another file") from error
    return Answer(report.text(), report.to_dict(), report.ok)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total}\x1b[K" if done < total else "\r\x1b[K")
        sys.stderr.flush()
