# SPDX-License-Identifier: Apache-2.0
"""From scores to the vector that is sent: weights in the chain's 16 bits, and for others only.

A validator's own uid gets no weight, whatever the definition says. What the definition says is checked before it is
used: one NaN in a weight becomes an equal share for everybody on a chain.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from incentive.arrays import nonnegative, sized
from incentive.quantise import quantise
from protocols.calls import RevealWeights, SetWeights
from protocols.columns import Floats
from protocols.keys import short
from protocols.metagraph import Metagraph
from protocols.types import Block, NetUid, Uid
from validators.submission import Weight

__all__ = ["Ballot", "Voter", "held"]

_LOG: Final = logging.getLogger(__name__)
_SALT_NUMBERS: Final = 8


@dataclass(frozen=True, slots=True)
class Ballot:
    """Weights ready to be sent, and whose they are."""

    uids: tuple[Uid, ...]
    values: tuple[int, ...]
    weights: tuple[Weight, ...]

    def shown(self, netuid: NetUid, version: int) -> SetWeights:
        """The call that sets them in the open."""
        return SetWeights(netuid, self.uids, self.values, version)

    def hidden(self, netuid: NetUid, version: int) -> RevealWeights:
        """The call that shows them later, after its commitment."""
        # A secret, not a simulation's randomness: whoever guesses it reads the weights before they are revealed.
        salt = tuple(secrets.randbelow(2**16) for _ in range(_SALT_NUMBERS))
        return RevealWeights(netuid, self.uids, self.values, salt, version)


@dataclass(frozen=True, slots=True)
class Voter:
    """Whoever sets weights on a subnet, by which rule, and how many uids the chain wants to be named."""

    me: Uid
    weigh: Callable[[Floats], Floats]
    minimum: int

    def weights(self, scores: Floats) -> Floats:
        """What the rule makes of scores, (N,); a `RewardError` where that is no weights."""
        return self.others(sized("weights", nonnegative("weights", self.weigh(self.others(scores))), len(scores)))

    def others(self, column: Floats) -> Floats:
        """The column, (N,), without ourselves."""
        masked = column.copy()
        masked[self.me] = 0.0
        return masked

    def ballot(self, metagraph: Metagraph, weights: Floats) -> Ballot:
        """The vector that stands for weights, (N,)."""
        sent = quantise(weights)
        if sent.lost:
            lost = ", ".join(short(metagraph.hotkeys[uid]) for uid in sent.lost[:3])
            _LOG.warning("weights of %d miners round to nothing, first %s: raise them in weigh", len(sent.lost), lost)
        values = dict(zip(sent.uids, sent.values, strict=True))
        named = sorted({*values, *self._padding(values.keys(), len(weights))})
        return Ballot(
            uids=tuple(map(Uid, named)),
            values=tuple(values.get(uid, 0) for uid in named),
            weights=tuple(_weight(metagraph, uid, value) for uid, value in values.items()),
        )

    def _padding(self, weighed: Collection[int], n: int) -> list[int]:
        """Uids to name with weight zero: the chain counts names, and nobody is paid for filling a list."""
        others = [uid for uid in range(n) if uid not in weighed and uid != self.me]
        return [*others, self.me][: max(0, min(n, self.minimum) - len(weighed))]


def held(last: Sequence[Weight], metagraph: Metagraph) -> Floats:
    """The last weights in the order of today's uids, (N,); who left, or registered anew since, has none."""
    known = {(weight.hotkey, weight.registered_at): float(weight.value) for weight in last}
    keys = zip(metagraph.hotkeys, metagraph.block_at_registration.tolist(), strict=True)
    return np.array([known.get((hotkey, Block(block)), 0.0) for hotkey, block in keys], dtype=np.float64)


def _weight(metagraph: Metagraph, uid: int, value: int) -> Weight:
    return Weight(metagraph.hotkeys[uid], Block(int(metagraph.block_at_registration[uid])), value)
