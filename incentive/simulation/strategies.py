# SPDX-License-Identifier: Apache-2.0
"""Who plays what in a simulated world: miners by the answers that they give, validators by the votes that they cast.

A miner's strategy shows in nothing but whose answer it gives, so a cast of miners says that and leaves the answers to
whoever records the rewards. A validator's strategy is a function of what it can see when it votes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from incentive.arrays import Array, Flags, Ints
from protocols.errors import OutOfRange

__all__ = ["Cabal", "Cast", "Copying", "Honest", "Lazy", "MINERS", "MIX", "Strategy", "View", "cast"]

MINERS: Final = ("honest", "weak", "copier", "sybil", "constant", "silent")
"""What a miner may be. A copier gives an honest miner's answer, a sybil group gives one, so do all constant miners."""

MIX: Final[Mapping[str, float]] = {"weak": 0.15, "copier": 0.08, "sybil": 0.08, "constant": 0.05, "silent": 0.04}
"""Parts of all miners; whoever is not named here is honest."""

_FEWEST: Final[Mapping[str, int]] = {"sybil": 2}
_FEWEST_HONEST: Final = 2
_COPIERS_EACH: Final = 4
_SYBILS_EACH: Final = 10
"""The most in a group. How much splitting gains depends on who else answers alike, so one group alone may be lucky."""


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """The roles of N miners, and whose answer each of them gives."""

    roles: tuple[str, ...]
    source: Ints  # (N,) itself, a copier's victim, or the first of a group

    def playing(self, *roles: str) -> Flags:
        """Who has one of these roles, (N,)."""
        return np.array([role in roles for role in self.roles], dtype=np.bool_)

    @property
    def victims(self) -> Flags:
        """Honest miners whose answers others give too, (N,)."""
        return np.isin(np.arange(len(self.roles)), self.source[self.playing("copier")])

    @property
    def bystanders(self) -> Flags:
        """Honest miners whom nobody copies: what others earn is measured by them, (N,)."""
        return self.playing("honest") & ~self.victims

    @property
    def extras(self) -> Flags:
        """Those without whom every answer is still given: copiers, and all but the first of each sybil group, (N,)."""
        own: Flags = self.source == np.arange(len(self.roles))
        return self.playing("copier", "sybil") & ~own


def cast(mix: Mapping[str, float], miners: int, rng: np.random.Generator) -> Cast:
    """Give so many miners their roles, in random order; each role of the mix is played, by two sybils at least."""
    counts = _counts(mix, miners)
    roles = [role for role in MINERS for _ in range(counts.get(role, 0))]
    places = {role: [at for at, other in enumerate(roles) if other == role] for role in MINERS}
    source = np.arange(miners)
    honest, sybils = places["honest"], places["sybil"]
    victims = honest[: min(_groups(places["copier"], _COPIERS_EACH), len(honest) - 1)]
    firsts = sybils[: _groups(sybils, _SYBILS_EACH)]
    for members, given in ((places["copier"], victims), (sybils, firsts), (places["constant"], places["constant"][:1])):
        source[members] = np.resize(np.array(given, dtype=np.int64), len(members))
    # Shuffled: a rule that prefers the earlier of two equals must not prefer the honest for that.
    order = rng.permutation(miners)
    place = np.argsort(order)
    return Cast(tuple(roles[at] for at in order.tolist()), place[source[order]])


def _groups(members: list[int], most: int) -> int:
    return -(-len(members) // most)


def _counts(mix: Mapping[str, float], miners: int) -> dict[str, int]:
    for role, part in mix.items():
        if role not in MINERS or role == "honest" or not 0.0 < part < 1.0:
            raise OutOfRange(f"mix has {role!r}: {part}, expected parts of one for {', '.join(MINERS[1:])}")
    counts = {role: max(_FEWEST.get(role, 1), round(part * miners)) for role, part in mix.items()}
    honest = miners - sum(counts.values())
    if honest < _FEWEST_HONEST:
        fewest = sum(_FEWEST.get(role, 1) for role in mix) + _FEWEST_HONEST
        raise OutOfRange(
            f"{miners} miners leave {honest} honest beside {counts}, expected {_FEWEST_HONEST} or more",
            help=f"at least {fewest} miners, and a mix that leaves room",
        )
    return {"honest": honest, **counts}


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one validator knows when it votes, in each of B seeds."""

    judged: Array  # (B, N) the weights that its own rounds speak for
    consensus: Array  # (B, N) of the last epoch; all zero in the first


class Strategy(Protocol):
    """How a validator votes."""

    def votes(self, view: View) -> Array:
        """Its weights, (B, N), of any scale; all zero for no vote."""


@dataclass(frozen=True, slots=True)
class Honest:
    """Votes what it found."""

    def votes(self, view: View) -> Array:
        """Its own judgement."""
        return view.judged


@dataclass(frozen=True, slots=True)
class Lazy:
    """Never asks anyone, and votes the same for all."""

    def votes(self, view: View) -> Array:
        """The same for each."""
        return np.ones_like(view.judged)


@dataclass(frozen=True, slots=True)
class Copying:
    """Never asks anyone, and votes what all agreed on an epoch ago."""

    def votes(self, view: View) -> Array:
        """The last consensus."""
        return view.consensus


@dataclass(frozen=True, slots=True, eq=False)
class Cabal:
    """Votes for its own miners and nobody else."""

    own: Flags  # (N,)

    def votes(self, view: View) -> Array:
        """The same for each of its own, nothing for the others."""
        return np.where(self.own, np.ones_like(view.judged), 0.0)
