# SPDX-License-Identifier: Apache-2.0
"""What a service tells of itself, as two columns for people; the same data goes to programs as it is."""

from __future__ import annotations

from typing import Any

__all__ = ["table"]


def table(told: dict[str, Any]) -> str:
    """A line for each fact, those within facts under the names of both."""
    rows = dict(_rows(told))
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())


def _rows(told: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in told.items():
        rows += _rows(value, f"{before}{name} ") if isinstance(value, dict) else [(f"{before}{name}", _shown(value))]
    return rows


def _shown(value: object) -> object:
    return {True: "yes", False: "no", None: "-"}.get(value, value) if isinstance(value, bool | None) else value
