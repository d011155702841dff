# SPDX-License-Identifier: Apache-2.0
"""Storage items as attributes of a pallet: `self.Tempo[netuid]`, `self.TotalIssuance.value += amount`.

The attribute's name is the item's name on chain. An item with a default is never absent; one whose default is None
is an option, and its absent entries read as None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from subnet.chain.node.frame.hashing import Key, twox_128
from subnet.chain.node.frame.state import ABSENT, State
from subnet.chain.node.scale.composites import Option
from subnet.chain.node.scale.names import scale_of
from subnet.chain.node.scale.primitives import Reader

if TYPE_CHECKING:
    from subnet.chain.node.frame.pallet import Pallet

__all__ = ["BoundMap", "BoundValue", "Map", "Storage", "Value"]

V = TypeVar("V")


class Storage(Generic[V]):
    """What value and map have in common."""

    def __init__(self, hint: Any, default: Any, *keys: Key) -> None:
        """The value's type as an annotation (`u64 | None` for an option), what absent entries read as, and the keys.

        A default that is a function is asked anew each time; one of None makes the item an option.
        """
        declared = scale_of(hint)
        self.optional = default is None
        self.type = declared.item if self.optional and isinstance(declared, Option) else declared
        self.default: Callable[[], Any] = default if callable(default) else lambda: default
        self.absent = ABSENT if callable(default) else default
        """What absent entries read as, or `ABSENT` where it must be asked: most reads go without a call."""
        self.data: Callable[[Any], bytes] = self.type.encode
        """The encoding of a value."""
        self.keys = keys
        self.name = self.attribute = ""
        self.prefix = b""

    def __set_name__(self, owner: type, name: str) -> None:
        # As with calls, an underscore at the end sets an attribute apart from another of its name.
        self.name, self.attribute = name.rstrip("_"), name

    def settle(self, pallet: str) -> None:
        """Learn the name of the pallet, which is part of every key."""
        self.prefix = twox_128(pallet.encode()) + twox_128(self.name.encode())

    def key(self, at: Any) -> bytes:
        """The bytes under which an entry is stored; `at` is the key, or a tuple of them if there are several."""
        if not self.keys:
            return self.prefix
        parts = (at,) if len(self.keys) == 1 else at
        return self.prefix + b"".join([key.encode(part) for key, part in zip(self.keys, parts, strict=True)])

    def at(self, key: bytes) -> Any:
        """The key that such bytes, which begin with the item's prefix, stand for."""
        source = Reader(key)
        source.take(len(self.prefix))
        parts = tuple([part.read(source) for part in self.keys])
        return parts[0] if len(parts) == 1 else parts


class Value(Storage[V]):
    """One value."""

    @overload
    def __get__(self, pallet: None, owner: type) -> Value[V]: ...
    @overload
    def __get__(self, pallet: Pallet, owner: type) -> BoundValue[V]: ...
    def __get__(self, pallet: Pallet | None, owner: type) -> Value[V] | BoundValue[V]:
        if pallet is None:
            return self
        bound = pallet.__dict__[self.attribute] = BoundValue(self, pallet.state)
        return bound


class Map(Storage[V]):
    """One value for each key."""

    @overload
    def __get__(self, pallet: None, owner: type) -> Map[V]: ...
    @overload
    def __get__(self, pallet: Pallet, owner: type) -> BoundMap[V]: ...
    def __get__(self, pallet: Pallet | None, owner: type) -> Map[V] | BoundMap[V]:
        if pallet is None:
            return self
        bound = pallet.__dict__[self.attribute] = BoundMap(self, pallet.state)
        return bound


class BoundValue(Generic[V]):
    """A value in a state."""

    __slots__ = ("_absent", "_item", "_note", "_state", "_table")

    def __init__(self, item: Value[V], state: State) -> None:
        self._item, self._state, self._table = item, state, state.table(item)
        self._absent, self._note = item.absent, state.note

    @property
    def value(self) -> V:
        """What it is, or what it is by default."""
        found: V = self._table.get((), self._absent)
        return self._asked() if found is ABSENT else found

    @value.setter
    def value(self, value: V) -> None:
        if value is None:
            self._state.drop(self._item, ())
        else:
            self._note((self._item, (), self._table.get((), ABSENT)))
            self._table[()] = value

    def kill(self) -> None:
        """Back to the default."""
        self._state.drop(self._item, ())

    def _asked(self) -> V:
        found: V = self._item.default()
        return found


class BoundMap(Generic[V]):
    """A map in a state; with several keys, its key is the tuple of them."""

    __slots__ = ("_absent", "_item", "_note", "_state", "_table")

    def __init__(self, item: Map[V], state: State) -> None:
        self._item, self._state, self._table = item, state, state.table(item)
        self._absent, self._note = item.absent, state.note

    def __getitem__(self, at: Any) -> V:
        found: V = self._table.get(at, self._absent)
        return self._asked() if found is ABSENT else found

    def __setitem__(self, at: Any, value: V) -> None:
        if value is None:
            self._state.drop(self._item, at)
        else:
            self._note((self._item, at, self._table.get(at, ABSENT)))
            self._table[at] = value

    def __delitem__(self, at: Any) -> None:
        self._state.drop(self._item, at)

    def __contains__(self, at: Any) -> bool:
        return at in self._table

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._table))

    def __len__(self) -> int:
        return len(self._table)

    def items(self) -> list[tuple[Any, V]]:
        """All entries that are there."""
        return list(self._table.items())

    def under(self, first: Any) -> list[tuple[Any, V]]:
        """The entries of a map with two keys under one first key, by the second."""
        return [(at[1], value) for at, value in self._table.items() if at[0] == first]

    def _asked(self) -> V:
        found: V = self._item.default()
        return found
