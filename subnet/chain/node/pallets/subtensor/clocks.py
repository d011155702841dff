# SPDX-License-Identifier: Apache-2.0
"""When a network's next epoch comes, and what may not be done shortly before it.

A network's own clock starts anew with each epoch. In the last blocks before one its rules are frozen, so that nobody
changes what validators have just voted under.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.pallets.subtensor.ledger import Ledger

__all__ = ["Clocks", "MAX_TEMPO", "MIN_TEMPO"]

MIN_TEMPO: Final = 360
"""The shortest tempo that an owner may set."""

MAX_TEMPO: Final = 50_400
"""The longest one, and the blocks after which an epoch runs whatever the clock says."""

_NEVER: Final = (1 << 64) - 1


class Clocks(Ledger):
    """Epochs to come."""

    def should_run_epoch(self, netuid: int) -> bool:
        """Whether an epoch is due in this block."""
        tempo, now = self.Tempo[netuid], self.system.block
        if not tempo:
            return False
        asked_for = self.PendingEpochAt[netuid]
        return (
            0 < asked_for <= now
            or self.BlocksSinceLastStep[netuid] > MAX_TEMPO
            or now - self.LastEpochBlock[netuid] >= tempo
        )

    def blocks_until_epoch(self, netuid: int) -> int:
        """How many blocks it is until the next epoch by the clock."""
        tempo = self.Tempo[netuid]
        return max(self.LastEpochBlock[netuid] + tempo - self.system.block, 0) if tempo else _NEVER

    def activity_cutoff(self, netuid: int) -> int:
        """How many blocks a validator may be silent and still count."""
        return max(1, self.ActivityCutoffFactorMilli[netuid] * self.Tempo[netuid] // 1000)

    def in_freeze_window(self, netuid: int) -> bool:
        """Whether the rules are frozen because an epoch is near, or because somebody asked for one."""
        if not self.Tempo[netuid]:
            return False
        if self.PendingEpochAt[netuid] > self.system.block:
            return True
        return self.blocks_until_epoch(netuid) < self.AdminFreezeWindow.value

    def ensure_admin_window(self, netuid: int) -> None:
        """Turn away whoever changes rules while they are frozen."""
        if self.in_freeze_window(netuid):
            raise self.Errors.AdminActionProhibitedDuringWeightsWindow()
