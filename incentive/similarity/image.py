# SPDX-License-Identifier: Apache-2.0
"""How alike two images are: in structure, at a glance, in colour.

Structure (SSIM) tells a render from its blurred or shifted copy, a perceptual hash finds the copy in spite of scale
and compression, a histogram compares nothing but colours. All three need numpy alone and give the same number on each
machine, which a network that must agree on scores cannot say of a learned embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite
from incentive.similarity.measure import Embedded, Similarity
from protocols.errors import OutOfRange, WrongShape

__all__ = ["ColourHistogram", "Image", "PHash", "Ssim", "ssim"]

Image: TypeAlias = npt.NDArray[Any]
"""Pixels as (H, W) grey or (H, W, 3) colours, of any integer or float type."""

_WINDOW: Final = 11
_SIGMA: Final = 1.5
_LUMA: Final = (0.299, 0.587, 0.114)
_SIDE: Final = 32
_LOW: Final = 8


class Ssim(Similarity[Image]):
    """Structural similarity, 0 where it is negative; `ssim` gives the sign too.

    `data_range` is the value of a full pixel: 255 for bytes, 1 for fractions. Images of different sizes are refused;
    an image of one pixel is a plain sheet of any size.

        Ssim(data_range=1.0).sim(a, b)
    """

    __slots__ = ("data_range",)

    name = "ssim"

    def __init__(self, data_range: float = 255.0) -> None:
        self.data_range = _range(data_range)

    def sim(self, a: Image, b: Image) -> float:
        """The mean structural similarity of two images, 0 where it is negative."""
        return max(ssim(a, b, self.data_range), 0.0)

    def empty(self) -> Image:
        """A black sheet."""
        return np.zeros((1, 1))

    def shuffled(self, item: Image, rng: np.random.Generator) -> Image:
        """The same pixels at each other's places."""
        return _shuffled(item, rng)


class PHash(Embedded[Image]):
    """The part of equal bits in two perceptual hashes of 64 bits, which outlive scale, compression and brightness.

    The image in grey, shrunk to 32 x 32 by area; of its cosine transform the 8 x 8 lowest waves; one bit for each:
    whether it is above the median. Images that have nothing to do with each other agree in about half.
    """

    __slots__ = ()

    name = "phash"

    def embed(self, items: Sequence[Image]) -> Array:
        """Each bit beside its opposite, over 8, so that inner products are the part of equal bits, (N, 128)."""
        bits = np.array([_hash(item) for item in items]).reshape(len(items), _LOW * _LOW)
        return np.hstack([bits, 1.0 - bits]) / _LOW

    def empty(self) -> Image:
        """A black sheet."""
        return np.zeros((1, 1))

    def shuffled(self, item: Image, rng: np.random.Generator) -> Image:
        """The same pixels at each other's places."""
        return _shuffled(item, rng)


class ColourHistogram(Similarity[Image]):
    """The part of the pixels that two images have in the same colours: the overlap of their joint histograms.

    Each channel is cut in `bins`; grey counts as three equal channels. It is blind to places, so shuffled pixels earn
    all of it and its baseline says so: a measure to refuse wrong colours with, not to reward right ones.
    """

    __slots__ = ("bins", "data_range")

    name = "colour-histogram"

    def __init__(self, bins: int = 8, data_range: float = 255.0) -> None:
        if not 1 <= bins <= 64:
            raise OutOfRange(f"bins is {bins}, expected 1 to 64")
        self.bins = bins
        self.data_range = _range(data_range)

    def sim(self, a: Image, b: Image) -> float:
        """The overlap of two images' histograms."""
        return float(self.matrix([a], [b])[0, 0])

    def matrix(self, items: Sequence[Image], others: Sequence[Image] | None = None) -> Array:
        """The overlaps of all histograms, (N, M)."""
        left = self._histograms(items)
        right = left if others is None else self._histograms(others)
        overlaps = [np.minimum(row, right).sum(axis=1) for row in left]
        return np.asarray(np.clip(np.array(overlaps).reshape(len(left), len(right)), 0.0, 1.0))

    def empty(self) -> Image:
        """A black sheet."""
        return np.zeros((1, 1))

    def shuffled(self, item: Image, rng: np.random.Generator) -> Image:
        """The same pixels at each other's places."""
        return _shuffled(item, rng)

    def _histograms(self, items: Sequence[Image]) -> Array:
        rows = np.zeros((len(items), self.bins**3))
        for row, item in zip(rows, items, strict=True):
            pixels = _pixels(item, self.data_range)
            colours = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).reshape(-1, 3)
            level = np.minimum((colours * self.bins).astype(np.int64), self.bins - 1)  # (H W, 3)
            cell = (level[:, 0] * self.bins + level[:, 1]) * self.bins + level[:, 2]
            row += np.bincount(cell, minlength=row.size) / len(cell)
        return rows


def ssim(a: Image, b: Image, data_range: float = 255.0) -> float:
    """Mean structural similarity (Wang et al. 2004), from -1 to 1: the mean over channels and places of the window.

    A Gaussian window of 11 pixels, sigma 1.5, K1 .01, K2 .03, only where it lies within the image.
    """
    x, y = _pixels(a, _range(data_range)), _pixels(b, data_range)
    x, y = _spread(x, y), _spread(y, x)
    if x.shape != y.shape:
        raise WrongShape(
            f"images of shapes {np.shape(a)} and {np.shape(b)}, expected one shape",
            help="resize one of them, or compare them with PHash or ColourHistogram, which do not need one size",
        )
    if min(x.shape[:2]) < _WINDOW:
        raise WrongShape(f"an image of {x.shape[0]} x {x.shape[1]} pixels, expected {_WINDOW} x {_WINDOW} or more")
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2.0 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * (2.0 * covariance + c2) / (var_x + var_y + c2)))


def _spread(image: Array, other: Array) -> Array:
    """An image of one pixel at the other's size, or at the window's if that has one pixel too."""
    if image.shape[:2] != (1, 1):
        return image
    size = (_WINDOW, _WINDOW) if other.shape[:2] == (1, 1) else other.shape[:2]
    return np.broadcast_to(image, (*size, max(image.shape[2], other.shape[2])))


def _blur(channels: Array) -> Array:
    """The Gaussian mean about each place whose whole window lies within, (H - 10, W - 10, C)."""
    weight = np.exp(-0.5 * ((np.arange(_WINDOW) - _WINDOW // 2) / _SIGMA) ** 2)
    weight /= weight.sum()
    height, width = channels.shape[0] - _WINDOW + 1, channels.shape[1] - _WINDOW + 1
    down = sum((w * channels[i : i + height] for i, w in enumerate(weight)), np.zeros((height, *channels.shape[1:])))
    return sum((w * down[:, i : i + width] for i, w in enumerate(weight)), np.zeros((height, width, channels.shape[2])))


def _hash(image: Image) -> Array:
    """The 64 bits of an image as 0 and 1."""
    pixels = finite("image", _shaped(image))
    largest = float(np.abs(pixels).max())
    pixels = pixels / largest if largest > 0.0 else pixels
    grey = pixels @ np.array(_LUMA) if pixels.shape[2] == 3 else pixels[:, :, 0]
    small = _shrink(grey.shape[0]) @ grey @ _shrink(grey.shape[1]).T  # (32, 32)
    waves = _cosines()
    low = (waves @ small @ waves.T).ravel()  # (64,)
    # A plain image has waves of rounding errors; they must not become bits.
    return np.asarray(low - np.median(low) > 1e-9 * np.abs(low).max(), dtype=np.float64)


def _shrink(pixels: int) -> Array:
    """Each of 32 cells' mean over the pixels that it covers, in part where it does so in part, (32, pixels)."""
    edges = np.linspace(0.0, pixels, _SIDE + 1)[:, None]
    start = np.arange(pixels)[None, :]
    overlap = np.minimum(edges[1:], start + 1.0) - np.maximum(edges[:-1], start)
    return np.asarray(np.clip(overlap, 0.0, None) * (_SIDE / pixels))


def _cosines() -> Array:
    """The 8 lowest rows of the cosine transform (DCT-II, unscaled) of 32 values, (8, 32)."""
    place, wave = np.arange(_SIDE)[None, :], np.arange(_LOW)[:, None]
    return np.asarray(2.0 * np.cos(math.pi * wave * (2 * place + 1) / (2 * _SIDE)))


def _pixels(image: Image, data_range: float) -> Array:
    """The image as parts of a full pixel, (H, W, C)."""
    pixels = finite("image", _shaped(image))
    if pixels.min() < 0.0 or pixels.max() > data_range:
        raise OutOfRange(
            f"the image has pixels from {pixels.min()} to {pixels.max()}, expected 0 to {data_range}",
            help="say what a full pixel is: data_range=255 for bytes, data_range=1 for fractions",
        )
    return np.asarray(pixels / data_range)


def _shaped(image: Image) -> Image:
    pixels = np.asarray(image)
    if not pixels.size or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise WrongShape(f"an image of shape {pixels.shape}, expected (H, W) or (H, W, 3)")
    return pixels.reshape(*pixels.shape[:2], -1)


def _shuffled(image: Image, rng: np.random.Generator) -> Image:
    pixels = _shaped(image)
    return np.asarray(rng.permutation(pixels.reshape(-1, pixels.shape[2]))).reshape(np.shape(image))


def _range(data_range: float) -> float:
    if not (math.isfinite(data_range) and data_range > 0.0):
        raise OutOfRange(f"data_range is {data_range}, expected more than 0")
    return data_range
