# SPDX-License-Identifier: Apache-2.0
"""The questions that every Substrate client asks: which runtime, its metadata, nonces, fees, validity.

Building blocks is the node's own affair here, so that what a collator would ask for is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from subnet.chain.node.frame.calls import api
from subnet.chain.node.frame.pallet import RuntimeApi
from subnet.chain.node.outcome import Info, RuntimeCall, Weight
from subnet.chain.node.pallets.payment import PAYMENT_INFO, FeeDetails, PaymentInfo, fee_of, total, weight_fee
from subnet.chain.node.scale.composites import Enum, Field, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, Blob, Hash, scale_of, u32, u64
from subnet.chain.node.scale.primitives import Compact, UInt
from subnet.chain.node.validity import VALIDITY_ERROR, InvalidTransaction, ValidTransaction
from subnet.chain.node.version import RuntimeVersion

if TYPE_CHECKING:
    from subnet.chain.node.runtime import Runtime

__all__ = [
    "AccountNonceApi",
    "Core",
    "Metadata",
    "TaggedTransactionQueue",
    "TransactionPaymentApi",
    "TransactionPaymentCallApi",
    "core_apis",
]

_METADATA_VERSIONS: Final = (14, 15)
_LENGTH: Final = Compact(UInt(4))

_PaymentInfo: TypeAlias = Annotated[PaymentInfo, PAYMENT_INFO]
_Source: TypeAlias = Annotated[
    Variant,
    Enum(
        ("sp_runtime", "transaction_validity", "TransactionSource"),
        (VariantType("InBlock", 0), VariantType("Local", 1), VariantType("External", 2)),
    ),
]
_Validity: TypeAlias = Annotated[
    Variant,
    Enum(
        ("Result",),
        (
            VariantType("Ok", 0, (Field(None, scale_of(ValidTransaction)),)),
            VariantType("Err", 1, (Field(None, VALIDITY_ERROR),)),
        ),
    ),
]


class _Api(RuntimeApi):
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime


class Core(_Api):
    """Which runtime it is."""

    @api
    def version(self) -> RuntimeVersion:
        """Its version."""
        return self._runtime.version


class Metadata(_Api):
    """The runtime's description of itself."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._made: dict[int, bytes] = {}

    @api
    def metadata(self) -> Blob:
        """In the version that all clients read."""
        return self._at(_METADATA_VERSIONS[0])

    @api
    def metadata_at_version(self, version: u32) -> Blob | None:
        """In a version of the client's choice."""
        return self._at(version) if version in _METADATA_VERSIONS else None

    @api
    def metadata_versions(self) -> tuple[u32, ...]:
        """The versions there are."""
        return _METADATA_VERSIONS

    def _at(self, version: int) -> bytes:
        from subnet.chain.node.metadata import metadata  # it is made of the apis, of which this is one

        if version not in self._made:
            self._made[version] = metadata(self._runtime, version)
        return self._made[version]


class TaggedTransactionQueue(_Api):
    """Whether a transaction may enter the pool."""

    @api
    def validate_transaction(self, source: _Source, tx: Blob, block_hash: Hash) -> _Validity:
        """What the pool may know of it."""
        try:
            found = self._runtime.validate(_prefixed(tx), block_hash)
        except InvalidTransaction as refusal:
            return Variant("Err", (refusal.error,))
        valid = ValidTransaction(found.priority, found.requires, found.provides, found.longevity, found.propagate)
        return Variant("Ok", (valid,))


class AccountNonceApi(_Api):
    """How many transactions an account made."""

    @api
    def account_nonce(self, account: AccountId) -> u32:
        """The nonce of its next one."""
        return self._runtime.system.Account[account].nonce


class TransactionPaymentApi(_Api):
    """What a transaction costs."""

    @api
    def query_info(self, uxt: Blob, len: u32) -> _PaymentInfo:
        """Its weight, and its fee without the tip."""
        return self._runtime.fee(_prefixed(uxt))

    @api
    def query_fee_details(self, uxt: Blob, len: u32) -> FeeDetails:
        """What its fee is made of."""
        return self._runtime.fee_details(_prefixed(uxt))

    @api
    def query_weight_to_fee(self, weight: Weight) -> u64:
        """What so much work costs."""
        return weight_fee(weight.ref_time)

    @api
    def query_length_to_fee(self, length: u32) -> u64:
        """What so many bytes cost."""
        return length


class TransactionPaymentCallApi(_Api):
    """What a call costs in a transaction of a certain length."""

    @api
    def query_call_info(self, call: RuntimeCall, len: u32) -> _PaymentInfo:
        """Its weight, and the fee."""
        info = self._info(call)
        return PaymentInfo(info.weight, info.kind, total(fee_of(info, len)))

    @api
    def query_call_fee_details(self, call: RuntimeCall, len: u32) -> FeeDetails:
        """What the fee is made of."""
        return fee_of(self._info(call), len)

    @api
    def query_weight_to_fee(self, weight: Weight) -> u64:
        """What so much work costs."""
        return weight_fee(weight.ref_time)

    @api
    def query_length_to_fee(self, length: u32) -> u64:
        """What so many bytes cost."""
        return length

    def _info(self, call: Variant) -> Info:
        return self._runtime.dispatcher.info(call)


def core_apis(runtime: Runtime) -> tuple[RuntimeApi, ...]:
    """All of them."""
    kinds = (
        Core,
        Metadata,
        TaggedTransactionQueue,
        AccountNonceApi,
        TransactionPaymentApi,
        TransactionPaymentCallApi,
    )
    return tuple(kind(runtime) for kind in kinds)


def _prefixed(body: bytes) -> bytes:
    return _LENGTH.encode(len(body)) + body
