# SPDX-License-Identifier: Apache-2.0
"""Blocks and headers over RPC, as clients read the chain and follow its head.

A block is final as soon as it is there, so the subscriptions to all, to the best and to the final heads tell the same.
"""

from __future__ import annotations

from protocols.types import Json
from subnet.chain.node.node import Node
from subnet.chain.node.rpc.methods import method, subscription
from subnet.chain.node.rpc.reading import block_hash, given, hexadecimal, whole
from subnet.chain.node.rpc.session import Feed, Session

__all__ = ["ChainMethods"]


class ChainMethods:
    """What is asked about blocks."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @method("chain_getBlockHash", "chain_getHead")
    def block_hash(self, session: Session, params: list[Json]) -> Json:
        """The hash of the block with a number, of several, or of the newest."""
        asked = given(params, 0)
        if asked is None:
            return hexadecimal(self._node.head.hash)
        if isinstance(asked, list):
            return [self._hash(number) for number in asked]
        return self._hash(asked)

    @method("chain_getFinalizedHead", "chain_getFinalisedHead")
    def finalized_head(self, session: Session, params: list[Json]) -> Json:
        """The hash of the newest block that is final."""
        return hexadecimal(self._node.finalized.hash)

    @method("chain_getHeader")
    def header(self, session: Session, params: list[Json]) -> Json:
        """The header of a block, null where there is none."""
        header = self._node.header(block_hash(params, 0) or self._node.head.hash)
        return None if header is None else header.to_json()

    @method("chain_getBlock")
    def block(self, session: Session, params: list[Json]) -> Json:
        """A block with its extrinsics, null where there is none."""
        block = self._node.block(block_hash(params, 0) or self._node.head.hash)
        return None if block is None else block.to_json()

    @subscription("chain_subscribeNewHeads", "chain_unsubscribeNewHeads", "chain_newHead")
    @subscription("chain_subscribeNewHead", "chain_unsubscribeNewHead", "chain_newHead")
    @subscription("subscribe_newHead", "unsubscribe_newHead", "chain_newHead")
    @subscription("chain_subscribeAllHeads", "chain_unsubscribeAllHeads", "chain_allHead")
    @subscription("chain_subscribeFinalizedHeads", "chain_unsubscribeFinalizedHeads", "chain_finalizedHead")
    @subscription("chain_subscribeFinalisedHeads", "chain_unsubscribeFinalisedHeads", "chain_finalizedHead")
    async def heads(self, feed: Feed) -> None:
        """The newest header, and every one after it."""
        header = self._node.header(self._node.head.hash)
        if header is not None:
            feed.send(header.to_json())
        async for told in self._node.blocks():
            feed.send(told.header.to_json())

    def _hash(self, number: Json) -> str | None:
        return hexadecimal(self._node.hash_at(whole(number)))
