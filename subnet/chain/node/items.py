# SPDX-License-Identifier: Apache-2.0
"""Storage and calls of a runtime by their names, for those who write names: a genesis, a developer.

A name that does not exist is answered with the one that was probably meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from protocols.errors import InvalidGenesis, LedgerError
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import ABSENT
from subnet.chain.node.frame.storage import Storage
from subnet.chain.node.plain import from_plain

__all__ = ["Items", "NamedItem"]


class NamedItem:
    """A storage item of a runtime."""

    def __init__(self, pallet: Pallet, item: Storage[Any]) -> None:
        self.name = f"{pallet.name}.{item.name}"
        self.item = item
        self._state = pallet.state

    def get(self, at: Any = ()) -> Any:
        """An entry, or what it is by default."""
        value = self._state.table(self.item).get(at, ABSENT)
        return self.item.default() if value is ABSENT else value

    def entries(self) -> list[tuple[Any, Any]]:
        """All entries that are there."""
        return list(self._state.table(self.item).items())

    def set(self, at: Any, value: Any) -> None:
        """Write an entry; key and value are the chain's own."""
        self._state.put(self.item, at, value)

    def put(self, at: Any, value: Any) -> None:
        """Write an entry; key and value are as people write them."""
        item = self.item
        try:
            key = self._key(at)
            encodable = from_plain(item.type, value)
            item.key(key)
            item.data(encodable)
        except LedgerError as fault:
            raise InvalidGenesis(f"{self.name}: {fault.message}") from fault
        except InvalidGenesis as fault:
            raise InvalidGenesis(f"{self.name}: {fault.message}", help=fault.help) from fault
        self._state.put(item, key, encodable)

    def put_all(self, value: Any) -> None:
        """Write a value, or the entries of a table; with several keys, tables within tables."""
        for at, entry in _entries(self.name, value, len(self.item.keys)):
            self.put(at, entry)

    def _key(self, at: Any) -> Any:
        keys = self.item.keys
        parts = at if isinstance(at, tuple) else (at,)
        if len(parts) != len(keys):
            raise InvalidGenesis(f"it has {len(keys)} keys, got {len(parts)}")
        made = tuple([from_plain(key.type, part) for key, part in zip(keys, parts, strict=True)])
        return made[0] if len(made) == 1 else made


class Items:
    """The pallets of a runtime."""

    def __init__(self, pallets: Iterable[Pallet]) -> None:
        self._pallets = {pallet.name: pallet for pallet in pallets}

    def __contains__(self, pallet: str) -> bool:
        return pallet in self._pallets

    def find(self, pallet: str, name: str) -> NamedItem:
        """An item by its name on chain."""
        owner = self._pallet(pallet)
        known = {item.name: item for item in owner.storage()}
        return NamedItem(owner, _one(known, name, f"storage item of {pallet}"))

    def put_all(self, storage: Mapping[str, Mapping[str, Any]]) -> None:
        """Write tables of pallets and their items."""
        for pallet, items in storage.items():
            self._pallet(pallet)
            for name, value in items.items():
                self.find(pallet, name).put_all(value)

    def call(self, origin: Origin, name: str, arguments: Mapping[str, Any]) -> None:
        """Carry out a call by its name, `SubtensorModule.start_call`, by the runtime's own rules."""
        pallet, _, method = name.partition(".")
        owner = self._pallet(pallet)
        call = _one({call.name: call for call in owner.calls()}, method, f"call of {pallet}")
        wanted = [str(field.name) for field in call.fields]
        if set(wanted) != set(arguments):
            raise InvalidGenesis(f"{name} takes {', '.join(wanted)}, got {', '.join(arguments)}")
        values = [from_plain(field.type, arguments[str(field.name)]) for field in call.fields]
        try:
            call.carry_out(owner, origin, *values)
        except DispatchFailure as failure:
            raise InvalidGenesis(f"{name}({dict(arguments)}) fails: {self._reason(failure)}") from failure

    def _reason(self, failure: DispatchFailure) -> str:
        kind, fields = failure.reason
        if kind == "Module":
            ((module, number),) = fields
            for pallet in self._pallets.values():
                for error in pallet.errors() if pallet.index == module else ():
                    if error.index == number[0]:
                        return f"{pallet.name}.{error.name}"
        return ".".join([kind, *(str(getattr(part, "name", part)) for part in fields)])

    def _pallet(self, name: str) -> Pallet:
        pallet: Pallet = _one(self._pallets, name, "pallet")
        return pallet


def _entries(name: str, value: Any, keys: int) -> list[tuple[tuple[Any, ...], Any]]:
    if not keys:
        return [((), value)]
    if not isinstance(value, Mapping):
        raise InvalidGenesis(f"{name} has {keys} keys: write a table of them, got {value!r}")
    return [
        ((key, *rest), entry)
        for key, below in value.items()
        for rest, entry in _entries(f"{name}.{key}", below, keys - 1)
    ]


def _one(known: Mapping[str, Any], name: str, what: str) -> Any:
    if name in known:
        return known[name]
    folded = {key.lower().replace("_", ""): key for key in known}
    near = get_close_matches(name.lower().replace("_", ""), folded, n=1)
    guess = f"did you mean {folded[near[0]]}?" if near else f"known are {', '.join(sorted(known)[:8])}"
    raise InvalidGenesis(f"there is no {what} {name!r}", help=guess)
