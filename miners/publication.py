# SPDX-License-Identifier: Apache-2.0
"""Where a miner answers, as the chain tells it to others: published when the chain says otherwise, and only then.

Publishing costs a transaction that chains allow only so often, so the state is read first and what it says decides. A
client may read from a block before our own transaction; such a block cannot tell that the chain has forgotten us.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from protocols.calls import ServeAxon
from protocols.chain import Chain
from protocols.endpoint import Endpoint
from protocols.errors import LedgerError, NotRegistered
from protocols.keys import Signer, short
from protocols.metagraph import Metagraph, Neuron
from protocols.types import Block, Hotkey, NetUid

__all__ = ["Publication", "listening_at"]


class Publication:
    """One hotkey's entry on one subnet."""

    def __init__(self, chain: Chain, netuid: NetUid, key: Signer) -> None:
        self._chain = chain
        self._netuid = netuid
        self._key = key
        self._hotkey = Hotkey(key.ss58_address)
        self._since = Block(0)
        self.endpoint: Endpoint | None = None
        """What the chain shall say; None publishes nothing."""

    def row(self, metagraph: Metagraph) -> Neuron:
        """This hotkey's own row, or `NotRegistered` with what to type."""
        if self._hotkey not in metagraph:
            raise NotRegistered(
                f"hotkey {short(self._hotkey)} is not registered on subnet {self._netuid}",
                help=f"with a coldkey: await chain.submit(Register({self._netuid}, {self._hotkey!r}), coldkey)",
            )
        return metagraph.by_hotkey(self._hotkey)

    async def renew(self, metagraph: Metagraph) -> None:
        """Publish the endpoint unless this metagraph has it; raises what the chain answers."""
        known, endpoint = self.row(metagraph).endpoint, self.endpoint
        if endpoint is None or endpoint == known or metagraph.block < self._since:
            return
        if not (self._chain.is_local or endpoint.is_public):
            raise LedgerError(
                f"endpoint {endpoint.ip}:{endpoint.port} is not public, nobody on this chain could reach it",
                help="publish the address that others reach: MinerOptions(published=Endpoint(ip, port))",
            )
        receipt = await self._chain.submit(ServeAxon(self._netuid, endpoint), self._key)
        self._since = receipt.raise_for_error().block


def listening_at(url: str) -> Endpoint:
    """The endpoint of a server's URL; raises `LedgerError` for 0.0.0.0, where one listens but cannot be reached."""
    parts = urlsplit(url)
    return Endpoint(parts.hostname or "", parts.port or 0)
