# SPDX-License-Identifier: Apache-2.0
"""How a transaction names an account, and how it is signed.

The chain's enums have more ways than the node follows: an index, an address of another chain. Such ones are read, so
that what a client sent is understood, and then turned away.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.scale.composites import Enum, Field, Tuple, Variant, VariantType
from subnet.chain.node.scale.names import ACCOUNT
from subnet.chain.node.scale.primitives import BYTES, FixedBytes

__all__ = ["Address", "MULTI_ADDRESS", "MULTI_SIGNATURE", "account_of", "lookup"]

MULTI_ADDRESS: Final = Enum(
    ("sp_runtime", "multiaddress", "MultiAddress"),
    (
        VariantType("Id", 0, (Field(None, ACCOUNT),)),
        VariantType("Index", 1, (Field(None, Tuple(())),)),
        VariantType("Raw", 2, (Field(None, BYTES),)),
        VariantType("Address32", 3, (Field(None, FixedBytes(32)),)),
        VariantType("Address20", 4, (Field(None, FixedBytes(20)),)),
    ),
)
MULTI_SIGNATURE: Final = Enum(
    ("sp_runtime", "MultiSignature"),
    (
        VariantType("Ed25519", 0, (Field(None, FixedBytes(64)),)),
        VariantType("Sr25519", 1, (Field(None, FixedBytes(64)),)),
        VariantType("Ecdsa", 2, (Field(None, FixedBytes(65)),)),
    ),
)

Address: TypeAlias = Annotated[Variant, MULTI_ADDRESS]


def account_of(address: Variant) -> bytes | None:
    """The account that an address names, None if it is named in a way that nobody can follow."""
    account: bytes | None = address.fields[0] if address.name == "Id" else None
    return account


def lookup(address: Variant) -> bytes:
    """The account that an argument of a call names."""
    account = account_of(address)
    if account is None:
        raise DispatchFailure(Variant("CannotLookup"))
    return account
