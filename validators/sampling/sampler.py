# SPDX-License-Identifier: Apache-2.0
"""Whom to ask in a round: the definition's choice, held to those who can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from protocols.errors import InvalidSubnet
from protocols.keys import short
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.types import Hotkey

__all__ = ["Sampler", "SamplingOptions", "sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingOptions:
    """How a validator picks whom to ask."""

    size: int = 64
    """How many miners a round asks at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """Picks for one validator."""

    definition: Subnet
    me: Hotkey
    options: SamplingOptions

    def pick(
        self, metagraph: Metagraph, rng: np.random.Generator, asked_in: Mapping[Hotkey, int]
    ) -> tuple[Hotkey, ...]:
        """Whom to ask; `asked_in` is the round in which each was asked last."""
        return sample(self.definition, metagraph, rng, self.options.size, self.me)


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
