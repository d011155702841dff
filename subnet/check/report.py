# SPDX-License-Identifier: Apache-2.0
"""What the checks found, as values: for a person, for a program, and for the test of a subnet's own project.

A row that failed says what is wrong with both values and what to do about it; one that passed says what was measured,
so that "ok" never hides that there was little to see.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Report", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One check: what it proves, whether it does, what was seen, and what to do where it does not."""

    name: str
    ok: bool
    proves: str
    detail: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one definition.

    report = check(MySubnet)
    assert report.ok, report.text()
    """

    subnet: str
    seed: int
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(row.ok for row in self.rows)

    def text(self) -> str:
        """The report as a person reads it."""
        width = max((len(row.name) for row in self.rows), default=0)
        lines = [line for row in self.rows for line in _lines(row, width)]
        failed = [row.name for row in self.rows if not row.ok]
        end = f"{len(failed)} of {len(self.rows)} checks failed: {', '.join(failed)}" if failed else "sound"
        return "\n".join([*lines, f"{self.subnet}, seed {self.seed}: {end}"])

    def to_dict(self) -> dict[str, object]:
        """The report as data that JSON can carry."""
        rows = [asdict(row) for row in self.rows]
        return {"subnet": self.subnet, "seed": self.seed, "ok": self.ok, "rows": rows}


def _lines(row: Row, width: int) -> list[str]:
    verdict, indent = "ok" if row.ok else "fail", " " * (width + 8)
    said = f"{row.proves} ({row.detail})" if row.ok else row.detail
    lines = [f"{verdict:4}  {row.name:{width}}  {said}"]
    return [*lines, f"{indent}help: {row.help}"] if row.help and not row.ok else lines
