# SPDX-License-Identifier: Apache-2.0
"""What a transaction will cost, over RPC in the way of older clients; newer ones ask the runtime itself.

Numbers that may not fit a number of JavaScript are told as text, as a Substrate node does.
"""

from __future__ import annotations

from typing import Final

from protocols.types import Json
from subnet.chain.node.pallets.payment import PAYMENT_INFO, FeeDetails, PaymentInfo
from subnet.chain.node.rpc.asking import Questions
from subnet.chain.node.rpc.methods import method
from subnet.chain.node.rpc.reading import block_hash, given, octets
from subnet.chain.node.rpc.session import Session
from subnet.chain.node.scale.names import scale_of
from subnet.chain.node.scale.primitives import UInt

__all__ = ["PaymentMethods"]

_LENGTH: Final = UInt(4)
_DETAILS: Final = scale_of(FeeDetails)


class PaymentMethods:
    """What is asked about fees."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    @method("payment_queryInfo")
    def info(self, session: Session, params: list[Json]) -> Json:
        """The weight, the class and the fee of a transaction."""
        info: PaymentInfo = PAYMENT_INFO.decode(self._ask("query_info", params))
        weight: Json = {"ref_time": info.weight.ref_time, "proof_size": info.weight.proof_size}
        return {"weight": weight, "class": info.kind.name.lower(), "partialFee": str(info.partial_fee)}

    @method("payment_queryFeeDetails")
    def details(self, session: Session, params: list[Json]) -> Json:
        """What the fee is made of."""
        details: FeeDetails = _DETAILS.decode(self._ask("query_fee_details", params))
        inclusion = details.inclusion_fee
        if inclusion is None:
            return {"inclusionFee": None}
        return {
            "inclusionFee": {
                "baseFee": hex(inclusion.base_fee),
                "lenFee": hex(inclusion.len_fee),
                "adjustedWeightFee": hex(inclusion.adjusted_weight_fee),
            }
        }

    def _ask(self, question: str, params: list[Json]) -> bytes:
        data = octets(given(params, 0))
        return self._questions.ask(
            f"TransactionPaymentApi_{question}", data + _LENGTH.encode(len(data)), block_hash(params, 1)
        )
