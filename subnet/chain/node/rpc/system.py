# SPDX-License-Identifier: Apache-2.0
"""The node about itself over RPC: which chain, which program, how it fares, and what clients show money in.

Wallets and explorers ask all of this when they connect. There are no peers: one process is the whole network.
"""

from __future__ import annotations

from typing import Final

from protocols.types import Json
from subnet import __version__
from subnet.chain.node.node import Node
from subnet.chain.node.rpc.methods import method
from subnet.chain.node.rpc.reading import account, given, hexadecimal, octets
from subnet.chain.node.rpc.session import Session
from subnet.chain.node.rpc.trial import try_out

__all__ = ["PROPERTIES", "SystemMethods"]

PROPERTIES: Final[dict[str, Json]] = {"ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO"}
"""How clients write addresses and money."""

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# What comes before an ed25519 key in the identity of a libp2p peer.
_PEER: Final = bytes.fromhex("002408011220")


class SystemMethods:
    """What is asked about the node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._genesis = node.hash_at(0) or node.head.hash

    @method("system_chain", "chainSpec_v1_chainName")
    def chain(self, session: Session, params: list[Json]) -> Json:
        """The name of the chain."""
        founding = self._node.store.founding
        return "" if founding is None else founding.name

    @method("system_chainType")
    def chain_type(self, session: Session, params: list[Json]) -> Json:
        """What it is for; explorers offer the well-known accounts on a local one."""
        return "Local"

    @method("system_name")
    def name(self, session: Session, params: list[Json]) -> Json:
        """The name of the program."""
        return "subnet node"

    @method("system_version")
    def version(self, session: Session, params: list[Json]) -> Json:
        """The version of the program."""
        return __version__

    @method("system_properties", "chainSpec_v1_properties")
    def properties(self, session: Session, params: list[Json]) -> Json:
        """How clients write addresses and money."""
        return PROPERTIES

    @method("chainSpec_v1_genesisHash")
    def genesis(self, session: Session, params: list[Json]) -> Json:
        """The hash of block 0, by which clients tell chains apart."""
        return hexadecimal(self._genesis)

    @method("system_health")
    def health(self, session: Session, params: list[Json]) -> Json:
        """How the node fares: alone, and always up to date."""
        return {"peers": 0, "isSyncing": False, "shouldHavePeers": False}

    @method("system_peers", "system_reservedPeers", "system_localListenAddresses")
    def nobody(self, session: Session, params: list[Json]) -> Json:
        """The other nodes, of which there are none."""
        return []

    @method("system_nodeRoles")
    def roles(self, session: Session, params: list[Json]) -> Json:
        """What the node does: it makes all blocks."""
        return ["Authority"]

    @method("system_syncState")
    def sync_state(self, session: Session, params: list[Json]) -> Json:
        """How far it is."""
        number = self._node.head.number
        return {"startingBlock": 0, "currentBlock": number, "highestBlock": number}

    @method("system_localPeerId")
    def peer_id(self, session: Session, params: list[Json]) -> Json:
        """An identity in the form of a peer's, from the genesis, since no peer will ever check it."""
        number, letters = int.from_bytes(_PEER + self._genesis), ""
        while number:
            number, place = divmod(number, len(_ALPHABET))
            letters = _ALPHABET[place] + letters
        return f"{_ALPHABET[0]}{letters}"

    @method("system_accountNextIndex", "account_nextIndex")
    def next_index(self, session: Session, params: list[Json]) -> Json:
        """The nonce for an account's next transaction, those in the pool counted."""
        return self._node.next_nonce(account(given(params, 0)))

    @method("system_dryRun", "system_dryRunAt")
    def dry_run(self, session: Session, params: list[Json]) -> Json:
        """What would come of a transaction in the next block."""
        return hexadecimal(try_out(self._node, octets(given(params, 0))))
