# SPDX-License-Identifier: Apache-2.0
"""What keeps an account from a call whichever way it comes: signed, in a batch, through a proxy.

A coldkey whose exchange is announced makes no other calls than those about it, and none at all once it is disputed. A
transaction that is turned away here does not enter a block; within another call it is a failure like any other.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.items import Error
from subnet.chain.node.pallets.subtensor.evm import EvmKeys
from subnet.chain.node.scale.composites import Variant

__all__ = ["Barred", "custom_error"]

_MODULE: Final = "SubtensorModule"
_WHILE_ANNOUNCED: Final = frozenset(
    {
        (_MODULE, "announce_coldkey_swap"),
        (_MODULE, "swap_coldkey_announced"),
        (_MODULE, "dispute_coldkey_swap"),
        (_MODULE, "clear_coldkey_swap_announcement"),
        ("MevShield", "submit_encrypted"),
    }
)
_CUSTOM: Final = {
    "ColdkeySwapAnnounced": 0,
    "HotKeyNotRegisteredInSubNet": 19,
    "EvmKeyAssociateRateLimitExceeded": 20,
    "ColdkeySwapDisputed": 21,
}


def custom_error(error: Error) -> int:
    """The number by which the pool tells why a transaction is turned away."""
    return _CUSTOM[error.name]


class Barred(EvmKeys):
    """Calls that some may not make."""

    def bar(self, who: bytes, call: Variant) -> Error | None:
        """Why an account may not make a call; None where it may try."""
        made = call.fields[0]
        if self.ColdkeySwapAnnouncements[who] is not None:
            if self.ColdkeySwapDisputes[who] is not None:
                return self.Errors.ColdkeySwapDisputed
            if (call.name, made.name) not in _WHILE_ANNOUNCED:
                return self.Errors.ColdkeySwapAnnounced
        if (call.name, made.name) == (_MODULE, "associate_evm_key"):
            return self.evm_refusal(who, made.fields[0])
        return None
