# SPDX-License-Identifier: Apache-2.0
"""Storage of the pallet: what the chain knows once.

Values without a key: money, prices of networks, limits that hold everywhere.
"""

from __future__ import annotations

from subnet.chain.node.frame.items import Constant
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Value
from subnet.chain.node.scale.names import I96F32, U64F64, Blob, Flag, u8, u16, u32, u64

__all__ = ["GlobalsStorage"]


class GlobalsStorage(Pallet):
    """What the chain knows once."""

    InitialStartCallDelay = Constant(u64, 0)

    MinActivityCutoff = Value[int](u16, 360)
    AdminFreezeWindow = Value[int](u16, 10)
    OwnerHyperparamRateLimit = Value[int](u16, 2)
    DissolveNetworkScheduleDuration = Value[int](u32, 36000)
    NextStakeJobId = Value[int](u64, 0)
    TaoWeight = Value[int](u64, 971_718_665_099_567_868)
    CKBurn = Value[int](u64, 0)
    MaxDelegateTake = Value[int](u16, 11796)
    MinDelegateTake = Value[int](u16, 0)
    MaxChildkeyTake = Value[int](u16, 11796)
    MinChildkeyTake = Value[int](u16, 0)
    BlockEmission = Value[int](u64, 1_000_000_000)
    SubnetLimit = Value[int](u16, 128)
    TotalIssuance = Value[int](u64, 0)
    TotalStake = Value[int](u64, 0)
    SubnetMovingAlpha = Value[int](I96F32, 12_885)
    ColdkeySwapAnnouncementDelay = Value[int](u32, 50)
    ColdkeySwapReannouncementDelay = Value[int](u32, 10)
    TaoFlowCutoff = Value[int](I96F32, 0)
    FlowNormExponent = Value[int](U64F64, 18_446_744_073_709_551_616)
    FlowEmaSmoothingFactor = Value[int](u64, 29_597_889_189_277)
    TotalNetworks = Value[int](u16, 0)
    NetworkImmunityPeriod = Value[int](u64, 1_296_000)
    StartCallDelay = Value[int](u64, 0)
    NetworkMinLockCost = Value[int](u64, 1_000_000_000_000)
    NetworkLastLockCost = Value[int](u64, 1_000_000_000_000)
    NetworkLockReductionInterval = Value[int](u64, 100_800)
    SubnetOwnerCut = Value[int](u16, 11796)
    NetworkRateLimit = Value[int](u64, 0)
    NominatorMinRequiredStake = Value[int](u64, 0)
    WeightsVersionKeyRateLimit = Value[int](u64, 5)
    TxRateLimit = Value[int](u64, 1000)
    TxDelegateTakeRateLimit = Value[int](u64, 216_000)
    TxChildkeyTakeRateLimit = Value[int](u64, 5)
    StakeThreshold = Value[int](u64, 0)
    NumStakingColdkeys = Value[int](u64, 0)
    NumRootClaim = Value[int](u64, 5)
    NextSubnetLeaseId = Value[int](u32, 0)
    CommitRevealWeightsVersion = Value[int](u16, 4)
    NetworkRegistrationStartBlock = Value[int](u64, 0)
    MaxMechanismCount = Value[int](u8, 2)
    PendingChildKeyCooldown = Value[int](u64, 15)
    MaturityRate = Value[int](u64, 934_866)
    UnlockRate = Value[int](u64, 934_866)
    NetTaoFlowEnabled = Value[bool](Flag, True)
    MaxEpochsPerBlock = Value[int](u8, 2)
    DissolveCleanupQueue = Value[tuple[int, ...]](tuple[u16, ...], ())
    NetworkRegistrationQueue = Value[tuple[bytes, ...]](tuple[Blob, ...], ())
