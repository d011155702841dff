# SPDX-License-Identifier: Apache-2.0
"""Why a transaction does not even enter a block, and what the pool learns of one that may.

The words are those of a Substrate node, since clients show them to people and tell causes apart by them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType
from subnet.chain.node.scale.names import Blob, Flag, u64
from subnet.chain.node.scale.primitives import UInt

__all__ = ["InvalidTransaction", "Trapped", "Undecodable", "VALIDITY_ERROR", "ValidTransaction", "Validity"]

_WORDS: Final[dict[str, str]] = {
    "Call": "Transaction call is not expected",
    "Payment": "Inability to pay some fees (e.g. account balance too low)",
    "Future": "Transaction will be valid in the future",
    "Stale": "Transaction is outdated",
    "BadProof": "Transaction has a bad signature",
    "AncientBirthBlock": "Transaction has an ancient birth block",
    "ExhaustsResources": "Transaction would exhaust the block limits",
    "Custom": "InvalidTransaction custom error",
    "BadMandatory": "A call was labelled as mandatory, but resulted in an Error.",
    "MandatoryValidation": "Transaction dispatch is mandatory; transactions must not be validated.",
    "BadSigner": "Invalid signing address",
    "IndeterminateImplicit": "The implicit data was unable to be calculated",
    "UnknownOrigin": "The transaction extension did not authorize any origin",
}
_UNKNOWN_WORDS: Final[dict[str, str]] = {
    "CannotLookup": "Could not lookup information required to validate the transaction",
    "NoUnsignedValidator": "Could not find an unsigned validator for the unsigned transaction",
}
_INVALID: Final = Enum(
    ("sp_runtime", "transaction_validity", "InvalidTransaction"),
    tuple(
        VariantType(name, index, (Field(None, UInt(1)),) if name == "Custom" else ())
        for index, name in enumerate(_WORDS)
    ),
)
_UNKNOWN: Final = Enum(
    ("sp_runtime", "transaction_validity", "UnknownTransaction"),
    (
        VariantType("CannotLookup", 0),
        VariantType("NoUnsignedValidator", 1),
        VariantType("Custom", 2, (Field(None, UInt(1)),)),
    ),
)
VALIDITY_ERROR: Final = Enum(
    ("sp_runtime", "transaction_validity", "TransactionValidityError"),
    (VariantType("Invalid", 0, (Field(None, _INVALID),)), VariantType("Unknown", 1, (Field(None, _UNKNOWN),))),
)


class InvalidTransaction(Exception):
    """A transaction that must not enter a block; `variant` is the chain's name for why, `custom` a pallet's number."""

    def __init__(self, variant: str, custom: int | None = None) -> None:
        words = _WORDS.get(variant) or _UNKNOWN_WORDS[variant]
        super().__init__(words if custom is None else f"Custom error: {custom}")
        self.variant = variant
        self.custom = custom

    @property
    def is_unknown(self) -> bool:
        """Whether the chain could not tell, rather than told that it is wrong."""
        return self.variant in _UNKNOWN_WORDS

    @property
    def error(self) -> Variant:
        """The chain's `TransactionValidityError`."""
        fields = () if self.custom is None else (self.custom,)
        return Variant("Unknown" if self.is_unknown else "Invalid", (Variant(self.variant, fields),))


class Undecodable(InvalidTransaction):
    """Bytes that are no transaction of this chain; `detail` says what is wrong with them."""

    def __init__(self, detail: str) -> None:
        super().__init__("Call")
        self.detail = detail


class Trapped(InvalidTransaction):
    """A call that ended as none may, which a node of Rust would call a panic; its cause is a fault of ours."""

    def __init__(self, detail: str) -> None:
        super().__init__("Call")
        self.detail = detail


class Validity(NamedTuple):
    """What the pool needs to know: a transaction waits until all that it requires was provided by others."""

    sender: bytes
    nonce: int
    priority: int
    longevity: int
    requires: tuple[bytes, ...]
    provides: tuple[bytes, ...]
    propagate: bool
    key_hash: bytes | None = None
    """Names the key that it was made for, if it is an envelope around another transaction."""


class ValidTransaction(NamedTuple):
    """The same as the chain's record of it, which says nothing of sender and nonce."""

    priority: u64
    requires: tuple[Blob, ...]
    provides: tuple[Blob, ...]
    longevity: u64
    propagate: Flag
