# SPDX-License-Identifier: Apache-2.0
"""Weights that nobody can read before their time, and that then open by themselves.

They are encrypted to a future round of the drand beacon, which the chain follows. The round is the one that comes with
the epoch in which the chain reveals, so the chain's schedule is read first; the cryptography is bittensor-core's.
"""

from __future__ import annotations

from typing import Final

import bittensor_core as native

from protocols.calls import CommitTimelockedWeights, SetWeights
from protocols.keys import decode_address
from protocols.types import Hotkey
from subnet.chain.client.reads import PALLET, check_subnet
from subnet.chain.client.session import Session
from subnet.chain.client.storage import Item
from subnet.chain.client.waiting import block_time

__all__ = ["timelocked"]

_SCHEDULE: Final = (
    "LastEpochBlock", "PendingEpochAt", "SubnetEpochIndex", "Tempo", "BlocksSinceLastStep", "RevealPeriodEpochs",
)  # fmt: skip
_VERSION: Final = 4


def timelocked(session: Session, weights: SetWeights, hotkey: Hotkey) -> CommitTimelockedWeights:
    """Seal weights until the chain will reveal them, for the hotkey that will sign the commit."""
    schedule = [Item(PALLET, name, (weights.netuid,)) for name in _SCHEDULE]
    rest = (Item(PALLET, "NetworksAdded", (weights.netuid,)), Item(PALLET, "CommitRevealWeightsVersion"))
    values = session.read([*schedule, *rest, Item("System", "Number")], session.head())
    last, pending, index, tempo, silent, period, exists, version, block = values
    check_subnet(exists, weights.netuid)
    ciphertext, reveal_round = native.get_encrypted_commit_v2(
        uids=list(weights.uids),
        weights=list(weights.values),
        version_key=weights.version_key,
        last_epoch_block=last or 0,
        pending_epoch_at=pending or 0,
        subnet_epoch_index=index or 0,
        tempo=tempo,
        blocks_since_last_step=silent,
        current_block=block,
        subnet_reveal_period_epochs=period,
        block_time=block_time(session),
        hotkey=decode_address(hotkey),
    )
    return CommitTimelockedWeights(weights.netuid, bytes(ciphertext), int(reveal_round), int(version or _VERSION))
