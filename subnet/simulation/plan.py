# SPDX-License-Identifier: Apache-2.0
"""How large a simulation is and whom it is about, checked before anything runs.

The defaults are a subnet as full as chains allow. Everything that chance decides follows from `seed`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from incentive.consensus import Consensus, Yuma3
from incentive.simulation.strategies import MIX
from protocols.errors import OutOfRange, UsageError

__all__ = ["ATTACKS", "Plan"]

ATTACKS: Final = ("weak", "copier", "sybil", "constant", "silent", "lazy", "copying", "cabal")
"""What may be tried: five ways to mine and three to validate."""

_FEWEST: Final = {"miners": 2, "validators": 1, "epochs": 1, "seeds": 1, "seed": 0, "tasks": 1, "rounds": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A simulation: sizes, seed, attacks, and the consensus that decides.

    Plan(miners=64, epochs=100, attacks=("copier", "sybil"))
    """

    miners: int = 256
    validators: int = 16
    epochs: int = 500
    seeds: int = 16
    """Worlds beside each other, which see different tasks; verdicts are on the worst of them."""
    seed: int = 0
    tasks: int = 48
    """Tasks that are answered and scored for real; epochs draw from these."""
    rounds: int = 4
    """Tasks that a validator sees in an epoch."""
    asked: int | None = None
    """Miners scored together in one round; without it all of them. Copies are found among these only."""
    attacks: tuple[str, ...] = ATTACKS
    mix: Mapping[str, float] = field(default_factory=lambda: dict(MIX))
    """Parts of all miners; the rest is honest, and so is everybody whose attack is not tried."""
    consensus: Consensus = field(default_factory=Yuma3)

    def __post_init__(self) -> None:
        for name, fewest in _FEWEST.items():
            if getattr(self, name) < fewest:
                raise OutOfRange(f"{name} is {getattr(self, name)}, expected {fewest} or more")
        if self.asked is not None and not 1 <= self.asked <= self.miners:
            raise OutOfRange(f"asked is {self.asked}, expected 1 to {self.miners}, the number of miners")
        for attack in self.attacks:
            if attack not in ATTACKS:
                near = difflib.get_close_matches(attack, ATTACKS, n=1)
                advice = f"did you mean: {near[0]}" if near else f"one of: {', '.join(ATTACKS)}"
                raise UsageError(f"no attack is called {attack!r}", help=advice)
        idle = max(len(self.followers), int(self.has_cabal))
        if self.validators <= idle:
            raise OutOfRange(
                f"validators is {self.validators}, expected an honest one beside {idle} that are not",
                help=f"at least {idle + 1} validators, or attacks without {', '.join(ATTACKS[-3:])}",
            )

    @property
    def followers(self) -> tuple[str, ...]:
        """The ways to validate without asking anyone that are tried."""
        return tuple(attack for attack in ("lazy", "copying") if attack in self.attacks)

    @property
    def has_cabal(self) -> bool:
        """Whether validators that vote for their own miners are tried."""
        return "cabal" in self.attacks

    @property
    def roles(self) -> dict[str, float]:
        """The parts of those miners that are tried."""
        return {role: part for role, part in self.mix.items() if role in self.attacks}

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        sizes = {name: getattr(self, name) for name in _FEWEST}
        rules = self.consensus.rules
        return {
            **sizes,
            "asked": self.miners if self.asked is None else self.asked,
            "attacks": list(self.attacks),
            "mix": self.roles,
            "consensus": type(self.consensus).__name__,
            "kappa": float(rules.kappa),
            "bonds_penalty": float(rules.bonds_penalty),
            "bonds_moving_average": float(rules.bonds_moving_average),
            "liquid_alpha": rules.liquid is not None,
        }
