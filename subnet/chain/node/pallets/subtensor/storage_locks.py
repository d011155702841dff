# SPDX-License-Identifier: Apache-2.0
"""Storage of the pallet: locks on stake, and collateral of miners, which nobody has on this chain.

A coldkey's lock is kept under its own name, and what all locks for a hotkey come to beside it. Of collateral the
official tools find every item in its default: nothing is pledged.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from subnet.chain.node.frame.hashing import blake2_128_concat, identity
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Map, Value
from subnet.chain.node.scale.names import U64F64, AccountId, Flag, u16, u64

__all__ = ["Collateral", "LocksStorage", "StakeLock", "Unit"]

Unit: TypeAlias = tuple[()]


class StakeLock(NamedTuple):
    """Stake that is bound."""

    locked_mass: u64
    conviction: U64F64
    last_update: u64


class Collateral(NamedTuple):
    """Stake that a miner pledges."""

    locked: u64
    min_locked: u64
    earned: u64
    drain_ratio: U64F64


class LocksStorage(Pallet):
    """What is bound."""

    Lock = Map[StakeLock | None](
        StakeLock | None, None, blake2_128_concat(AccountId), identity(u16), blake2_128_concat(AccountId)
    )
    HotkeyLock = Map[StakeLock | None](StakeLock | None, None, identity(u16), blake2_128_concat(AccountId))
    DecayingHotkeyLock = Map[StakeLock | None](StakeLock | None, None, identity(u16), blake2_128_concat(AccountId))
    OwnerLock = Map[StakeLock | None](StakeLock | None, None, identity(u16))
    DecayingOwnerLock = Map[StakeLock | None](StakeLock | None, None, identity(u16))
    DecayingLock = Map[bool | None](Flag | None, None, blake2_128_concat(AccountId), identity(u16))
    LockingColdkeys = Map[Unit | None](
        Unit | None, None, identity(u16), blake2_128_concat(AccountId), blake2_128_concat(AccountId)
    )
    RootStakeUnlockInterval = Value[int](u64, 0)
    ChildkeyThresholdSuspended = Map[Unit | None](Unit | None, None, blake2_128_concat(AccountId))
    MinerCollateral = Map[Collateral | None](
        Collateral | None, None, identity(u16), blake2_128_concat(AccountId), blake2_128_concat(AccountId)
    )
    CollateralDrainRatio = Map[int](U64F64, 1 << 64, identity(u16))
