# SPDX-License-Identifier: Apache-2.0
"""An account's two forms: the address that people and calls use, and the number that emission sorts and pays by."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from incentive.emission.rao import Account
from protocols.keys import decode_address, encode_address
from protocols.types import Ss58

__all__ = ["account", "address"]

_KNOWN: Final = 65_536
_BYTES: Final = 32


@lru_cache(maxsize=_KNOWN)
def account(address: str) -> Account:
    """The number of an address; raises `InvalidAddress`."""
    return int.from_bytes(decode_address(address), "big")


@lru_cache(maxsize=_KNOWN)
def address(account: Account) -> Ss58:
    """The address of a number."""
    return encode_address(account.to_bytes(_BYTES, "big"))
