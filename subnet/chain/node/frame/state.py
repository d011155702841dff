# SPDX-License-Identifier: Apache-2.0
"""All that the chain knows: for every storage item its entries, as Python values that are never changed in place.

A journal remembers what each write replaced. It takes a failed call back, and at the end of a block it says which
entries changed.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

__all__ = ["ABSENT", "Item", "State"]

_KEYS: Final = 2_048
ABSENT: Final = object()
"""What an entry holds that is not there."""


class Item(Protocol):
    """A storage item, as far as the state needs to know it."""

    def key(self, at: Any) -> bytes:
        """The bytes under which an entry is stored."""
        ...

    def data(self, value: Any) -> bytes:
        """The encoding of a value."""
        ...


class State:
    """Entries by item and key, and what this block replaced."""

    __slots__ = ("_journal", "_keys", "_tables", "note")

    def __init__(self) -> None:
        # Most blocks write the same entries, and to encode and hash their keys costs more than their values do.
        self._keys: dict[tuple[Item, Any], bytes] = {}
        self._tables: dict[Item, dict[Any, Any]] = {}
        self._journal: list[tuple[Item, Any, Any]] = []
        self.note: Final = self._journal.append
        """Say what is about to be replaced: an item, a key, and what it held or `ABSENT`."""

    def table(self, item: Item) -> dict[Any, Any]:
        """The entries of an item, to be read; who writes goes through `put` and `drop`, or notes it first."""
        table = self._tables.get(item)
        if table is None:
            table = self._tables[item] = {}
        return table

    def put(self, item: Item, at: Any, value: Any) -> None:
        """Write an entry."""
        table = self._tables.get(item)
        if table is None:
            table = self.table(item)
        self._journal.append((item, at, table.get(at, ABSENT)))
        table[at] = value

    def drop(self, item: Item, at: Any) -> None:
        """Remove an entry; one that is not there stays away."""
        table = self.table(item)
        if at in table:
            self._journal.append((item, at, table.pop(at)))

    def mark(self) -> int:
        """A place to roll back to."""
        return len(self._journal)

    def rollback(self, mark: int = 0) -> None:
        """Undo everything since a mark."""
        while len(self._journal) > mark:
            item, at, before = self._journal.pop()
            table = self._tables[item]
            if before is ABSENT:
                table.pop(at, None)
            else:
                table[at] = before

    def changes(self, since: int = 0) -> list[tuple[bytes, bytes | None]]:
        """The encoded entries that differ from what they were at a mark; None for those that are gone."""
        journal = self._journal[since:] if since else self._journal
        tables, keys, found = self._tables, self._keys, []
        for place, before in {(item, at): before for item, at, before in reversed(journal)}.items():
            item, at = place
            value = tables[item].get(at, ABSENT)
            if value is before or value == before:
                continue
            found.append((keys.get(place) or self._key(item, at), None if value is ABSENT else item.data(value)))
        return found

    def forget(self) -> None:
        """Accept what was written: it can no longer be taken back."""
        self._journal.clear()

    def copy(self) -> State:
        """The same entries, to be changed apart from these; values are shared, since nobody changes them in place."""
        copied = State()
        copied._tables = {item: dict(table) for item, table in self._tables.items()}
        return copied

    def _key(self, item: Item, at: Any) -> bytes:
        if len(self._keys) >= _KEYS:
            self._keys.clear()
        key = self._keys[item, at] = item.key(at)
        return key
