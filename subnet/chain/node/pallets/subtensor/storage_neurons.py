# SPDX-License-Identifier: Apache-2.0
"""Storage of the pallet: neurons, their votes and what the last epoch decided.

Vectors have one element a uid. Where a network has several mechanisms, their index is netuid + 4096 * mechanism.
"""

from __future__ import annotations

from subnet.chain.node.frame.hashing import blake2_128_concat, identity, twox64_concat
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.pallets.subtensor.records import NO_ACCOUNT, AxonInfo, Blob20, NeuronCertificate, PrometheusInfo
from subnet.chain.node.scale.names import AccountId, Blob, Flag, Hash, u16, u64

__all__ = ["NeuronsStorage"]


class NeuronsStorage(Pallet):
    """Neurons, their votes and what the last epoch decided."""

    LastHotkeySwapOnNetuid = Map[int](u64, 0, identity(u16), blake2_128_concat(AccountId))
    AlphaDividendsPerSubnet = Map[int](u64, 0, identity(u16), blake2_128_concat(AccountId))
    RootAlphaDividendsPerSubnet = Map[int](u64, 0, identity(u16), blake2_128_concat(AccountId))
    LastHotkeyEmissionOnNetuid = Map[int](u64, 0, blake2_128_concat(AccountId), identity(u16))
    IsNetworkMember = Map[bool](Flag, False, blake2_128_concat(AccountId), identity(u16))
    StakeWeight = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    Uids = Map[int | None](u16 | None, None, identity(u16), blake2_128_concat(AccountId))
    Keys = Map[bytes](AccountId, NO_ACCOUNT, identity(u16), identity(u16))
    LoadedEmission = Map[tuple[tuple[bytes, int, int], ...] | None](
        tuple[tuple[AccountId, u64, u64], ...] | None, None, identity(u16)
    )
    Active = Map[tuple[bool, ...]](tuple[Flag, ...], (), identity(u16))
    Rank = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    Trust = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    Consensus = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    Incentive = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    Dividends = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    Emission = Map[tuple[int, ...]](tuple[u64, ...], (), identity(u16))
    LastUpdate = Map[tuple[int, ...]](tuple[u64, ...], (), identity(u16))
    ValidatorTrust = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    PruningScores = Map[tuple[int, ...]](tuple[u16, ...], (), identity(u16))
    ValidatorPermit = Map[tuple[bool, ...]](tuple[Flag, ...], (), identity(u16))
    Weights = Map[tuple[tuple[int, int], ...]](tuple[tuple[u16, u16], ...], (), identity(u16), identity(u16))
    Bonds = Map[tuple[tuple[int, int], ...]](tuple[tuple[u16, u16], ...], (), identity(u16), identity(u16))
    BlockAtRegistration = Map[int](u64, 0, identity(u16), identity(u16))
    Axons = Map[AxonInfo | None](AxonInfo | None, None, identity(u16), blake2_128_concat(AccountId))
    NeuronCertificates = Map[NeuronCertificate | None](
        NeuronCertificate | None, None, identity(u16), blake2_128_concat(AccountId)
    )
    Prometheus = Map[PrometheusInfo | None](PrometheusInfo | None, None, identity(u16), blake2_128_concat(AccountId))
    WeightCommits = Map[tuple[tuple[bytes, int, int, int], ...] | None](
        tuple[tuple[Hash, u64, u64, u64], ...] | None, None, twox64_concat(u16), twox64_concat(AccountId)
    )
    TimelockedWeightCommits = Map[tuple[tuple[bytes, int, bytes, int], ...]](
        tuple[tuple[AccountId, u64, Blob, u64], ...], (), twox64_concat(u16), twox64_concat(u64)
    )
    AssociatedEvmAddress = Map[tuple[bytes, int] | None](
        tuple[Blob20, u64] | None, None, twox64_concat(u16), twox64_concat(u16)
    )
