# SPDX-License-Identifier: Apache-2.0
"""Transactions as bytes: who signed, for how long, with which nonce, and what shall be done.

What a stranger sends is read here and nowhere else. The signature covers the call, what the transaction says of
itself, and what it does not say because both sides know it: the runtime's version, the genesis, the block at which
its era begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from protocols.errors import LedgerError
from protocols.keys import encode_address, verify
from subnet.chain.node.address import MULTI_ADDRESS, MULTI_SIGNATURE
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.outcome import RUNTIME_CALL
from subnet.chain.node.scale.composites import Enum, Field, Option, Struct, Tuple, Variant, VariantType
from subnet.chain.node.scale.names import HASH
from subnet.chain.node.scale.primitives import Compact, FixedBytes, Reader, ScaleType, UInt
from subnet.chain.node.validity import Undecodable

__all__ = [
    "ERA",
    "EXTENSIONS",
    "Era",
    "Extrinsic",
    "Signature",
    "SignedExtension",
    "bare",
    "parse",
    "payload",
    "proves",
]

_BARE: Final = (4, 5)
_BARE_NOW: Final = 4
_SIGNED: Final = 0x84
_LONG: Final = 256
"""A payload longer than this is signed by its hash."""
_LENGTH: Final = Compact(UInt(4))
_NONCE: Final = Compact(UInt(4))
_TIP: Final = Compact(UInt(8))
_FROM_QUANTUM: Final = 12
_SHORTEST: Final = 4


@dataclass(frozen=True)
class SignedExtension:
    """One thing that a signed transaction says of itself, and what is signed with it unsaid."""

    name: str
    type: ScaleType
    additional: ScaleType


def _plain(name: str, path: str, additional: ScaleType, *fields: ScaleType) -> SignedExtension:
    declared = tuple(Field(None, part) for part in fields)
    return SignedExtension(name, Struct((*path.split("."), name), declared, _parts), additional)


def _parts(*parts: Any) -> tuple[Any, ...]:
    return parts


_NOTHING: Final = Tuple(())
_CHECKS: Final = "frame_system.extensions"
_RUNTIME: Final = "node_subtensor_runtime"
_MODE: Final = Enum(("frame_metadata_hash_extension", "Mode"), (VariantType("Disabled", 0), VariantType("Enabled", 1)))
ERA: Final = Enum(
    ("sp_runtime", "generic", "era", "Era"),
    (
        VariantType("Immortal", 0),
        *(VariantType(f"Mortal{index}", index, (Field(None, UInt(1)),)) for index in range(1, 256)),
    ),
)
EXTENSIONS: Final = (
    _plain("CheckNonZeroSender", f"{_CHECKS}.check_non_zero_sender", _NOTHING),
    _plain("CheckSpecVersion", f"{_CHECKS}.check_spec_version", UInt(4)),
    _plain("CheckTxVersion", f"{_CHECKS}.check_tx_version", UInt(4)),
    _plain("CheckGenesis", f"{_CHECKS}.check_genesis", HASH),
    _plain("CheckMortality", f"{_CHECKS}.check_mortality", HASH, ERA),
    _plain("CheckNonce", f"{_RUNTIME}.check_nonce", _NOTHING, _NONCE),
    _plain("CheckWeight", f"{_CHECKS}.check_weight", _NOTHING),
    _plain("ChargeTransactionPayment", "pallet_transaction_payment", _NOTHING, _TIP),
    _plain("SudoTransactionExtension", f"{_RUNTIME}.sudo_wrapper", _NOTHING),
    _plain("SubtensorTransactionExtension", "pallet_subtensor.transaction_extension", _NOTHING),
    _plain("DrandPriority", "pallet_drand.drand_priority", _NOTHING),
    SignedExtension(
        "CheckMetadataHash",
        Struct(("frame_metadata_hash_extension", "CheckMetadataHash"), (Field("mode", _MODE),), _parts),
        Option(FixedBytes(32)),
    ),
)


class Era(NamedTuple):
    """The blocks in which a transaction may be included; a period of 0 is for ever."""

    period: int
    phase: int

    def birth(self, now: int) -> int:
        """The block that the era in force at a block begins with."""
        return (max(now, self.phase) - self.phase) // self.period * self.period + self.phase if self.period else 0

    def death(self, now: int) -> int:
        """The first block after it."""
        return self.birth(now) + self.period if self.period else 2**64 - 1


class Signature(NamedTuple):
    """Who signed, and what the transaction says of itself."""

    address: Variant
    proof: Variant
    era: Era
    nonce: int
    tip: int
    with_metadata_hash: bool
    extra: bytes
    """All but address and proof, as it was signed."""


class Extrinsic(NamedTuple):
    """A transaction, or without a signature what the maker of a block has to say."""

    signature: Signature | None
    call: Variant
    call_data: bytes
    length: int
    """Of all of it, which is paid for by the byte."""


def parse(data: bytes) -> Extrinsic:
    """Read a transaction as it is submitted, its length first."""
    source = Reader(data)
    try:
        if _LENGTH.read(source) != source.left():
            raise LedgerError("the length in front is not that of what follows")
        kind = source.take(1)[0]
        if kind != _SIGNED and kind not in _BARE:
            raise LedgerError(f"a transaction begins with {kind:#04x}, expected {_SIGNED:#04x} or {_BARE_NOW:#04x}")
        signature = _signature(source) if kind == _SIGNED else None
        start = source.at
        call = RUNTIME_CALL.read(source)
        if source.left():
            raise LedgerError(f"{source.left()} bytes are left over after the call")
    except LedgerError as fault:
        raise Undecodable(str(fault)) from fault
    return Extrinsic(signature, call, data[start:], len(data))


def bare(call: Variant) -> bytes:
    """A transaction that nobody signed."""
    body = bytes([_BARE_NOW]) + RUNTIME_CALL.encode(call)
    return _LENGTH.encode(len(body)) + body


def payload(extrinsic: Extrinsic, signature: Signature, unsaid: bytes) -> bytes:
    """The bytes that were signed."""
    whole = extrinsic.call_data + signature.extra + unsaid
    return blake2_256(whole) if len(whole) > _LONG else whole


def proves(proof: Variant, message: bytes, account: bytes) -> bool:
    """Whether an account signed a message."""
    if proof.name == "Sr25519":
        return verify(message, proof.fields[0], encode_address(account), "sr25519")
    if proof.name == "Ed25519":
        return verify(message, proof.fields[0], encode_address(account), "ed25519")
    return False  # an ecdsa account is the hash of a key, and none of the chain's wallets makes one


def _signature(source: Reader) -> Signature:
    address, proof = MULTI_ADDRESS.read(source), MULTI_SIGNATURE.read(source)
    start = source.at
    era = _era(source)
    nonce, tip = _NONCE.read(source), _TIP.read(source)
    mode = source.take(1)[0]
    if mode > 1:
        raise LedgerError(f"the mode of the metadata hash is {mode}, expected 0 or 1")
    return Signature(address, proof, era, nonce, tip, mode == 1, source.data[start : source.at])


def _era(source: Reader) -> Era:
    first = source.take(1)[0]
    if not first:
        return Era(0, 0)
    encoded = first | source.take(1)[0] << 8
    period = 2 << (encoded & 15)
    phase = (encoded >> 4) * max(period >> _FROM_QUANTUM, 1)
    if period < _SHORTEST or phase >= period:
        raise LedgerError(f"an era of {period} blocks cannot begin at {phase}")
    return Era(period, phase)
