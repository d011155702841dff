# SPDX-License-Identifier: Apache-2.0
"""What one may ask a node for: storage in bulk, typed runtime calls, blocks; for the thread that owns the connection.

Each method is one round trip, unless the chain's runtime turns out to be another than the one that is loaded. That is
noticed by itself, because each storage request also asks for the last runtime upgrade: metadata that are a version old
would decode an amount out of the wrong bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import bittensor_core as native

from protocols.errors import LedgerError
from protocols.types import Block
from subnet.chain.client.faults import NodeError
from subnet.chain.client.interface import Interface
from subnet.chain.client.storage import Item, Layout

__all__ = ["Session"]

_V15: Final = "0x0f000000"
_PAGE: Final = 1000  # the most keys that a node returns at once
_METHOD_NOT_FOUND: Final = -32601


_UPGRADE: Final = Item("System", "LastRuntimeUpgrade")


class Session:
    """A conversation with one node."""

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._upgrade: dict[int, str | None] = {}  # the last runtime upgrade in the storage of each known version
        self._natives: dict[int, Any] = {}
        self._kept: tuple[int, Layout] | None = None

    # Requests

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of any request; raises `NodeError`."""
        return self.interface.rpc_request(method, list(params))["result"]

    def rpc_if_known(self, method: str, *params: Any) -> Any:
        """The result of a request, or None where the node does not have this method or keeps it to itself."""
        try:
            return self.rpc(method, *params)
        except NodeError as error:
            if error.code == _METHOD_NOT_FOUND or "not found" in error.message or "unsafe" in error.message:
                return None
            raise

    def head(self) -> str:
        """The hash of the newest block."""
        head: str = self.rpc("chain_getHead")
        return head

    def finalised(self) -> str:
        """The hash of the newest block that will never be replaced."""
        head: str = self.rpc("chain_getFinalizedHead")
        return head

    def number(self, block_hash: str) -> Block:
        """The height of a block."""
        return Block(int(self.rpc("chain_getHeader", block_hash)["number"], 16))

    def hash_of(self, block: int) -> str | None:
        """The hash of the block at a height, or None where there is none yet."""
        block_hash: str | None = self.rpc("chain_getBlockHash", block)
        return block_hash

    # Storage

    def arity(self, pallet: str, name: str) -> int:
        """By how many parameters an entry of the storage is found; 0 also for what the runtime does not keep."""
        entry = self._layout().entry(pallet, name)
        return 0 if entry is None else len(entry.kinds)

    def takes(self, pallet: str, function: str) -> int | None:
        """How many arguments a call has, or None where the runtime does not know it."""
        self._ready()
        found = self.interface.metadata.get_metadata_pallet(pallet)
        calls = () if found is None else found.calls or ()
        return next((len(call.args) for call in calls if call.name == function), None)

    def read(self, items: Sequence[Item], at: str) -> list[Any]:
        """The values of storage entries at a block, with the chain's defaults; None for what it does not keep."""
        stored = self._stored(items, at)
        layout = self._layout()
        return [layout.value(item, data) for item, data in zip(items, stored, strict=True)]

    def read_raw(self, items: Sequence[Item], at: str) -> list[bytes | None]:
        """The stored bytes of entries at a block, None for what was never written."""
        return [None if data is None else bytes.fromhex(data[2:]) for data in self._stored(items, at)]

    def entries(self, item: Item, at: str) -> Iterator[tuple[bytes, bytes]]:
        """All entries of a map that begin with these parameters: the bytes of each key, and of its value."""
        prefix = self._layout().key(item)
        start, count = None, 0 if prefix is None else _PAGE
        while count == _PAGE:
            keys: list[str] = self.rpc("state_getKeysPaged", prefix, _PAGE, start, at)
            found = self._query(keys, at) if keys else {}
            for key in keys:
                if (data := found.get(key)) is not None:
                    yield bytes.fromhex(key[2:]), bytes.fromhex(data[2:])
            start, count = keys[-1] if keys else None, len(keys)

    def _stored(self, items: Sequence[Item], at: str) -> list[str | None]:
        layout = self._layout()
        keys, mark = [layout.key(item) for item in items], layout.key(_UPGRADE)
        found = self._query([key for key in (*keys, mark) if key is not None], at)
        if mark is not None:
            upgrade = found.get(mark)
            if self._upgrade.setdefault(self.spec_version, upgrade) != upgrade:
                self.load(at)
                self._upgrade[self.spec_version] = upgrade
                keys = [self._layout().key(item) for item in items]
                found = self._query([key for key in keys if key is not None], at)
        return [None if key is None else found.get(key) for key in keys]

    def _query(self, keys: Sequence[str], at: str) -> dict[str, str | None]:
        return {key: value for part in self.rpc("state_queryStorageAt", keys, at) for key, value in part["changes"]}

    def _layout(self) -> Layout:
        self._ready()
        if self._kept is None or self._kept[0] != self.spec_version:
            self._kept = (self.spec_version, Layout(self.interface.runtime_config, self.interface.metadata))
        return self._kept[1]

    # The runtime

    @property
    def spec_version(self) -> int:
        """The version of the runtime that is loaded."""
        version: int = self.interface.runtime_version
        return version

    def load(self, at: str | None = None) -> None:
        """Load the runtime of a block, or of the newest, unless it is the one that is loaded."""
        self.interface.load(at or self.head())

    def _ready(self) -> None:
        if self.interface.metadata is None:
            self.load()

    def offers(self, api: str, method: str) -> bool:
        """Whether the runtime has this call, and says of which types."""
        return method in self._runtime().runtime_api_map().get(api, {})

    def call(self, api: str, method: str, arguments: Sequence[Any], at: str) -> Any:
        """The decoded result of a typed runtime call."""
        runtime = self._runtime()
        described = runtime.runtime_api_map()[api][method]
        pairs = zip(described["inputs"], arguments, strict=True)
        data = b"".join(bytes(runtime.encode(kind, argument)) for (_, kind), argument in pairs)
        answer = self.rpc("state_call", f"{api}_{method}", f"0x{data.hex()}", at)
        return runtime.decode(described["output"], bytes.fromhex(answer[2:]))

    def _runtime(self) -> Any:
        # substrate-interface reads metadata up to version 14; the types of runtime calls came with 15.
        self._ready()
        if self.spec_version not in self._natives:
            metadata = self._metadata_15()
            parts = (self.spec_version, self.interface.transaction_version)
            self._natives[self.spec_version] = native.Runtime(metadata, *parts) if metadata else _Untyped()
        return self._natives[self.spec_version]

    def _metadata_15(self) -> bytes | None:
        try:
            answer = self.rpc("state_call", "Metadata_metadata_at_version", _V15, self.interface.loaded_at)
        except NodeError:
            return None  # the runtime is older than this call
        data = bytes.fromhex(answer[2:])
        if data[:1] != b"\1":  # an Option: none
            return None
        return data[1 + (1, 2, 4, 0)[data[1] & 3] :]  # what is left of its length and itself

    def error_name(self, pallet: int, error: int) -> tuple[str, str]:
        """The name and the explanation of a pallet's error."""
        found = self.interface.metadata.get_module_error(module_index=pallet, error_index=error)
        return found.name, " ".join(found.docs).strip()

    def state_of(self, block: Block | None) -> str:
        """The hash of a block, or of the newest; raises `LedgerError` where there is none."""
        if block is None:
            return self.head()
        found = self.hash_of(block)
        if found is None:
            raise LedgerError(f"block {block} was asked for, the newest is {self.number(self.head())}")
        return found


class _Untyped:
    """A runtime that does not describe its calls."""

    def runtime_api_map(self) -> dict[str, Any]:
        """No calls."""
        return {}
