# SPDX-License-Identifier: Apache-2.0
"""What a transaction costs: a base, half a thousandth of a rao for each picosecond, and a rao for each byte.

The fee leaves the account before the call and is burned after it, whatever became of the call; what the call did not
use comes back. A call that the chain carries out for nothing still costs its tip.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, NamedTuple, TypeAlias

from subnet.chain.node.frame.items import Constant, DispatchFailure, Event
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Value
from subnet.chain.node.limits import EXTRINSIC_REF_TIME
from subnet.chain.node.outcome import DISPATCH_CLASS, WEIGHT, Info, Weight
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.money import EXISTENTIAL_DEPOSIT
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Enum, Field, Struct, Variant, VariantType
from subnet.chain.node.scale.names import AccountId, u8, u64
from subnet.chain.node.scale.primitives import Bits, UInt
from subnet.chain.node.validity import InvalidTransaction

__all__ = [
    "FeeDetails",
    "InclusionFee",
    "PAYMENT_INFO",
    "PaymentInfo",
    "TransactionPayment",
    "fee_of",
    "total",
    "weight_fee",
]

_ONE: Final = 10**18
_RAO_PER: Final = 2_000
"""Picoseconds for one rao."""
_FixedU128: TypeAlias = Annotated[int, Bits(UInt(16), ("sp_arithmetic", "fixed_point", "FixedU128"))]
_Releases: TypeAlias = Annotated[
    Variant,
    Enum(("pallet_transaction_payment", "Releases"), (VariantType("V1Ancient", 0), VariantType("V2", 1))),
]


class InclusionFee(NamedTuple):
    """What a transaction pays for being in a block."""

    base_fee: u64
    len_fee: u64
    adjusted_weight_fee: u64


class FeeDetails(NamedTuple):
    """What a transaction pays in all."""

    inclusion_fee: InclusionFee | None
    tip: u64


class PaymentInfo(NamedTuple):
    """What a call costs and why; `class` is a keyword, thus `kind`."""

    weight: Weight
    kind: Variant
    partial_fee: u64


PAYMENT_INFO: Final = Struct(
    ("pallet_transaction_payment", "types", "RuntimeDispatchInfo"),
    (Field("weight", WEIGHT), Field("class", DISPATCH_CLASS), Field("partial_fee", UInt(8))),
    PaymentInfo,
)


def weight_fee(ref_time: int) -> int:
    """What so many picoseconds cost."""
    return ref_time // _RAO_PER


def fee_of(info: Info, length: int) -> FeeDetails:
    """What a call costs in a transaction of so many bytes, without a tip."""
    if info.pays_fee.name == "No":
        return FeeDetails(None, 0)
    return FeeDetails(InclusionFee(weight_fee(EXTRINSIC_REF_TIME), length, weight_fee(info.weight.ref_time)), 0)


def total(details: FeeDetails) -> int:
    """The sum of it."""
    return sum(details.inclusion_fee or ()) + details.tip


class TransactionPayment(Pallet):
    """Fees."""

    name: ClassVar[str] = "TransactionPayment"
    index: ClassVar[int] = 6

    NextFeeMultiplier = Value[int](_FixedU128, _ONE)
    StorageVersion = Value[Variant](_Releases, Variant("V1Ancient"))

    TransactionFeePaid = Event(0, who=AccountId, actual_fee=u64, tip=u64)

    OperationalFeeMultiplier = Constant(u8, 5)

    def __init__(self, state: State, system: System, balances: Balances) -> None:
        super().__init__(state)
        self.system = system
        self.balances = balances

    def check(self, who: bytes, amount: int) -> None:
        """Turn away who cannot pay so much and live on."""
        if amount and self.balances.reducible(who, keep_alive=True) < amount:
            raise InvalidTransaction("Payment")

    def charge(self, who: bytes, amount: int) -> None:
        """Take what a transaction may cost at most."""
        if not amount:
            return
        try:
            self.balances.withdraw(who, amount, keep_alive=True)
        except DispatchFailure:
            raise InvalidTransaction("Payment") from None

    def settle(self, who: bytes, charged: int, actual: int, tip: int) -> None:
        """Give back what a transaction did not cost, and burn the rest."""
        if charged:
            data = self.system.Account[who].data
            if data.free >= EXISTENTIAL_DEPOSIT or (data.reserved and actual == charged):
                self.balances.deposit(who, charged - actual)
                self.balances.rescind(actual)
            else:
                self.balances.rescind(charged)  # the account ended with its call, and so does its claim
        self.system.deposit(self.TransactionFeePaid(who, actual, tip))
