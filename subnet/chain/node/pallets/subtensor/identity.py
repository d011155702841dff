# SPDX-License-Identifier: Apache-2.0
"""What people say about themselves and about their networks, and the symbols of tokens.

The chain keeps such texts as they are, up to a length; it does not check that any of it is true.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.names import NAMES, ROOT_SYMBOL, SYMBOLS
from subnet.chain.node.pallets.subtensor.neurons import Neurons
from subnet.chain.node.pallets.subtensor.records import ChainIdentityV2, SubnetIdentityV3
from subnet.chain.node.scale.names import Blob, u16

__all__ = ["Identities"]

_LONGEST_OF_COLDKEY: Final = (256, 256, 256, 1024, 256, 1024, 1024)
_LONGEST_OF_SUBNET: Final = (256, 1024, 1024, 1024, 256, 1024, 1024, 1024)


class Identities(Neurons):
    """Texts and symbols."""

    @call(68)
    def set_identity(
        self,
        origin: Origin,
        name: Blob,
        url: Blob,
        github_repo: Blob,
        image: Blob,
        discord: Blob,
        description: Blob,
        additional: Blob,
    ) -> None:
        """Say who one is; one of the coldkey's hotkeys must have a uid somewhere."""
        coldkey = origin.signed()
        if not any(self.is_registered(hotkey) for hotkey in self.OwnedHotkeys[coldkey]):
            raise self.Errors.HotKeyNotRegisteredInNetwork()
        identity = ChainIdentityV2(name, url, github_repo, image, discord, description, additional)
        self._ensure_short(identity, _LONGEST_OF_COLDKEY)
        self.IdentitiesV2[coldkey] = identity
        self.system.deposit(self.Events.ChainIdentitySet(coldkey))

    @call(78)
    def set_subnet_identity(
        self,
        origin: Origin,
        netuid: u16,
        subnet_name: Blob,
        github_repo: Blob,
        subnet_contact: Blob,
        subnet_url: Blob,
        discord: Blob,
        description: Blob,
        logo_url: Blob,
        additional: Blob,
    ) -> None:
        """Say what a network is, as its owner."""
        if self.SubnetOwner[netuid] != origin.signed():
            raise self.Errors.NotSubnetOwner()
        texts = (subnet_name, github_repo, subnet_contact, subnet_url, discord, description, logo_url, additional)
        self.describe_subnet(netuid, SubnetIdentityV3(*texts))

    def describe_subnet(self, netuid: int, identity: SubnetIdentityV3) -> None:
        """Keep what was said about a network."""
        self._ensure_short(identity, _LONGEST_OF_SUBNET)
        self.SubnetIdentitiesV3[netuid] = identity
        self.system.deposit(self.Events.SubnetIdentitySet(netuid))

    def name_of_subnet(self, netuid: int) -> bytes:
        """What a network is called: as its owner says, else as the chain does."""
        identity = self.SubnetIdentitiesV3[netuid]
        if identity is not None and identity.subnet_name:
            return identity.subnet_name
        return (NAMES[netuid] if netuid < len(NAMES) else "unknown").encode()

    def next_symbol(self, netuid: int) -> bytes:
        """The symbol for a new network: its own, else the first that is free."""
        taken = {symbol for _, symbol in self.TokenSymbol.items()}
        own = (SYMBOLS[netuid] if netuid < len(SYMBOLS) else ROOT_SYMBOL).encode()
        if own not in taken:
            return own
        return next((symbol.encode() for symbol in SYMBOLS[1:] if symbol.encode() not in taken), ROOT_SYMBOL.encode())

    def ensure_symbol(self, symbol: bytes) -> None:
        """Turn away whoever wants a symbol that is none, or somebody's."""
        if symbol not in {known.encode() for known in SYMBOLS[1:]}:
            raise self.Errors.SymbolDoesNotExist()
        if any(symbol == taken for _, taken in self.TokenSymbol.items()):
            raise self.Errors.SymbolAlreadyInUse()

    def _ensure_short(self, texts: tuple[bytes, ...], longest: tuple[int, ...]) -> None:
        if any(len(text) > most for text, most in zip(texts, longest, strict=True)):
            raise self.Errors.InvalidIdentity()
