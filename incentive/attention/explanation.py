# SPDX-License-Identifier: Apache-2.0
"""Why a miner got what it got, for the person who runs it.

A reward that depends on what others answered looks arbitrary from outside. Each stage of the rule is a factor that a
reader can check: how good the answer was, who else owns it, and who competes for its region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

__all__ = ["Explanation", "Neighbour"]

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another miner that this one shares with: how close, with how much mass, and which part of the whole that is."""

    miner: int
    name: str
    closeness: float
    mass: float
    part: float

    def __str__(self) -> str:
        return f"{self.name} holds {self.part:.1%} (closeness {self.closeness:.2f}, mass {self.mass:.3g})"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One miner's reward, stage by stage, with those it shares its answer (`same`) and its region (`near`) with."""

    miner: int
    name: str
    quality: float
    share: float
    mass: float
    attention: float
    value: float
    crowding: float
    reward: float
    weight: float
    same: tuple[Neighbour, ...]
    near: tuple[Neighbour, ...]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain values, neighbours as lists."""
        plain = asdict(self)
        return plain | {"same": list(plain["same"]), "near": list(plain["near"])}

    def __str__(self) -> str:
        power = "" if self.crowding == 1.0 else f" ^ {self.crowding:g}"
        return "\n".join(
            (
                f"{self.name}: reward {self.reward:.4f}, {self.weight:.2%} of the pool",
                f"  reward = value {self.value:.4f} x share {self.share:.4f} x attention {self.attention:.4f}{power}",
                f"  value      {self.value:.4f}  for an answer of quality {self.quality:.4f}",
                f"  share      {self.share:.4f}  of that answer{_told(self.same, 'nobody else gave it')}",
                f"  attention  {self.attention:.4f}  of its region{_told(self.near, 'nobody else is near')}",
            )
        )


def _told(neighbours: Sequence[Neighbour], nobody: str) -> str:
    if not neighbours:
        return f"; {nobody}"
    lines = [f"\n               {neighbour}" for neighbour in neighbours[:_SHOWN]]
    rest = neighbours[_SHOWN:]
    if rest:
        lines.append(f"\n               {len(rest)} more hold {sum(one.part for one in rest):.1%}")
    return ", which others have too:" + "".join(lines)
