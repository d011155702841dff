# SPDX-License-Identifier: Apache-2.0
"""Writes the reference pages that are made from code: `python -m tests.docs.generate`, or `make docs`.

A page that a person had to keep in step with a table would drift; a test compares each page with what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from protocols.hyperparameters import TABLE, Hyperparameter, Value
from subnet.cli.explain import entries
from tests.docs.cli import cli
from tests.docs.metrics import metrics
from tests.docs.settings import NOTE, settings

__all__ = ["PAGES", "main"]

ROOT = Path(__file__).parents[2]


def errors() -> str:
    """The error catalogue as a page."""
    lines = [
        "# Errors",
        "",
        NOTE,
        "",
        "The code of an error stays the same for good; its message may improve. HTTP is the status with which our",
        "server answers when a request meets the error; the exit code is that of a command which ends with it: 75 if",
        "starting it again may help, 78 if it cannot, and 1 where none is named. `subnet explain CODE` says the",
        "same at the prompt.",
        "",
    ]
    for entry in entries():
        lines += [f"## {entry.code}", "", entry.meaning, ""]
        lines += [f"- What to do: {entry.help}"] if entry.help else []
        lines += [f"- HTTP {entry.status}"] if entry.status else []
        lines += [f"- Exit code {entry.exit_code}"] if entry.exit_code != 1 else []
        lines += [f"- `{' > '.join(entry.kinds)}`", ""]
    return "\n".join(lines)


def hyperparameters() -> str:
    """The table of a subnet's settings as a page."""
    lines = [
        "# Hyperparameters",
        "",
        NOTE,
        "",
        "The settings of a subnet on the chain. `default` is what the chain reads where nothing was ever written;",
        "`new subnet` is what it writes when a subnet is created, where that differs. What an owner may set, root may",
        "set too. A number with a scale is a count of such parts.",
        "",
        "| name | what it does | type | scale | may be set to | default | new subnet | set by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in TABLE.values():
        scale = f"1/{row.scale}" if row.scale > 1 else ""
        created = "" if row.created is None else _value(row.created)
        cells = [f"`{row.name}`", row.doc, row.kind.name, scale, _bounds(row), _value(row.default), created, row.setter]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _bounds(row: Hyperparameter) -> str:
    if row.setter == "nobody":
        return ""
    if row.kind.python is bool:
        return "true or false"
    if row.kind.choices:
        return " or ".join(row.kind.choices)
    low, high = (_value(bound) for bound in (row.low, row.high))
    match row.low > row.kind.low, row.high < row.kind.high:
        case True, True:
            return f"{low} to {high}"
        case True, False:
            return f"at least {low}"
        case False, True:
            return f"at most {high}"
        case _:
            return "any"


def _value(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli,
    "docs/reference/errors.md": errors,
    "docs/reference/hyperparameters.md": hyperparameters,
    "docs/reference/metrics.md": metrics,
    "docs/reference/settings.md": settings,
}


def main() -> None:
    """Write every page."""
    for path, page in PAGES.items():
        (ROOT / path).write_text(page(), encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
