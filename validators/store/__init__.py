# SPDX-License-Identifier: Apache-2.0
"""A validator's memory: one file that it writes alone, and that anybody may read who can read the disk."""

from __future__ import annotations

from validators.store.archive import Archive, Known, Owner
from validators.store.journal import Journal, Store
from validators.store.record import Mark, Proof, RoundRecord, Standing, Unsigned
from validators.store.rounds import Recorded

__all__ = [
    "Archive",
    "Journal",
    "Known",
    "Mark",
    "Owner",
    "Proof",
    "Recorded",
    "RoundRecord",
    "Standing",
    "Store",
    "Unsigned",
]
