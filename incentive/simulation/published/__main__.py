# SPDX-License-Identifier: Apache-2.0
"""`python -m incentive.simulation.published FILE...`: compute published figures again, and say how far off each is.

One JSON line a figure on standard output, as soon as it is computed; a summary of each table on standard error. The
exit code is 0 only if every figure is within its tolerance. 2 means that a file could not be read, or holds a table
that nobody knows how to check.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from incentive.command import BROKEN, document, run
from incentive.simulation.published.figure import Figure
from incentive.simulation.published.tables import INPUTS, NOT_REPRODUCIBLE, TABLES
from protocols.errors import UnreadableCase

_PACKAGE: Final = "incentive.simulation.published"
_EVERY: Final = 25
_TABLES_KNOWN: Final = f"""tables, as a JSON object or gzipped JSON; names that begin with _ are notes:
  checked:     {", ".join(TABLES)}
  only quoted: {", ".join(NOT_REPRODUCIBLE)}
"""


@dataclass(slots=True)
class _Tally:
    """What became of one table."""

    table: str
    figures: int = 0
    off: int = 0
    worst: Figure | None = None

    def add(self, figure: Figure) -> None:
        """Count a figure; the worst is the one that uses most of its tolerance."""
        self.figures += 1
        self.off += not figure.ok
        if self.worst is None or _used(figure) > _used(self.worst):
            self.worst = figure

    def __str__(self) -> str:
        line = f"{self.table}: {self.figures - self.off} of {self.figures} agree"
        if self.worst is not None:
            line += f"; worst off by {self.worst.difference:.2g} of {self.worst.tolerance:.2g} ({self.worst.name})"
        return line


def main(arguments: Sequence[str]) -> int:
    """Check every file; the exit code."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {_PACKAGE}",
        description="Compute published figures again and print how far off each is, as JSON lines.",
        epilog=_TABLES_KNOWN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--table", action="append", metavar="NAME", help="only this table; may be given several times")
    given = parser.parse_args(arguments)
    tallies = [tally for path in given.files for tally in _check(path, given.table)]
    sys.stderr.write("".join(f"{tally}\n" for tally in tallies))
    off, figures = sum(tally.off for tally in tallies), sum(tally.figures for tally in tallies)
    sys.stderr.write(f"{figures} figures, {off} off\n")
    return 1 if off else 0


def _check(path: Path, only: Sequence[str] | None) -> Iterator[_Tally]:
    content = document(path)
    names = [name for name in content if not name.startswith("_")]
    for name in [*names, *(only or ())]:
        if name not in TABLES and name not in NOT_REPRODUCIBLE:
            raise UnreadableCase(
                f"{path}: there is no table {name!r} that can be checked", help=f"python -m {_PACKAGE} --help"
            )
    for name in only or ():
        if name not in content:
            raise UnreadableCase(f"{path} has no table {name!r}, it has {', '.join(names)}")
    for name in only or names:
        missing = INPUTS.get(name, name)
        if name in NOT_REPRODUCIBLE:
            _line({"table": name, "checked": False, "reason": NOT_REPRODUCIBLE[name]})
        elif missing not in content:
            _line({"table": name, "checked": False, "reason": f"its inputs are in {missing}, which is not in the file"})
        else:
            yield _compare(path, name, content)


def _compare(path: Path, name: str, content: Mapping[str, Any]) -> _Tally:
    tally = _Tally(name)
    try:
        for figure in _figures(name, content):
            _line(_row(name, figure))
            tally.add(figure)
            _progress(tally)
    except BROKEN as error:
        raise UnreadableCase(f"{path}: {name} is not in its format: {type(error).__name__} {error}") from error
    if not tally.figures:
        raise UnreadableCase(f"{path}: {name} holds nothing to compare")
    return tally


def _row(table: str, figure: Figure) -> dict[str, Any]:
    numbers = {"published": figure.published, "computed": figure.computed, "difference": figure.difference}
    # JSON knows no NaN and no infinity.
    finite = {name: float(number) if math.isfinite(number) else None for name, number in numbers.items()}
    return {
        "table": table,
        "figure": figure.name,
        **finite,
        "tolerance": float(figure.tolerance),
        "ok": bool(figure.ok),
    }


def _figures(name: str, content: Mapping[str, Any]) -> Iterator[Figure]:
    module, _, function = TABLES[name].partition(":")
    compute = getattr(import_module(f"{_PACKAGE}.{module}"), function)
    inputs = [content[INPUTS[name]]] if name in INPUTS else []
    yield from compute(content[name], *inputs)


def _line(row: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _progress(tally: _Tally) -> None:
    if sys.stderr.isatty() and tally.figures % _EVERY == 0:
        sys.stderr.write(f"\r{tally.table}: {tally.figures} figures, {tally.off} off\x1b[K\r")


def _used(figure: Figure) -> float:
    """The part of its tolerance that a figure's difference takes."""
    if figure.difference == 0.0:
        return 0.0
    return figure.difference / figure.tolerance if figure.tolerance else float("inf")


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
