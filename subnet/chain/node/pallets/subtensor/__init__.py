# SPDX-License-Identifier: Apache-2.0
"""The pallet of networks, neurons, stake, votes and emission, put together from its topics.

A topic that builds on another inherits from it, so the most general ones come last. What happens at the start of a
block is here, since its order is nobody's own: prices first, then votes that open, then emission by those votes.
"""

from __future__ import annotations

from typing import ClassVar

from subnet.chain.node.pallets.subtensor.barred import Barred
from subnet.chain.node.pallets.subtensor.burns import StakeBurns
from subnet.chain.node.pallets.subtensor.coldkeys import ColdkeySwaps
from subnet.chain.node.pallets.subtensor.faucet import Faucet
from subnet.chain.node.pallets.subtensor.guards import Guards
from subnet.chain.node.pallets.subtensor.hotkeys import HotkeySwaps
from subnet.chain.node.pallets.subtensor.hyperparameters import Hyperparameters
from subnet.chain.node.pallets.subtensor.mechanisms import Mechanisms
from subnet.chain.node.pallets.subtensor.nominations import Nominations
from subnet.chain.node.pallets.subtensor.parents import RootParents
from subnet.chain.node.pallets.subtensor.trimming import Trimming

__all__ = ["SubtensorModule"]


class SubtensorModule(
    Guards,
    RootParents,
    HotkeySwaps,
    ColdkeySwaps,
    StakeBurns,
    Hyperparameters,
    Mechanisms,
    Trimming,
    Nominations,
    Barred,
    Faucet,
):
    """The chain's own pallet."""

    name: ClassVar[str] = "SubtensorModule"
    index: ClassVar[int] = 7

    def on_initialize(self) -> None:
        """What a block brings before anybody's transactions."""
        self.decay_burn_prices()
        self.reveal_timelocked()
        self.emit()
        self.run_epochs()
        self.follow_prices()
        for netuid in self.subnets():
            if self.LastEpochBlock[netuid] == self.system.block:
                self.adopt_pending(netuid)
        self.claim_by_itself()
