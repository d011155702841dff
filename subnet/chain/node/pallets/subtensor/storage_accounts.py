# SPDX-License-Identifier: Apache-2.0
"""Storage of the pallet: stake, takes and family ties of accounts.

Shares are I64F64-like fixed point: an account owns its part of what a hotkey holds on a network.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from subnet.chain.node.frame.hashing import blake2_128_concat, identity, twox64_concat
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.pallets.subtensor.records import (
    NO_ACCOUNT,
    RATE_LIMIT_KEY,
    ROOT_CLAIM_TYPE,
    ChainIdentityV2,
    SafeFloat,
    SubnetLease,
)
from subnet.chain.node.scale.composites import Variant, Vec
from subnet.chain.node.scale.names import I96F32, U64F64, AccountId, Blob, Flag, Hash, scale_of, u16, u32, u64, u128

__all__ = ["AccountsStorage"]

_Rates: TypeAlias = Annotated[tuple[tuple[int, int], ...], Vec(scale_of(tuple[u16, I96F32]), ("BTreeMap",))]


class AccountsStorage(Pallet):
    """Stake, takes and family ties of accounts."""

    Owner = Map[bytes](AccountId, NO_ACCOUNT, blake2_128_concat(AccountId))
    Delegates = Map[int](u16, 11796, blake2_128_concat(AccountId))
    ChildkeyTake = Map[int](u16, 0, blake2_128_concat(AccountId), identity(u16))
    PendingChildKeys = Map[tuple[tuple[tuple[int, bytes], ...], int]](
        tuple[tuple[tuple[u64, AccountId], ...], u64], ((), 0), identity(u16), blake2_128_concat(AccountId)
    )
    ChildKeys = Map[tuple[tuple[int, bytes], ...]](
        tuple[tuple[u64, AccountId], ...], (), blake2_128_concat(AccountId), identity(u16)
    )
    ParentKeys = Map[tuple[tuple[int, bytes], ...]](
        tuple[tuple[u64, AccountId], ...], (), blake2_128_concat(AccountId), identity(u16)
    )
    StakingHotkeys = Map[tuple[bytes, ...]](tuple[AccountId, ...], (), blake2_128_concat(AccountId))
    OwnedHotkeys = Map[tuple[bytes, ...]](tuple[AccountId, ...], (), blake2_128_concat(AccountId))
    AutoStakeDestination = Map[bytes | None](AccountId | None, None, blake2_128_concat(AccountId), identity(u16))
    AutoStakeDestinationColdkeys = Map[tuple[bytes, ...]](
        tuple[AccountId, ...], (), blake2_128_concat(AccountId), identity(u16)
    )
    ColdkeySwapAnnouncements = Map[tuple[int, bytes] | None](tuple[u32, Hash] | None, None, twox64_concat(AccountId))
    ColdkeySwapDisputes = Map[int | None](u32 | None, None, twox64_concat(AccountId))
    TotalHotkeyAlpha = Map[int](u64, 0, blake2_128_concat(AccountId), identity(u16))
    # The newest chains keep this sum, and the official tools ask for it.
    TotalAlphaStaked = Map[int](u64, 0, identity(u16))
    TotalHotkeyAlphaLastEpoch = Map[int](u64, 0, blake2_128_concat(AccountId), identity(u16))
    TotalHotkeyShares = Map[int](U64F64, 0, blake2_128_concat(AccountId), identity(u16))
    TotalHotkeySharesV2 = Map[SafeFloat](SafeFloat, SafeFloat(0, 0), blake2_128_concat(AccountId), identity(u16))
    AlphaV2 = Map[SafeFloat](
        SafeFloat, SafeFloat(0, 0), blake2_128_concat(AccountId), blake2_128_concat(AccountId), identity(u16)
    )
    Alpha = Map[int](U64F64, 0, blake2_128_concat(AccountId), blake2_128_concat(AccountId), identity(u16))
    UsedWork = Map[int](u64, 0, identity(Blob))
    LastRateLimitedBlock = Map[int](u64, 0, identity(RATE_LIMIT_KEY))
    VotingPower = Map[int](u64, 0, identity(u16), blake2_128_concat(AccountId))
    IdentitiesV2 = Map[ChainIdentityV2 | None](ChainIdentityV2 | None, None, blake2_128_concat(AccountId))
    TransactionKeyLastBlock = Map[int](u64, 0, blake2_128_concat(AccountId), identity(u16), identity(u16))
    LastTxBlock = Map[int](u64, 0, identity(AccountId))
    LastTxBlockChildKeyTake = Map[int](u64, 0, identity(AccountId))
    LastTxBlockDelegateTake = Map[int](u64, 0, identity(AccountId))
    LastColdkeyHotkeyStakeBlock = Map[int | None](u64 | None, None, twox64_concat(AccountId), twox64_concat(AccountId))
    RootClaimable = Map[tuple[tuple[int, int], ...]](_Rates, (), blake2_128_concat(AccountId))
    RootClaimed = Map[int](u128, 0, identity(u16), blake2_128_concat(AccountId), blake2_128_concat(AccountId))
    RootClaimType = Map[Variant](ROOT_CLAIM_TYPE, Variant("Swap"), blake2_128_concat(AccountId))
    StakingColdkeysByIndex = Map[bytes | None](AccountId | None, None, identity(u64))
    StakingColdkeys = Map[int | None](u64 | None, None, identity(AccountId))
    SubnetLeases = Map[SubnetLease | None](SubnetLease | None, None, twox64_concat(u32))
    SubnetLeaseShares = Map[int](U64F64, 0, twox64_concat(u32), identity(AccountId))
    AccumulatedLeaseDividends = Map[int](u64, 0, twox64_concat(u32))
    HasMigrationRun = Map[bool](Flag, False, identity(Blob))
    AccountFlags = Map[int](u128, 0, blake2_128_concat(AccountId))
    AutoParentDelegationEnabled = Map[bool](Flag, True, blake2_128_concat(AccountId))
