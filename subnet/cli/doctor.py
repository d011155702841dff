# SPDX-License-Identifier: Apache-2.0
"""`subnet doctor`: the checks of `subnet.doctor` at the prompt, and in scripts that want to know before they start."""

from __future__ import annotations

from protocols.clock import SystemClock
from subnet.cli.answer import Answer
from subnet.doctor import Finding, examine

__all__ = ["run"]


def run() -> Answer:
    """Check this machine, this installation and these settings; the exit code is 1 if anything failed."""
    found = examine(SystemClock())
    is_well = all(finding.verdict != "fail" for finding in found)
    width = max(len(finding.check) for finding in found)
    text = "\n".join(line for finding in found for line in _lines(finding, width))
    return Answer(text, {"ok": is_well, "findings": [finding._asdict() for finding in found]}, is_well)


def _lines(finding: Finding, width: int) -> list[str]:
    lines = [f"{finding.verdict:4}  {finding.check:{width}}  {finding.found}"]
    return [*lines, f"{'':{width + 6}}  help: {finding.help}"] if finding.help else lines
