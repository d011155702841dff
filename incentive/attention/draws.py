# SPDX-License-Identifier: Apache-2.0
"""Random directions for the worlds in which rules are measured.

Worlds fix cosines exactly, so what is random must be at right angles to what is not; and all chance comes from the
generator that the caller handed in.
"""

from __future__ import annotations

import numpy as np

from incentive.arrays import Array
from incentive.attention.kernels import unit_rows

__all__ = ["across", "directions", "toward"]


def directions(rng: np.random.Generator, *shape: int) -> Array:
    """Random unit vectors along the last axis of this shape."""
    return _unit(rng.normal(size=shape))


def across(rng: np.random.Generator, axes: Array, count: int) -> Array:
    """For each unit axis (T, d), `count` random unit vectors at right angles to it, (T, count, d)."""
    vectors = rng.normal(size=(len(axes), count, axes.shape[1]))
    return _unit(vectors - np.einsum("tkd,td->tk", vectors, axes)[..., None] * axes[:, None])


def toward(axes: Array, vectors: Array, cosine: Array | float) -> Array:
    """Unit vectors with this cosine to the axes, the rest along vectors at right angles to them."""
    turned: Array = cosine * axes + np.sqrt(1.0 - np.square(cosine)) * vectors
    return turned


def _unit(vectors: Array) -> Array:
    flat = unit_rows("vectors", vectors.reshape(-1, vectors.shape[-1]))
    return flat.astype(np.float64, copy=False).reshape(vectors.shape)
