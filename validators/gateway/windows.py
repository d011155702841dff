# SPDX-License-Identifier: Apache-2.0
"""Budgets over moving windows, in a file: never more than so much in any minute, or in any day.

Time is cut into slots and a window looks back over whole ones, so it is never shorter than it says. A clock that is set
back finds spending in its future, and that counts as well: a budget errs on the side of being spent.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

__all__ = ["DAY", "MINUTE", "SCHEMA", "Window"]

SCHEMA: Final = (
    "CREATE TABLE spent (key INTEGER NOT NULL, kind INTEGER NOT NULL, slot INTEGER NOT NULL, amount INTEGER NOT NULL,"
    " PRIMARY KEY (key, kind, slot)) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class Window:
    """One kind of window: what it is called, how long a slot is, and how many of them a window has."""

    kind: int
    name: str
    slot_s: int
    slots: int

    def spent(self, file: sqlite3.Connection, key: int, now_s: float) -> int:
        """What was spent in the window that ends now."""
        return sum(amount for _, amount in self._rows(file, key, now_s))

    def wait_s(self, file: sqlite3.Connection, key: int, now_s: float, room: int) -> float | None:
        """Seconds until no more than `room` will count as spent: 0 where that is so now, None where it never will."""
        rows = self._rows(file, key, now_s)
        left = sum(amount for _, amount in rows)
        if room < 0:
            return None
        wait_s = 0.0
        for slot, amount in rows:
            if left <= room:
                break
            left -= amount
            wait_s = (slot + self.slots + 1) * self.slot_s - now_s
        return max(0.0, wait_s)

    def add(self, file: sqlite3.Connection, key: int, slot: int, amount: int) -> None:
        """Count an amount as spent in a slot; one below zero is given back."""
        put = (
            "INSERT INTO spent VALUES (?, ?, ?, max(0, ?))"
            " ON CONFLICT (key, kind, slot) DO UPDATE SET amount = max(0, amount + ?)"
        )
        file.execute(put, (key, self.kind, slot, amount, amount))
        file.execute("DELETE FROM spent WHERE key = ? AND kind = ? AND slot < ?", (key, self.kind, slot - self.slots))

    def slot(self, now_s: float) -> int:
        """The slot of a moment."""
        return int(now_s // self.slot_s)

    def _rows(self, file: sqlite3.Connection, key: int, now_s: float) -> list[tuple[int, int]]:
        read = "SELECT slot, amount FROM spent WHERE key = ? AND kind = ? AND slot >= ? ORDER BY slot"
        return file.execute(read, (key, self.kind, self.slot(now_s) - self.slots)).fetchall()


MINUTE: Final = Window(0, "minute", 5, 12)
DAY: Final = Window(1, "day", 3600, 24)
