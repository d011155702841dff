# SPDX-License-Identifier: Apache-2.0
"""Whom to ask in a round: the definition's choice, held to those who can be asked, by chance that can be repeated.

Every round has random numbers of its own, which follow from the seed and the round's number alone. So a validator that
was stopped and started again chooses as if nothing had happened, and an auditor with the seed can choose with it.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from protocols.errors import InvalidSubnet
from protocols.keys import short
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.types import Hotkey

__all__ = ["Purpose", "chance", "sample"]


class Purpose(IntEnum):
    """What random numbers are for: each purpose has its own, so that one does not move the other."""

    SAMPLE = 0
    TASKS = 1


def chance(seed: int, number: int, purpose: Purpose) -> np.random.Generator:
    """The random numbers of one round."""
    return np.random.default_rng([seed, number, int(purpose)])


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
