# SPDX-License-Identifier: Apache-2.0
"""Transactions over RPC: into the pool, what becomes of them, and why one is not taken.

Wallets tell refusals apart by number and words, so both are those of a Substrate node. The node holds no keys: its
blocks need no signature, and nobody can make it sign.
"""

from __future__ import annotations

from typing import Final

from protocols.errors import PoolRefusal
from protocols.types import Json
from subnet.chain.node.node import Node
from subnet.chain.node.rpc.errors import RpcError
from subnet.chain.node.rpc.methods import method, subscription
from subnet.chain.node.rpc.reading import given, hexadecimal, octets
from subnet.chain.node.rpc.session import Feed, Session
from subnet.chain.node.validity import InvalidTransaction, Undecodable

__all__ = ["AuthorMethods", "refusal"]

_UNDECODABLE: Final = 1002
_INVALID: Final = 1010
_UNKNOWN: Final = 1011
_UNSAFE: Final = -32601


class AuthorMethods:
    """What is asked about transactions that are on their way."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @method("author_submitExtrinsic")
    async def submit(self, session: Session, params: list[Json]) -> Json:
        """Put a transaction into the pool; its hash."""
        data = octets(given(params, 0))
        try:
            return hexadecimal(await self._node.submit(data))
        except (InvalidTransaction, PoolRefusal) as fault:
            raise refusal(fault) from fault

    @subscription("author_submitAndWatchExtrinsic", "author_unwatchExtrinsic", "author_extrinsicUpdate")
    async def watch(self, feed: Feed, extrinsic: Json) -> None:
        """The same, and every step of its life until the last."""
        try:
            watch = self._node.watch(octets(extrinsic))
        except (InvalidTransaction, PoolRefusal) as fault:
            raise refusal(fault) from fault
        async for status in watch:
            feed.send(status.to_json())

    @method("author_pendingExtrinsics")
    def pending(self, session: Session, params: list[Json]) -> Json:
        """Every transaction that may enter the next block."""
        return [hexadecimal(data) for data in self._node.pool.pending()]

    @method("author_hasKey", "author_hasSessionKeys")
    def has_key(self, session: Session, params: list[Json]) -> Json:
        """Whether the node holds a key, which it never does."""
        return False

    @method("author_insertKey", "author_rotateKeys", "author_removeExtrinsic")
    def unsafe(self, session: Session, params: list[Json]) -> Json:
        """What only the operator of a Substrate node may do."""
        raise RpcError(_UNSAFE, "RPC call is unsafe to be called externally")


def refusal(fault: InvalidTransaction | PoolRefusal) -> RpcError:
    """Why a transaction is not taken, as a Substrate node says it."""
    if isinstance(fault, PoolRefusal):
        return RpcError(fault.number, fault.title, fault.data)
    if isinstance(fault, Undecodable):
        said = "Verification Error: Runtime error: Execution failed: Execution aborted due to trap: "
        return RpcError(_UNDECODABLE, f"{said}{fault.detail}", 'RuntimeApi("Execution failed")')
    if fault.is_unknown:
        return RpcError(_UNKNOWN, "Unknown Transaction Validity", fault.variant)
    return RpcError(_INVALID, "Invalid Transaction", str(fault))
