# SPDX-License-Identifier: Apache-2.0
"""Who is asked in the same round: miners of one owner, and those who seem to copy each other.

A reward that pays an answer once can do so only for answers that it sees side by side. Copies that are asked in
different rounds are each paid in full, and the fewer a round asks, the more a copier earns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from protocols.metagraph import Metagraph
from protocols.types import Hotkey

__all__ = ["connected", "grouped", "pieces"]


def grouped(
    metagraph: Metagraph, hotkeys: Sequence[Hotkey], likely: Iterable[frozenset[Hotkey]]
) -> list[tuple[Hotkey, ...]]:
    """These miners in groups, most of them alone: by their coldkeys, and by who seems to copy whom."""
    owned: dict[str, list[Hotkey]] = {}
    for hotkey in hotkeys:
        owned.setdefault(metagraph.coldkeys[metagraph.uid_of(hotkey)], []).append(hotkey)
    known = set(hotkeys)
    return connected(hotkeys, [*owned.values(), *([one for one in group if one in known] for group in likely)])


def connected(hotkeys: Sequence[Hotkey], links: Iterable[Iterable[Hotkey]]) -> list[tuple[Hotkey, ...]]:
    """The groups that links between these leave apart, in the order of their first members."""
    head = {hotkey: hotkey for hotkey in hotkeys}

    def found(hotkey: Hotkey) -> Hotkey:
        while head[hotkey] != hotkey:
            head[hotkey] = hotkey = head[head[hotkey]]
        return hotkey

    for link in links:
        for one, other in pairwise(link):
            head[found(other)] = found(one)
    groups: dict[Hotkey, list[Hotkey]] = {}
    for hotkey in hotkeys:
        groups.setdefault(found(hotkey), []).append(hotkey)
    return [tuple(group) for group in groups.values()]


def pieces(group: tuple[Hotkey, ...], size: int, rng: np.random.Generator) -> list[tuple[Hotkey, ...]]:
    """The group as it is, or where it is larger than a round, in parts of a round's size that chance puts together."""
    if len(group) <= size:
        return [group]
    mixed = [group[at] for at in rng.permutation(len(group)).tolist()]
    return [tuple(mixed[at : at + size]) for at in range(0, len(mixed), size)]
