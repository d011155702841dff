# SPDX-License-Identifier: Apache-2.0
"""Storage of the pallet: where networks stand.

Owners, pools, pending emission, counters and clocks of each network.
"""

from __future__ import annotations

from subnet.chain.node.frame.hashing import blake2_128_concat, identity, twox64_concat
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.pallets.subtensor.records import EPOCH_CONSENSUS, NO_ACCOUNT, SubnetIdentityV3
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import I96F32, U64F64, AccountId, Blob, Flag, i64, u16, u32, u64, u128

__all__ = ["NetworksStorage"]


class NetworksStorage(Pallet):
    """Where networks stand."""

    SubnetMovingPrice = Map[int](I96F32, 0, identity(u16))
    RootProp = Map[int](U64F64, 0, identity(u16))
    SubnetVolume = Map[int](u128, 0, identity(u16))
    SubnetTAO = Map[int](u64, 0, identity(u16))
    SubnetAlphaInEmission = Map[int](u64, 0, identity(u16))
    SubnetAlphaOutEmission = Map[int](u64, 0, identity(u16))
    SubnetTaoInEmission = Map[int](u64, 0, identity(u16))
    SubnetAlphaIn = Map[int](u64, 0, identity(u16))
    SubnetAlphaOut = Map[int](u64, 0, identity(u16))
    TokenSymbol = Map[bytes](Blob, b"\xf0\x9d\x9c\x8f", identity(u16))
    SubnetTaoFlow = Map[int](i64, 0, identity(u16))
    SubnetEmaTaoFlow = Map[tuple[int, int] | None](tuple[u64, I96F32] | None, None, identity(u16))
    SubnetLocked = Map[int](u64, 0, identity(u16))
    LargestLocked = Map[int](u64, 0, identity(u16))
    FirstEmissionBlockNumber = Map[int | None](u64 | None, None, identity(u16))
    SubnetMechanism = Map[int](u16, 0, identity(u16))
    SubnetworkN = Map[int](u16, 0, identity(u16))
    NetworksAdded = Map[bool](Flag, False, identity(u16))
    NetworkRegisteredAt = Map[int](u64, 0, identity(u16))
    PendingServerEmission = Map[int](u64, 0, identity(u16))
    PendingValidatorEmission = Map[int](u64, 0, identity(u16))
    PendingRootAlphaDivs = Map[int](u64, 0, identity(u16))
    PendingOwnerCut = Map[int](u64, 0, identity(u16))
    BlocksSinceLastStep = Map[int](u64, 0, identity(u16))
    LastMechansimStepBlock = Map[int](u64, 0, identity(u16))
    SubnetOwner = Map[bytes](AccountId, NO_ACCOUNT, identity(u16))
    SubnetOwnerHotkey = Map[bytes](AccountId, NO_ACCOUNT, identity(u16))
    RegistrationsThisInterval = Map[int](u16, 0, identity(u16))
    POWRegistrationsThisInterval = Map[int](u16, 0, identity(u16))
    BurnRegistrationsThisInterval = Map[int](u16, 0, identity(u16))
    LastAdjustmentBlock = Map[int](u64, 0, identity(u16))
    RegistrationsThisBlock = Map[int](u16, 0, identity(u16))
    RAORecycledForRegistration = Map[int](u64, 0, identity(u16))
    SubtokenEnabled = Map[bool](Flag, False, identity(u16))
    VotingPowerTrackingEnabled = Map[bool](Flag, False, identity(u16))
    VotingPowerDisableAtBlock = Map[int](u64, 0, identity(u16))
    SubnetIdentitiesV3 = Map[SubnetIdentityV3 | None](SubnetIdentityV3 | None, None, blake2_128_concat(u16))
    RootClaimableThreshold = Map[int](I96F32, 2_147_483_648_000_000, blake2_128_concat(u16))
    SubnetUidToLeaseId = Map[int | None](u32 | None, None, twox64_concat(u16))
    SubnetEmissionEnabled = Map[bool](Flag, True, identity(u16))
    SubnetExcessTao = Map[int](u64, 0, identity(u16))
    SubnetRootSellTao = Map[int](u64, 0, identity(u16))
    SubnetProtocolAlpha = Map[int](u64, 0, identity(u16))
    SubnetProtocolFlow = Map[int](i64, 0, identity(u16))
    SubnetEmaProtocolFlow = Map[tuple[int, int] | None](tuple[u64, I96F32] | None, None, identity(u16))
    LastEpochBlock = Map[int](u64, 0, identity(u16))
    PendingEpochAt = Map[int](u64, 0, identity(u16))
    SubnetEpochIndex = Map[int](u64, 0, identity(u16))
    RegisteredSubnetCounter = Map[int](u64, 0, identity(u16))
    MinerBurned = Map[int](U64F64, 0, identity(u16))
    BurnIncreaseMult = Map[int](U64F64, 23_242_897_532_874_035_200, identity(u16))
    SubnetEpochConsensus = Map[Variant](EPOCH_CONSENSUS, Variant("Yuma"), identity(u16))
