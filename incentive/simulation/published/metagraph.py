# SPDX-License-Identifier: Apache-2.0
"""A real subnet's votes and stakes, run through an epoch: do the results look like a subnet that works?

Source: bactensor/yuma-simulation, metagraphs/subnet_15 at block 4769998. Only its inputs are published; what is
compared are facts read off an independent computation, among them four validators whose votes agree with consensus so
fully that they may be copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from incentive.consensus import Network, Rules, Yuma1
from incentive.simulation.published.figure import Figure
from protocols.errors import UnreadableCase

__all__ = ["real_metagraph"]

_BLOCK: Final = "subnet_15 block 4769998"
_ROUNDED_OFF: Final = 0.5
"""Counts were rounded when they were printed: what is listed as 0 is a small weight, but one."""
_LOWEST_TRUST: Final = 0.745
_HIGHEST_TRUST: Final = 1.0
_FULLY_TRUSTED: Final = 4
_PAID: Final = 30
_TOP_SHARE: Final = 0.52


def real_metagraph(table: Mapping[str, Any]) -> Iterator[Figure]:
    """The range of validator trust, how many miners are paid, and the share of the best one."""
    if _BLOCK not in table["source"]:
        raise UnreadableCase(f"the snapshot is of {table['source']!r}, and facts are known of {_BLOCK} only")
    uids = list(table["stake"])
    weights = np.zeros((len(uids), table["n"]))
    for row, uid in enumerate(uids):
        for miner, count in table["weights_u16"][uid]:
            weights[row, miner] = max(count, _ROUNDED_OFF)
    outcome = Yuma1(Rules()).run(Network.of(weights, np.array([table["stake"][uid] for uid in uids])))
    trust = outcome.validator_trust
    yield Figure("lowest validator trust", _LOWEST_TRUST, float(trust.min()), 5e-4)
    yield Figure("highest validator trust", _HIGHEST_TRUST, float(trust.max()), 5e-4)
    yield Figure("validators of trust 1.000", _FULLY_TRUSTED, int((trust.round(3) >= 1).sum()), 0)
    yield Figure("miners paid", _PAID, int((outcome.incentive > 0).sum()), 0)
    yield Figure("share of the best miner", _TOP_SHARE, float(outcome.incentive.max()), 5e-3)
