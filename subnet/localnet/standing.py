# SPDX-License-Identifier: Apache-2.0
"""Where everybody stands: one row a participant, from the chain and from the validators' own books.

The summary of a run holds nothing of time, ports or signatures, so two runs from one seed have equal ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from protocols.metagraph import Metagraph
from protocols.types import Block, Hotkey
from subnet.localnet.casting import Part

__all__ = ["Standing", "Summary", "standings"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One participant after an epoch."""

    uid: int
    name: str
    kind: str
    role: str
    skill: float
    quality: float
    """The mean of the validators' scores."""
    incentive: float
    dividends: float
    emission: int
    """Rao of alpha in the last epoch."""
    earned: int
    """Rao of alpha in all epochs together."""
    trust: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A network after some epochs."""

    subnet: str
    seed: int
    epoch: int
    block: Block
    rows: tuple[Standing, ...]
    weight_updates: Mapping[str, int]
    """How often each validator set weights."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        rows = [asdict(row) for row in self.rows]
        return {
            "subnet": self.subnet,
            "seed": self.seed,
            "epoch": self.epoch,
            "block": self.block,
            "participants": rows,
            "weight_updates": dict(self.weight_updates),
        }

    def share(self, role: str) -> float:
        """The part of all miners' incentive that a role got in the last epoch."""
        return sum(row.incentive for row in self.rows if row.role == role)


def standings(
    metagraph: Metagraph,
    cast: Mapping[Hotkey, Part],
    scores: Sequence[Mapping[Hotkey, float]],
    earned: Mapping[Hotkey, int],
) -> tuple[Standing, ...]:
    """A row for each neuron, by uid; the subnet's owner is nobody's part."""
    rows = []
    for uid, hotkey in enumerate(metagraph.hotkeys):
        part = cast.get(hotkey)
        qualities = [book[hotkey] for book in scores if hotkey in book]
        rows.append(
            Standing(
                uid=uid,
                name=part.name if part else "owner",
                kind=part.kind if part else "owner",
                role=part.role if part else "owner",
                skill=part.skill if part else 0.0,
                quality=round(float(np.mean(qualities)), 6) if qualities else 0.0,
                incentive=float(metagraph.incentive[uid]),
                dividends=float(metagraph.dividends[uid]),
                emission=int(metagraph.emission[uid]),
                earned=earned.get(hotkey, 0),
                trust=float(metagraph.validator_trust[uid]),
            )
        )
    return tuple(rows)
