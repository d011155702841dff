# SPDX-License-Identifier: Apache-2.0
"""Chance that is the same in every process: it depends on a seed and a text, and on nothing else.

Python's own `hash` of a text differs from process to process, and a generator that is carried along would make an
answer depend on the questions before it.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

__all__ = ["stream"]


def stream(seed: int, text: str) -> np.random.Generator:
    """The random numbers that belong to this seed and this text."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=b"subnet.text").digest()
    return np.random.default_rng([seed % 2**64, int.from_bytes(digest, "little")])
