# SPDX-License-Identifier: Apache-2.0
"""The random numbers of one answer: the same query to the same miner draws the same, whoever asks and whenever.

So an answer can be computed again, by its miner in a test and by anybody in an audit. For the same reason the numbers
are no secret: whoever knows the hotkey and the query can draw them too.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
import numpy as np

from protocols.synapse import Synapse
from protocols.tensor import encode_hook

__all__ = ["draws"]

_SEED_BYTES: Final = 16
# Sorted, because a mapping keeps the order in which its keys came, which is no part of what was asked.
_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=encode_hook, order="deterministic")


def draws(hotkey: str, ask: Synapse) -> np.random.Generator:
    """The generator that belongs to this miner's answer to this query."""
    seed = hashlib.blake2b(digest_size=_SEED_BYTES)
    for part in (hotkey.encode(), ask.route().encode(), _ENCODER.encode(ask)):
        seed.update(len(part).to_bytes(8, "little"))
        seed.update(part)
    return np.random.default_rng(int.from_bytes(seed.digest(), "little"))
