# SPDX-License-Identifier: Apache-2.0
"""Consensus: from the votes of validators to who is paid, as the chain decides it and as it might.

`Yuma1` and `Yuma3` run in the chain's own integers (`FIXED`) or in float64 (`FLOAT`), on one network or a batch of
them; `Epoch` is the chain's whole step with all its masks. The alternatives have the same interface.
"""

from __future__ import annotations

from incentive.consensus.arithmetic import FIXED, FLOAT, GRID
from incentive.consensus.epoch import Epoch, Epoch185
from incentive.consensus.ledger import Ledger, Lists, Settings, Terms
from incentive.consensus.rules import Consensus, Liquid, Network, Outcome, Rules
from incentive.consensus.yuma import Yuma, Yuma1, Yuma3

__all__ = [
    "Consensus",
    "Epoch",
    "Epoch185",
    "FIXED",
    "FLOAT",
    "GRID",
    "Ledger",
    "Liquid",
    "Lists",
    "Network",
    "Outcome",
    "Rules",
    "Settings",
    "Terms",
    "Yuma",
    "Yuma1",
    "Yuma3",
]
