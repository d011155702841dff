# SPDX-License-Identifier: Apache-2.0
"""Where a miner answers, as the chain tells it to others: published when the chain says otherwise, and only then.

Publishing costs a transaction that chains allow only so often, so the state is read first and what it says decides. A
client may read from a block before our own transaction; such a block cannot tell that the chain has forgotten us.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from protocols.calls import ServeAxon, SetCommitment
from protocols.chain import Chain, check_reachable
from protocols.endpoint import Endpoint
from protocols.errors import NotRegistered
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
        self.place: Neuron | None = None
        """This hotkey's row of the newest metagraph, if it had one."""
        self.endpoint: Endpoint | None = None
        """What the chain shall say; None publishes nothing."""
        self.commitment: bytes | None = None
        """What the chain shall hold of this hotkey; None commits nothing."""

    def row(self, metagraph: Metagraph) -> Neuron:
        """This hotkey's own row, or `NotRegistered` with what to type."""
        self.place = metagraph.by_hotkey(self._hotkey) if self._hotkey in metagraph else None
        if self.place is None:
            raise NotRegistered(
                f"hotkey {short(self._hotkey)} is not registered on subnet {self._netuid}",
                help=f"subnet miner register --netuid {self._netuid}",
            )
        return self.place

    async def renew(self, metagraph: Metagraph) -> None:
        """Publish what this metagraph and the chain's commitments do not say yet; raises what the chain answers."""
        await self._renew_endpoint(metagraph)
        await self._renew_commitment()

    async def _renew_endpoint(self, metagraph: Metagraph) -> None:
        known, endpoint = self.row(metagraph).endpoint, self.endpoint
        if endpoint is None or endpoint == known or metagraph.block < self._since:
            return
        check_reachable(self._chain, endpoint)
        receipt = await self._chain.submit(ServeAxon(self._netuid, endpoint), self._key)
        self._since = receipt.raise_for_error().block

    async def _renew_commitment(self) -> None:
        if self.commitment is None:
            return
        held = (await self._chain.commitments(self._netuid)).get(self._hotkey)
        if held is None or held.data != self.commitment:
            (await self._chain.submit(SetCommitment(self._netuid, self.commitment), self._key)).raise_for_error()


def listening_at(url: str) -> Endpoint:
    """The endpoint of a server's URL; raises `LedgerError` for 0.0.0.0, where one listens but cannot be reached."""
    parts = urlsplit(url)
    return Endpoint(parts.hostname or "", parts.port or 0)
