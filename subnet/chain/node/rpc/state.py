# SPDX-License-Identifier: Apache-2.0
"""Storage and the runtime over RPC: what clients read most, by key, by page, and by question.

Reading an entry of the head is a look into a map. Everything that names an older block goes to the store, and is
refused in the words of a Substrate node where that block's state is no longer kept.
"""

from __future__ import annotations

import asyncio
from typing import Final

from protocols.errors import LedgerError
from protocols.types import Json
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.metadata import VERSIONS, metadata
from subnet.chain.node.node import Node
from subnet.chain.node.rpc.asking import Questions
from subnet.chain.node.rpc.errors import RpcError, invalid_params
from subnet.chain.node.rpc.methods import method, subscription
from subnet.chain.node.rpc.reading import block_hash, given, hexadecimal, many, octets, unavailable, whole
from subnet.chain.node.rpc.session import Feed, Session
from subnet.chain.node.version import RuntimeVersion

__all__ = ["StateMethods"]

_PAGE: Final = 1_000
_TOO_MANY: Final = 4002
_NO_RANGE: Final = 4001
_RANGE: Final = 1_000
_ALL: Final = 1 << 31


class StateMethods:
    """What is asked about the state of the chain."""

    def __init__(self, node: Node, questions: Questions) -> None:
        self._node = node
        self._questions = questions
        self._metadata: str | None = None

    @method("state_getStorage", "state_getStorageAt")
    def storage(self, session: Session, params: list[Json]) -> Json:
        """What an entry holds, null if it is not there."""
        value = self._value(params)
        return None if value is None else "0x" + value.hex()

    @method("state_getStorageHash", "state_getStorageHashAt")
    def storage_hash(self, session: Session, params: list[Json]) -> Json:
        """The hash of what an entry holds."""
        value = self._value(params)
        return None if value is None else hexadecimal(blake2_256(value))

    @method("state_getStorageSize", "state_getStorageSizeAt")
    def storage_size(self, session: Session, params: list[Json]) -> Json:
        """How many bytes an entry holds."""
        value = self._value(params)
        return None if value is None else len(value)

    @method("state_queryStorageAt")
    def query_at(self, session: Session, params: list[Json]) -> Json:
        """What several entries hold."""
        keys, at = many(given(params, 0)), block_hash(params, 1)
        return [self._changes(at, [(key, self._read(key, at)) for key in keys])]

    @method("state_queryStorage")
    def query(self, session: Session, params: list[Json]) -> Json:
        """What several entries held after a block, and how they changed in those after it."""
        keys, first = many(given(params, 0)), block_hash(params, 1)
        before: dict[bytes, bytes | None] = {}
        told: list[Json] = []
        for at in self._blocks(first, block_hash(params, 2)):
            now = {key: self._read(key, at) for key in keys}
            changed = [(key, value) for key, value in now.items() if key not in before or before[key] != value]
            if changed:
                told.append(self._changes(at, changed))
            before = now
        return told

    @method("state_getKeysPaged", "state_getKeysPagedAt")
    def keys_paged(self, session: Session, params: list[Json]) -> Json:
        """A page of keys under a prefix, in order, after a key."""
        prefix, count, start = octets(given(params, 0) or "0x"), whole(given(params, 1)), given(params, 2)
        if count > _PAGE:
            raise RpcError(_TOO_MANY, f"count exceeds maximum value. value: {count}, max: {_PAGE}")
        after = None if start is None else octets(start)
        return [hexadecimal(key) for key in self._keys(prefix, after, count, block_hash(params, 3))]

    @method("state_getKeys")
    def keys(self, session: Session, params: list[Json]) -> Json:
        """All keys under a prefix."""
        return [hexadecimal(key) for key in self._keys(octets(given(params, 0)), None, _ALL, block_hash(params, 1))]

    @method("state_getPairs")
    def pairs(self, session: Session, params: list[Json]) -> Json:
        """All entries under a prefix."""
        prefix, at = octets(given(params, 0)), block_hash(params, 1)
        return [[hexadecimal(key), hexadecimal(self._read(key, at))] for key in self._keys(prefix, None, _ALL, at)]

    @method("state_getMetadata")
    def metadata(self, session: Session, params: list[Json]) -> Json:
        """The metadata of the runtime in the version that every client reads."""
        if self._metadata is None:
            self._metadata = hexadecimal(metadata(self._questions.runtime, VERSIONS[0]))
        return self._metadata

    @method("state_getRuntimeVersion", "chain_getRuntimeVersion")
    def runtime_version(self, session: Session, params: list[Json]) -> Json:
        """Which runtime it is."""
        return _version(self._questions.runtime.version)

    @method("state_call", "state_callAt")
    def call(self, session: Session, params: list[Json]) -> Json:
        """Ask the runtime something."""
        name = given(params, 0)
        if not isinstance(name, str):
            raise invalid_params("give the name of what is asked, such as Core_version")
        return hexadecimal(self._questions.ask(name, octets(given(params, 1) or "0x"), block_hash(params, 2)))

    @subscription("state_subscribeRuntimeVersion", "state_unsubscribeRuntimeVersion", "state_runtimeVersion")
    @subscription("chain_subscribeRuntimeVersion", "chain_unsubscribeRuntimeVersion", "state_runtimeVersion")
    async def runtime_versions(self, feed: Feed) -> None:
        """Which runtime it is; it does not change while the node runs."""
        feed.send(_version(self._questions.runtime.version))
        await asyncio.Event().wait()

    @subscription("state_subscribeStorage", "state_unsubscribeStorage", "state_storage")
    async def changes(self, feed: Feed, keys: Json = None) -> None:
        """What entries hold now, and with every block those that changed; without keys, all that change."""
        wanted = None if keys is None else many(keys)
        if wanted is not None:
            feed.send(self._changes(None, [(key, self._read(key, None)) for key in wanted]))
        async for told in self._node.blocks():
            listed = list(told.changes) if wanted is None else [key for key in wanted if key in told.changes]
            if listed:
                feed.send(self._changes(told.head.hash, [(key, told.changes[key]) for key in listed]))

    def _value(self, params: list[Json]) -> bytes | None:
        return self._read(octets(given(params, 0)), block_hash(params, 1))

    def _read(self, key: bytes, at: bytes | None) -> bytes | None:
        try:
            return self._node.storage(key, at)
        except LedgerError as fault:
            raise unavailable(fault, at) from fault

    def _keys(self, prefix: bytes, after: bytes | None, count: int, at: bytes | None) -> list[bytes]:
        try:
            return self._node.keys(prefix, after, count, at)
        except LedgerError as fault:
            raise unavailable(fault, at) from fault

    def _blocks(self, first: bytes | None, last: bytes | None) -> list[bytes]:
        """The hashes of a range of blocks."""
        headers = [self._node.header(at or self._node.head.hash) for at in (first, last)]
        numbers = [header.number for header in headers if header is not None]
        if len(numbers) < 2 or not 0 <= numbers[1] - numbers[0] < _RANGE:
            ends = f"{hexadecimal(first)} ... {hexadecimal(last)}"
            raise RpcError(_NO_RANGE, f"Cannot resolve a block range [{ends}], expected up to {_RANGE} blocks")
        hashes = (self._node.hash_at(number) for number in range(numbers[0], numbers[1] + 1))
        return [hash for hash in hashes if hash is not None]

    def _changes(self, at: bytes | None, changes: list[tuple[bytes, bytes | None]]) -> Json:
        return {
            "block": hexadecimal(at or self._node.head.hash),
            "changes": [[hexadecimal(key), hexadecimal(value)] for key, value in changes],
        }


def _version(version: RuntimeVersion) -> Json:
    return {
        "specName": version.spec_name,
        "implName": version.impl_name,
        "authoringVersion": version.authoring_version,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "apis": [[hexadecimal(name), number] for name, number in version.apis],
        "transactionVersion": version.transaction_version,
        "systemVersion": version.system_version,
        "stateVersion": version.system_version,
    }
