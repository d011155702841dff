# SPDX-License-Identifier: Apache-2.0
"""The randomness beacon: what it says in a round, by whom it is known, and whether it did say so.

The cryptography is the official library's, which knows one beacon, drand's quicknet. It checks no signature as such:
what is locked until a round opens with the beacon's signature of that round, and with no other.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

from subnet.chain.node.address import MULTI_SIGNATURE
from subnet.chain.node.scale.composites import Enum, Field, Option, Variant, VariantType
from subnet.chain.node.scale.names import Blob, u32, u64
from subnet.chain.node.scale.primitives import FixedBytes

__all__ = [
    "BeaconConfiguration",
    "BeaconConfigurationPayload",
    "Metadata",
    "OptionalSignature",
    "Pulse",
    "PulsesPayload",
    "QUICKNET",
    "is_said",
]

_MULTI_SIGNER: Final = Enum(
    ("sp_runtime", "MultiSigner"),
    (
        VariantType("Ed25519", 0, (Field(None, FixedBytes(32)),)),
        VariantType("Sr25519", 1, (Field(None, FixedBytes(32)),)),
        VariantType("Ecdsa", 2, (Field(None, FixedBytes(33)),)),
    ),
)
_Signer: TypeAlias = Annotated[Variant, _MULTI_SIGNER]
OptionalSignature: TypeAlias = Annotated[Variant | None, Option(MULTI_SIGNATURE)]
_SEALED: Final = b"\0"
_UNREADABLE: Final = "Signature deserialization error"


class Pulse(NamedTuple):
    """What the beacon said in a round."""

    round: u64
    randomness: Blob
    signature: Blob


class PulsesPayload(NamedTuple):
    """Pulses, and who brings them in which block."""

    block_number: u32
    pulses: tuple[Pulse, ...]
    public: _Signer


class Metadata(NamedTuple):
    """What a beacon is called."""

    beacon_id: Blob


class BeaconConfiguration(NamedTuple):
    """A beacon: its key, its pace, and its names."""

    public_key: Blob
    period: u32
    genesis_time: u32
    hash: Blob
    group_hash: Blob
    scheme_id: Blob
    metadata: Metadata


class BeaconConfigurationPayload(NamedTuple):
    """A beacon, and who names it in which block."""

    block_number: u32
    config: BeaconConfiguration
    public: _Signer


QUICKNET: Final = BeaconConfiguration(
    public_key=bytes.fromhex(
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
        "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
    ),
    period=3,
    genesis_time=1_692_803_367,
    hash=bytes.fromhex("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"),
    group_hash=bytes.fromhex("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e"),
    scheme_id=b"bls-unchained-g1-rfc9380",
    metadata=Metadata(b"quicknet"),
)


def is_said(beacon: BeaconConfiguration, pulse: Pulse) -> bool | None:
    """Whether a beacon said what a pulse says; None where its key or the signature cannot be read."""
    import bittensor_core

    if beacon.public_key != QUICKNET.public_key:
        return None
    try:
        sealed, _ = bittensor_core.encrypt_at_round(_SEALED, pulse.round)
        return bool(bittensor_core.decrypt_with_signature(sealed, pulse.signature.hex()) == _SEALED)
    except BaseException as fault:
        # A stranger's bytes must not keep the chain from making blocks; a panic is no `Exception`.
        if isinstance(fault, ValueError):
            return None if str(fault).startswith(_UNREADABLE) else False
        if type(fault).__name__ == "PanicException":
            return None
        raise
