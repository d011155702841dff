# SPDX-License-Identifier: Apache-2.0
"""From the bytes of storage back to the values that a runtime works on.

A chain that is opened again, an older block that is asked a question, a dump that is loaded and a developer who sets a
key by hand all come this way. Keys of no pallet, such as `:code`, are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from protocols.errors import LedgerError
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Storage
from subnet.chain.node.header import Change

__all__ = ["HasPallets", "METADATA_DIGEST", "RawWriter", "UNNAMED", "Unnamed"]

METADATA_DIGEST: Final = b":metadata_digest:"
"""The key of what tells one release's metadata from another's."""

_PREFIX: Final = 32


class HasPallets(Protocol):
    """A runtime, as far as its storage goes."""

    @property
    def pallets(self) -> tuple[Pallet, ...]:
        """Its pallets."""
        ...


class Unnamed:
    """The item of every key that no pallet declares."""

    def key(self, at: Any) -> bytes:
        """The key itself."""
        found: bytes = at
        return found

    def data(self, value: Any) -> bytes:
        """The bytes themselves."""
        found: bytes = value
        return found


UNNAMED: Final = Unnamed()
"""The only one: entries are kept by item."""


class RawWriter:
    """Writes encoded entries into the state of a runtime."""

    def __init__(self, state: State, runtime: HasPallets) -> None:
        self._state = state
        self._items: dict[bytes, Storage[Any]] = {
            item.prefix: item for pallet in runtime.pallets for item in pallet.storage()
        }

    def write(self, changes: Iterable[Change]) -> None:
        """Put and drop entries; raises `LedgerError` for one that its item cannot read."""
        state, items = self._state, self._items
        for key, value in changes:
            item = items.get(key[:_PREFIX])
            if item is None:
                if value is None:
                    state.drop(UNNAMED, key)
                else:
                    state.put(UNNAMED, key, value)
                continue
            try:
                at = item.at(key) if item.keys else ()
                if value is None:
                    state.drop(item, at)
                else:
                    state.put(item, at, item.type.decode(value))
            except LedgerError as fault:
                raise LedgerError(f"storage {item.name} at 0x{key.hex()} cannot be read: {fault}") from fault
