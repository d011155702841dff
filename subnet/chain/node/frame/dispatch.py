# SPDX-License-Identifier: Apache-2.0
"""How the chain says that a call failed: `DispatchError`, as events and storage hold it."""

from __future__ import annotations

from typing import Final, NamedTuple

from subnet.chain.node.scale.composites import Enum, Field, Struct, Tuple, VariantType
from subnet.chain.node.scale.primitives import FixedBytes, UInt

__all__ = ["ARITHMETIC_ERROR", "DISPATCH_ERROR", "DISPATCH_RESULT", "ModuleError", "TOKEN_ERROR"]


class ModuleError(NamedTuple):
    """An error that a pallet declares: the pallet's index, and the error's with room for more."""

    module: int
    error: bytes


def _plain(*names: str) -> tuple[VariantType, ...]:
    return tuple(VariantType(name, index) for index, name in enumerate(names))


_MODULE_ERROR: Final = Struct(
    ("sp_runtime", "ModuleError"), (Field("index", UInt(1)), Field("error", FixedBytes(4))), ModuleError
)
TOKEN_ERROR: Final = Enum(
    ("sp_runtime", "TokenError"),
    _plain(
        "FundsUnavailable",
        "OnlyProvider",
        "BelowMinimum",
        "CannotCreate",
        "UnknownAsset",
        "Frozen",
        "Unsupported",
        "CannotCreateHold",
        "NotExpendable",
        "Blocked",
    ),
)
ARITHMETIC_ERROR: Final = Enum(("sp_arithmetic", "ArithmeticError"), _plain("Underflow", "Overflow", "DivisionByZero"))
_TRANSACTIONAL_ERROR: Final = Enum(("sp_runtime", "TransactionalError"), _plain("LimitReached", "NoLayer"))
_TRIE_ERROR: Final = Enum(
    ("sp_runtime", "proving_trie", "TrieError"),
    _plain(
        "InvalidStateRoot",
        "IncompleteDatabase",
        "ValueAtIncompleteKey",
        "DecoderError",
        "InvalidHash",
        "DuplicateKey",
        "ExtraneousNode",
        "ExtraneousValue",
        "ExtraneousHashReference",
        "InvalidChildReference",
        "ValueMismatch",
        "IncompleteProof",
        "RootMismatch",
        "DecodeError",
    ),
)

DISPATCH_ERROR: Final = Enum(
    ("sp_runtime", "DispatchError"),
    (
        VariantType("Other", 0),
        VariantType("CannotLookup", 1),
        VariantType("BadOrigin", 2),
        VariantType("Module", 3, (Field(None, _MODULE_ERROR),)),
        VariantType("ConsumerRemaining", 4),
        VariantType("NoProviders", 5),
        VariantType("TooManyConsumers", 6),
        VariantType("Token", 7, (Field(None, TOKEN_ERROR),)),
        VariantType("Arithmetic", 8, (Field(None, ARITHMETIC_ERROR),)),
        VariantType("Transactional", 9, (Field(None, _TRANSACTIONAL_ERROR),)),
        VariantType("Exhausted", 10),
        VariantType("Corruption", 11),
        VariantType("Unavailable", 12),
        VariantType("RootNotAllowed", 13),
        VariantType("Trie", 14, (Field(None, _TRIE_ERROR),)),
    ),
)
DISPATCH_RESULT: Final = Enum(
    ("Result",),
    (VariantType("Ok", 0, (Field(None, Tuple(())),)), VariantType("Err", 1, (Field(None, DISPATCH_ERROR),))),
)
