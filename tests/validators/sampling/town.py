# SPDX-License-Identifier: Apache-2.0
"""A town of miners to choose from: a metagraph without a network, and a sampler for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from protocols.endpoint import Endpoint
from protocols.metagraph import Metagraph, Neuron
from protocols.types import Block, Coldkey, Hotkey, NetUid, Uid
from subnet.templates.text.text import Text
from validators.sampling import Past, Sampler, SamplingOptions

__all__ = ["BLOCK", "ME", "chances", "miner", "rounds", "sampler", "town"]

ME = Hotkey("validator 0")
BLOCK = Block(100)


def miner(number: int) -> Hotkey:
    """A miner's hotkey."""
    return Hotkey(f"miner {number:03}")


def town(
    miners: int,
    *,
    owned: Mapping[int, str] | None = None,
    stakes: Sequence[int] = (),
    validators: int = 1,
    away: Sequence[int] = (),
) -> Metagraph:
    """Validators first, then miners; `owned` says which share a coldkey, `away` which published no address."""
    owners = owned or {}
    rows = [
        Neuron(Uid(at), Hotkey(f"validator {at}"), Coldkey(f"validator {at}"), validator_permit=True)
        for at in range(validators)
    ]
    for number in range(miners):
        rows.append(
            Neuron(
                uid=Uid(validators + number),
                hotkey=miner(number),
                coldkey=Coldkey(owners.get(number, f"owner {number}")),
                endpoint=None if number in away else Endpoint("198.51.100.7", 8000 + number),
                stake=stakes[number] if stakes else 0,
                block_at_registration=Block(1),
            )
        )
    return Metagraph.of(NetUid(1), BLOCK, rows)


def sampler(options: SamplingOptions, me: Hotkey = ME) -> Sampler:
    """A sampler for a definition that has no `sample` of its own."""
    return Sampler(definition=Text(), me=me, options=options)


def chances(*seed: int) -> np.random.Generator:
    """Random numbers of a test."""
    return np.random.default_rng(seed)


def rounds(
    options: SamplingOptions,
    metagraph: Metagraph,
    count: int,
    *,
    me: Hotkey = ME,
    likely: Sequence[frozenset[Hotkey]] = (),
) -> list[tuple[Hotkey, ...]]:
    """Whom a validator asks in so many rounds, one after the other."""
    asked_in: dict[Hotkey, int] = {}
    picks = []
    for number in range(count):
        past = Past(number=number, asked_in=asked_in, likely=likely)
        picks.append(sampler(options, me).pick(metagraph, chances(7, number), past))
        asked_in = asked_in | dict.fromkeys(picks[-1], number)
    return picks
