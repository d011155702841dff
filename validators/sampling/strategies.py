# SPDX-License-Identifier: Apache-2.0
"""The ways to choose: each puts all who can be asked in an order, and those who come first are asked.

A strategy states only its order. That newcomers come soon and copies come together is seen to by the sampler, the same
for all of them. One strategy is no order but a plan: by `turn` everybody is asked once before anybody is asked again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from protocols.metagraph import Metagraph
from protocols.types import Hotkey
from validators.sampling.groups import pieces

__all__ = ["ORDERS", "Order", "Past", "Scene", "stake", "stale", "turn", "uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a validator knows when it chooses."""

    number: int = 0
    """That of the round."""
    asked_in: Mapping[Hotkey, int] = field(default_factory=dict)
    """The number of the round in which each was asked last."""
    likely: Sequence[frozenset[Hotkey]] = ()
    """Those who seem to be copies of each other."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who can be asked, in the order of uids, and what is known of them."""

    metagraph: Metagraph
    me: Hotkey
    others: tuple[Hotkey, ...]
    past: Past


Order: TypeAlias = Callable[[Scene, np.random.Generator], list[Hotkey]]
"""All who can be asked, whoever is to be asked first at the front."""


def uniform(scene: Scene, rng: np.random.Generator) -> list[Hotkey]:
    """Each place to each with the same chance."""
    return [scene.others[at] for at in rng.permutation(len(scene.others)).tolist()]


def stale(scene: Scene, rng: np.random.Generator) -> list[Hotkey]:
    """Those never asked, then those who were not asked for longest; chance decides among equals."""
    asked_in = scene.past.asked_in
    return sorted(uniform(scene, rng), key=lambda hotkey: asked_in.get(hotkey, -1))


def stake(scene: Scene, rng: np.random.Generator) -> list[Hotkey]:
    """Drawn one after the other, each with a chance in proportion to its stake; those without any come last."""
    staked = np.array([scene.metagraph.stake[scene.metagraph.uid_of(hotkey)] for hotkey in scene.others])
    # Whoever waits longest at a rate of its stake comes last: the order is that of drawing without putting back.
    waits = rng.exponential(size=len(staked))
    spans = np.divide(waits, staked, out=np.full(len(staked), np.inf), where=staked > 0)
    return [scene.others[at] for at in np.lexsort((waits, spans)).tolist()]


ORDERS: Final[Mapping[str, Order]] = MappingProxyType({"uniform": uniform, "stale": stale, "stake": stake})
"""The strategies that are orders, by name."""


def turn(scene: Scene, groups: Sequence[tuple[Hotkey, ...]], size: int) -> tuple[Hotkey, ...]:
    """Those whose turn this round is: everybody once in as many rounds as it takes to ask all.

    Every validator that has come as far deals the same turns and begins with another one, so that several do not ask
    one miner at the same time. They are dealt anew each time: whoever was never asked together could copy unseen.
    """
    turns = len(_dealt(groups, size, 0))  # it depends on the sizes of groups alone
    if not turns:
        return ()
    cycle, place = divmod(scene.past.number, turns)
    validators = sorted(neuron.hotkey for neuron in scene.metagraph.where(scene.metagraph.validator_permit))
    shift = bisect_left(validators, scene.me) * turns // max(1, len(validators))
    return _dealt(groups, size, cycle)[(place + shift) % turns]


def _dealt(groups: Sequence[tuple[Hotkey, ...]], size: int, cycle: int) -> list[tuple[Hotkey, ...]]:
    """The groups in rounds of at most `size`, by chance that all validators share."""
    rng = np.random.default_rng(cycle)
    units = [unit for group in sorted(groups) for unit in pieces(group, size, rng)]
    mixed = [units[at] for at in rng.permutation(len(units)).tolist()]
    rounds: list[tuple[Hotkey, ...]] = []
    for unit in sorted(mixed, key=len, reverse=True):  # the large ones first, while there is room
        at = next((at for at, taken in enumerate(rounds) if len(taken) + len(unit) <= size), len(rounds))
        if at == len(rounds):
            rounds.append(())
        rounds[at] += unit
    return rounds
