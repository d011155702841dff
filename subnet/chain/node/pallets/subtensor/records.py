# SPDX-License-Identifier: Apache-2.0
"""The records and variants that the pallet keeps in storage and answers with."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

from subnet.chain.node.scale.composites import Enum, Field, VariantType, Vec
from subnet.chain.node.scale.names import ACCOUNT, AccountId, Blob, i64, u8, u16, u32, u64, u128
from subnet.chain.node.scale.primitives import FixedBytes, UInt

__all__ = [
    "AxonInfo",
    "Blob20",
    "ChainIdentityV2",
    "EPOCH_CONSENSUS",
    "NO_ACCOUNT",
    "NeuronCertificate",
    "PrometheusInfo",
    "RATE_LIMIT_KEY",
    "RECYCLE_OR_BURN",
    "ROOT_CLAIM_TYPE",
    "SafeFloat",
    "SubnetIdentityV3",
    "SubnetLease",
]

NO_ACCOUNT: Final = bytes(32)
Blob20: TypeAlias = Annotated[bytes, FixedBytes(20, ("primitive_types", "H160"))]


class AxonInfo(NamedTuple):
    """Where a miner is served."""

    block: u64
    version: u32
    ip: u128
    port: u16
    ip_type: u8
    protocol: u8
    placeholder1: u8
    placeholder2: u8


class PrometheusInfo(NamedTuple):
    """Where metrics are served."""

    block: u64
    version: u32
    ip: u128
    port: u16
    ip_type: u8


class NeuronCertificate(NamedTuple):
    """A key for TLS."""

    public_key: Blob
    algorithm: u8


class ChainIdentityV2(NamedTuple):
    """What a coldkey says about itself."""

    name: Blob
    url: Blob
    github_repo: Blob
    image: Blob
    discord: Blob
    description: Blob
    additional: Blob


class SubnetIdentityV3(NamedTuple):
    """What an owner says about a network."""

    subnet_name: Blob
    github_repo: Blob
    subnet_contact: Blob
    subnet_url: Blob
    discord: Blob
    description: Blob
    logo_url: Blob
    additional: Blob


class SubnetLease(NamedTuple):
    """A network that is leased."""

    beneficiary: AccountId
    coldkey: AccountId
    hotkey: AccountId
    emissions_share: u8
    end_block: u32 | None
    netuid: u16
    cost: u64


class SafeFloat(NamedTuple):
    """A share of a hotkey's stake: mantissa times ten to the power of exponent."""

    mantissa: u128
    exponent: i64


_U16: Final = Field(None, UInt(2))
_WHO: Final = Field(None, ACCOUNT)

RECYCLE_OR_BURN: Final = Enum(("RecycleOrBurnEnum",), (VariantType("Burn", 0), VariantType("Recycle", 1)))
ROOT_CLAIM_TYPE: Final = Enum(
    ("RootClaimTypeEnum",),
    (
        VariantType("Swap", 0),
        VariantType("Keep", 1),
        VariantType("KeepSubnets", 2, (Field("subnets", Vec(UInt(2), ("BTreeSet",))),)),
    ),
)
EPOCH_CONSENSUS: Final = Enum(("EpochConsensus",), (VariantType("Yuma", 0), VariantType("Null", 1)))
RATE_LIMIT_KEY: Final = Enum(
    ("RateLimitKey",),
    (
        VariantType("SetSNOwnerHotkey", 0, (_U16,)),
        VariantType("OwnerHyperparamUpdate", 1, (_U16, Field(None, UInt(1)))),
        VariantType("NetworkLastRegistered", 2),
        VariantType("LastTxBlock", 3, (_WHO,)),
        VariantType("LastTxBlockChildKeyTake", 4, (_WHO,)),
        VariantType("LastTxBlockDelegateTake", 5, (_WHO,)),
        VariantType("AddStakeBurn", 6, (_U16,)),
    ),
)
