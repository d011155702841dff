# SPDX-License-Identifier: Apache-2.0
"""The head's storage as clients ask for it: by bytes, and in pages in the order of the keys.

It is held encoded beside the values that the runtime works on, since it is asked for most and a question must not wait
for the codec. What older blocks held is in the store.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from subnet.chain.node.header import Change

__all__ = ["HeadStorage"]


class HeadStorage:
    """Every entry of the newest block."""

    __slots__ = ("_entries", "_new", "_order", "_stale")

    def __init__(self, entries: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._entries = dict(entries)
        self._order = sorted(self._entries)
        # Blocks come far more often than listings: keys are put in order when somebody lists them.
        self._new: list[bytes] = []
        self._stale = False

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> bytes | None:
        """What an entry holds."""
        return self._entries.get(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every entry, in the order of the keys."""
        return ((key, self._entries[key]) for key in self._ordered())

    def keys(self, prefix: bytes, start: bytes | None, count: int) -> list[bytes]:
        """Up to `count` keys that begin with a prefix and come after `start`, in order."""
        order = self._ordered()
        first = bisect_left(order, prefix)
        if start is not None:
            first = max(first, bisect_right(order, start))
        page = order[first : first + count]
        end = next((place for place, key in enumerate(page) if not key.startswith(prefix)), len(page))
        return page[:end]

    def apply(self, changes: Iterable[Change]) -> None:
        """Take over what a block changed."""
        for key, value in changes:
            if value is None:
                self._stale |= self._entries.pop(key, None) is not None
            else:
                if key not in self._entries:
                    self._new.append(key)
                self._entries[key] = value
        # Keys that come and go in every block would otherwise pile up until the next listing.
        if len(self._new) > 2 * len(self._entries) + 1_000:
            self._ordered()

    def _ordered(self) -> list[bytes]:
        if self._stale:
            self._order = sorted(self._entries)
        elif self._new:
            self._order = sorted(self._order + self._new)
        self._new, self._stale = [], False
        return self._order
