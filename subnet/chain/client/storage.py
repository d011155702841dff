# SPDX-License-Identifier: Apache-2.0
"""Keys and values of a chain's storage, as its metadata describes them.

A metagraph of an older runtime takes two thousand keys. The library looks each of them up in the metadata again, which
takes longer than asking the node; here what is known of an entry is kept for as long as its runtime is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from scalecodec import ScaleBytes
from substrateinterface.utils import hasher

from protocols.keys import decode_address

__all__ = ["Entry", "Item", "Layout"]

_HASHERS: Final[MappingProxyType[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "Blake2_128": hasher.blake2_128,
        "Blake2_128Concat": hasher.blake2_128_concat,
        "Blake2_256": hasher.blake2_256,
        "Identity": hasher.identity,
        "Twox128": hasher.xxh128,
        "Twox64Concat": hasher.two_x64_concat,
    }
)


class Item(NamedTuple):
    """One entry of the chain's storage, or with fewer parameters than it takes, all that begin with them."""

    pallet: str
    name: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the metadata say about an entry."""

    prefix: bytes
    hashers: Sequence[str]
    kinds: Sequence[str]
    value_kind: str
    default: str | None
    """What is read where nothing was written, or None where nothing is read then."""


class Layout:
    """The storage of one runtime."""

    def __init__(self, runtime_config: Any, metadata: Any) -> None:
        self._types = runtime_config
        self._metadata = metadata
        self._entries: dict[tuple[str, str], Entry | None] = {}
        self._encoded: dict[tuple[str, Any], bytes] = {}

    def entry(self, pallet: str, name: str) -> Entry | None:
        """What is known of an entry, or None where the runtime does not have it."""
        if (pallet, name) not in self._entries:
            self._entries[pallet, name] = self._found(pallet, name)
        return self._entries[pallet, name]

    def key(self, item: Item) -> str | None:
        """The key of an item as 0x-prefixed hex, or None where the runtime does not have it."""
        entry = self.entry(item.pallet, item.name)
        if entry is None:
            return None
        places = zip(item.params, entry.hashers, entry.kinds, strict=False)  # fewer make a prefix
        hashed = (_HASHERS[name](self._parameter(kind, param)) for param, name, kind in places)
        return f"0x{(entry.prefix + b''.join(hashed)).hex()}"

    def value(self, item: Item, data: str | None) -> Any:
        """What stored bytes stand for; without any, the default, and None where there is none."""
        entry = self.entry(item.pallet, item.name)
        if entry is None or (data is None and entry.default is None):
            return None
        read = self._types.create_scale_object(
            entry.value_kind, ScaleBytes(data if data is not None else entry.default), metadata=self._metadata
        )
        read.decode()
        return read.value

    def _found(self, pallet: str, name: str) -> Entry | None:
        found = self._metadata.get_metadata_pallet(pallet)
        function = None if found is None else found.get_storage_function(name)
        if function is None:
            return None
        default = function.value_object["default"].value_object
        return Entry(
            prefix=hasher.xxh128(found.value["storage"]["prefix"].encode()) + hasher.xxh128(name.encode()),
            hashers=function.get_param_hashers(),
            kinds=function.get_params_type_string(),
            value_kind=function.get_value_type_string(),
            default=f"0x{bytes(default).hex()}" if function.value["modifier"] == "Default" else None,
        )

    def _parameter(self, kind: str, param: Any) -> bytes:
        if isinstance(param, str):
            return decode_address(param)
        if (kind, param) not in self._encoded:
            self._encoded[kind, param] = bytes(self._types.create_scale_object(kind).encode(param).data)
        return self._encoded[kind, param]
