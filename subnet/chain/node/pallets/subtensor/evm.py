# SPDX-License-Identifier: Apache-2.0
"""Keys of another kind of chain, which a neuron shows to be its own: they sign its hotkey as Ethereum's wallets do.

There are no contracts on this chain; what is kept is who said so, and when, for those who look it up.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import keccak_256
from subnet.chain.node.frame.items import Error
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.neurons import Neurons
from subnet.chain.node.pallets.subtensor.records import Blob20
from subnet.chain.node.scale.names import u16, u64
from subnet.chain.node.scale.primitives import FixedBytes

__all__ = ["EvmKeys"]

_Signature: TypeAlias = Annotated[bytes, FixedBytes(65)]
_BETWEEN: Final = 1
"""Blocks between two keys of a neuron, as in the chain's fast runtime."""

_SAID: Final = b"\x19Ethereum Signed Message:\n64"
_WALLETS_V: Final = 27


class EvmKeys(Neurons):
    """Keys of neurons on another kind of chain."""

    @call(93, pays=False, ref_time=834_242_000)
    def associate_evm_key(
        self, origin: Origin, netuid: u16, evm_key: Blob20, block_number: u64, signature: _Signature
    ) -> None:
        """Show that a key is one's own, by its signature of one's hotkey."""
        hotkey = origin.signed()
        if hotkey not in self.Owner:
            raise self.Errors.NonAssociatedColdKey()
        refused = self.evm_refusal(hotkey, netuid)
        if refused is not None:
            raise refused()
        message = _SAID + hotkey + keccak_256(block_number.to_bytes(8, "little"))
        signer = _signer(message, signature)
        if signer is None:
            raise self.Errors.InvalidIdentity()
        if signer != evm_key:
            raise self.Errors.InvalidRecoveredPublicKey()
        self.AssociatedEvmAddress[netuid, self.Uids[netuid, hotkey]] = (evm_key, self.system.block)
        self.system.deposit(self.Events.EvmKeyAssociated(netuid, hotkey, evm_key, self.system.block))

    def evm_refusal(self, hotkey: bytes, netuid: int) -> Error | None:
        """Why a hotkey may not show a key now."""
        uid = self.uid_of(netuid, hotkey)
        if uid is None:
            return self.Errors.HotKeyNotRegisteredInSubNet
        _, since = self.AssociatedEvmAddress[netuid, uid] or (b"", 0)
        return self.Errors.EvmKeyAssociateRateLimitExceeded if self.system.block - since < _BETWEEN else None


def _signer(message: bytes, signature: bytes) -> bytes | None:
    """The address whose key signed, None where no key did."""
    from substrateinterface.utils.ecdsa_helpers import Signature

    sign = signature[64]
    try:
        made = Signature(signature[:64] + bytes([sign - _WALLETS_V if sign >= _WALLETS_V else sign]))
        address: bytes = made.recover_public_key_from_msg(message).to_canonical_address()
    except Exception as fault:
        # The library raises what a package declares that is not ours to import.
        if type(fault).__name__ == "BadSignature":
            return None
        raise
    return address
