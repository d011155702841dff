# SPDX-License-Identifier: Apache-2.0
"""Puts a round together: some places for those who were not asked for long, the rest as the strategy says.

A group is asked whole or not at all, and counts as one when places are given away: otherwise whoever owns many miners
would be asked more often, and leave fewer places to others. The same metagraph, past and seed give the same round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np

from protocols.errors import InvalidSubnet, OutOfRange
from protocols.keys import short
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.types import Hotkey
from validators.sampling.groups import grouped, pieces
from validators.sampling.strategies import ORDERS, Past, Scene, stale, turn

__all__ = ["Sampler", "SamplingOptions", "Strategy", "sample"]

Strategy: TypeAlias = Literal["definition", "uniform", "stale", "stake", "phases"]

_NO_PAST: Final = Past()


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingOptions:
    """How a validator picks whom to ask."""

    size: int = 64
    """How many miners a round asks at most; where there are fewer, all are asked."""
    strategy: Strategy = "definition"
    """What the definition's `sample` says, or `uniform`, `stale`, `stake` or `phases`."""
    explore: float = 0.1
    """The part of the places that goes to those never asked, then to those who were not asked for longest."""
    together: bool = True
    """Whether miners of one coldkey, and those who seem to copy each other, are asked in the same round."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise OutOfRange(f"size is {self.size}, expected 1 or more")
        if not 0.0 <= self.explore <= 1.0:
            raise OutOfRange(f"explore is {self.explore}, expected 0 to 1")
        if self.strategy not in get_args(Strategy):
            raise OutOfRange(f"strategy is {self.strategy!r}, expected one of {', '.join(get_args(Strategy))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Picks for one validator."""

    definition: Subnet
    me: Hotkey
    options: SamplingOptions

    def pick(self, metagraph: Metagraph, rng: np.random.Generator, past: Past = _NO_PAST) -> tuple[Hotkey, ...]:
        """Whom to ask. A definition with a `sample` of its own has the last word, unless a strategy is named."""
        options = self.options
        if options.strategy == "definition" and _has_sample(self.definition):
            return sample(self.definition, metagraph, rng, options.size, self.me)
        scene = Scene(metagraph, self.me, _others(metagraph, self.me), past)
        groups = self._groups(scene)
        if options.strategy == "phases":
            return turn(scene, groups, options.size)
        order = ORDERS.get(options.strategy, ORDERS["uniform"])(scene, rng)
        if len(order) <= options.size:
            return tuple(order)
        units = [unit for group in groups for unit in pieces(group, options.size, rng)]
        # One draw for each group, by one of its members: it comes as often as a miner that is alone.
        drawn = {unit[int(rng.integers(len(unit)))] for unit in units}
        wanted = [*self._explored(scene, rng), *(hotkey for hotkey in order if hotkey in drawn)]
        return _filled(wanted, {hotkey: unit for unit in units for hotkey in unit}, options.size)

    def _groups(self, scene: Scene) -> list[tuple[Hotkey, ...]]:
        if not self.options.together:
            return [(hotkey,) for hotkey in scene.others]
        return grouped(scene.metagraph, scene.others, scene.past.likely)

    def _explored(self, scene: Scene, rng: np.random.Generator) -> list[Hotkey]:
        places = self.options.explore * self.options.size
        # Of a part of a place, chance makes a whole one as often.
        return stale(scene, rng)[: int(places) + (rng.random() < places % 1)]


def sample(
    definition: Subnet, metagraph: Metagraph, rng: np.random.Generator, size: int, me: Hotkey
) -> tuple[Hotkey, ...]:
    """At most `size` miners; `InvalidSubnet` where the definition picks a stranger, itself, too many or one twice."""
    asked = tuple(definition.sample(metagraph, rng, size, me))
    if len(asked) > size or len(set(asked)) < len(asked):
        raise InvalidSubnet(
            f"{definition.ref()}: sample picked {len(asked)} hotkeys, {len(set(asked))} of them different, "
            f"expected at most {size} and each once"
        )
    for hotkey in asked:
        if hotkey == me or hotkey not in metagraph:
            who = "the validator itself" if hotkey == me else f"{short(hotkey)}, who is not on the subnet"
            raise InvalidSubnet(f"{definition.ref()}: sample picked {who}, expected hotkeys of other neurons")
    return asked


def _has_sample(definition: Subnet) -> bool:
    """Whether whom to ask is the designer's own choice; then nothing is added to it, and nobody taken out."""
    return getattr(definition.sample, "__func__", None) is not Subnet.sample


def _others(metagraph: Metagraph, me: Hotkey) -> tuple[Hotkey, ...]:
    published = zip(metagraph.hotkeys, metagraph.endpoints, strict=True)
    return tuple(hotkey for hotkey, endpoint in published if endpoint is not None and hotkey != me)


def _filled(wanted: Iterable[Hotkey], unit_of: Mapping[Hotkey, Sequence[Hotkey]], size: int) -> tuple[Hotkey, ...]:
    """Those wanted, first come first served, each with its whole group where there is room for it."""
    asked: dict[Hotkey, None] = {}
    for hotkey in wanted:
        unit = unit_of[hotkey]
        if hotkey not in asked and len(asked) + len(unit) <= size:
            asked.update(dict.fromkeys(unit))
    return tuple(asked)
