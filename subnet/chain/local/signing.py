# SPDX-License-Identifier: Apache-2.0
"""From a call as a program asks for it to the signed bytes that the runtime takes.

The codec is the node's own, so a call that cannot be encoded here could not have come over the wire either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from protocols.calls import Call, SetHyperparameter
from protocols.errors import ExtrinsicFailed, LedgerError
from protocols.keys import Signer, decode_address
from subnet.chain.calls import written
from subnet.chain.dials import Written
from subnet.chain.node.address import MULTI_ADDRESS, MULTI_SIGNATURE
from subnet.chain.node.frame.calls import Call as Declared
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.outcome import RUNTIME_CALL
from subnet.chain.node.plain import from_plain
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.primitives import Bits, Compact, ScaleType, UInt

__all__ = ["composed", "signed"]

_SIGNED: Final = b"\x84"
_LONG: Final = 256
_LENGTH: Final = Compact(UInt(4))
_SCHEMES: Final = {"sr25519": "Sr25519", "ed25519": "Ed25519"}


def composed(runtime: Runtime, call: Call, who: bytes) -> Variant:
    """The runtime's call for what is asked; raises `ExtrinsicFailed` for what cannot be asked of it."""
    spelled = _spelled(runtime, call, who)
    declared = _declared(runtime, spelled.pallet, spelled.function)
    assert declared is not None
    try:
        pairs = zip(declared.fields, spelled.otherwise or spelled.arguments, strict=True)
        arguments = tuple([_argument(field.type, value) for field, value in pairs])
        inner = Variant(spelled.pallet, (Variant(spelled.function, arguments),))
        RUNTIME_CALL.encode(inner)
    except (LedgerError, ValueError) as fault:
        raise ExtrinsicFailed(f"{type(call).__name__} cannot be encoded: {fault}") from fault
    return Variant("Sudo", (Variant("sudo", (inner,)),)) if spelled.is_sudo else inner


def signed(runtime: Runtime, genesis: bytes, call: Variant, signer: Signer, nonce: int) -> bytes:
    """The transaction, valid for ever; the chain is named by its genesis."""
    said: Mapping[str, Any] = {
        "CheckMortality": (Variant("Immortal"),),
        "CheckNonce": (nonce,),
        "ChargeTransactionPayment": (0,),
        "CheckMetadataHash": (Variant("Disabled"),),
    }
    unsaid: Mapping[str, Any] = {
        "CheckSpecVersion": runtime.version.spec_version,
        "CheckTxVersion": runtime.version.transaction_version,
        "CheckGenesis": genesis,
        "CheckMortality": genesis,
        "CheckMetadataHash": None,
    }
    data = RUNTIME_CALL.encode(call)
    extra = b"".join(one.type.encode(said.get(one.name, ())) for one in runtime.extensions)
    rest = b"".join(one.additional.encode(unsaid.get(one.name, ())) for one in runtime.extensions)
    payload = data + extra + rest
    proof = Variant(_SCHEMES[signer.scheme], (signer.sign(blake2_256(payload) if len(payload) > _LONG else payload),))
    address = Variant("Id", (decode_address(signer.ss58_address),))
    body = _SIGNED + MULTI_ADDRESS.encode(address) + MULTI_SIGNATURE.encode(proof) + extra + data
    return _LENGTH.encode(len(body)) + body


def _spelled(runtime: Runtime, call: Call, who: bytes) -> Written:
    def arity(pallet: str, function: str) -> int | None:
        declared = _declared(runtime, pallet, function)
        return None if declared is None else len(declared.fields)

    if not isinstance(call, SetHyperparameter):
        return written(call, arity)
    alphas = runtime.subtensor.AlphaValues[call.netuid]
    return written(call, arity, is_root=who == runtime.sudo.Key.value, alphas=alphas)


def _declared(runtime: Runtime, pallet: str, function: str) -> Declared | None:
    calls = (call for one in runtime.pallets if one.name == pallet for call in one.calls())
    return next((call for call in calls if call.name == function), None)


def _argument(type: ScaleType, value: Any) -> Any:
    if type == MULTI_ADDRESS:
        return Variant("Id", (decode_address(value),))
    if isinstance(type, Bits) and isinstance(value, Mapping):
        return value["bits"]
    return from_plain(type, value)
