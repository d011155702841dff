# SPDX-License-Identifier: Apache-2.0
"""Image measures against scipy's filters and transforms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from incentive.similarity.image import ColourHistogram, Image, PHash, Ssim, ssim
from incentive.similarity.measure import Similarity, Subtracted
from protocols.errors import NotFinite, OutOfRange, WrongShape

MEASURES: list[Similarity[Image]] = [Ssim(), PHash(), ColourHistogram()]
IMAGES = st.tuples(st.integers(11, 20), st.integers(11, 20)).flatmap(lambda size: arrays(np.uint8, size))


def scene(seed: int, height: int = 64, width: int = 64) -> Image:
    """A smooth colour image of bytes."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = scipy.ndimage.gaussian_filter(noise, sigma=(5.0, 5.0, 0.0))
    return np.asarray(255.0 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
@settings(deadline=None, max_examples=40)
@given(a=IMAGES, seed=st.integers(0, 99))
def test_images_are_alike_from_0_to_1_both_ways_and_1_to_themselves(
    measure: Similarity[Image], a: Image, seed: int
) -> None:
    b = np.random.default_rng(seed).integers(0, 256, a.shape).astype(np.uint8)
    assert 0.0 <= measure.sim(a, b) <= 1.0
    assert measure.sim(a, b) == pytest.approx(measure.sim(b, a), abs=1e-12)
    assert measure.sim(a, a) == pytest.approx(1.0, abs=1e-12)
    assert measure.sim(a, a.astype(np.float64)) == pytest.approx(1.0, abs=1e-12)


def test_ssim_is_its_formula_with_scipys_gaussian_filter() -> None:
    rng = np.random.default_rng(1)
    a, b = scene(1).astype(np.float64), np.clip(scene(1) + rng.normal(0, 20, (64, 64, 3)), 0, 255)

    def blurred(image: Image) -> Image:
        # scipy cuts the window at truncate * sigma: 5 pixels to each side
        return np.asarray(scipy.ndimage.gaussian_filter(image, sigma=1.5, truncate=3.5))[5:-5, 5:-5]

    scores = []
    for channel in range(3):
        x, y = a[:, :, channel], b[:, :, channel]
        mx, my, c1, c2 = blurred(x), blurred(y), (0.01 * 255) ** 2, (0.03 * 255) ** 2
        vx, vy, cov = blurred(x * x) - mx**2, blurred(y * y) - my**2, blurred(x * y) - mx * my
        scores.append((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())
    assert ssim(a, b) == pytest.approx(np.mean(scores), abs=1e-9)
    assert Ssim(data_range=1.0).sim(a / 255.0, b / 255.0) == pytest.approx(np.mean(scores), abs=1e-9)
    assert ssim(a[:, :, 0], b[:, :, 0]) == pytest.approx(scores[0], abs=1e-9)


def test_an_inverted_image_has_structure_of_the_wrong_sign_and_earns_nothing() -> None:
    board = np.kron(np.indices((12, 12)).sum(axis=0) % 2, np.ones((3, 3))) * 255.0
    assert ssim(board, 255.0 - board) < -0.8
    assert Ssim().sim(board, 255.0 - board) == 0.0


def test_structure_tells_noise_of_one_size_from_another() -> None:
    a = scene(2)
    rng = np.random.default_rng(3)
    noise = rng.normal(size=a.shape)
    scores = [Ssim().sim(a, np.clip(a + size * noise, 0.0, 255.0)) for size in (0.0, 5.0, 20.0, 60.0)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 1.0


def test_the_hash_is_the_sign_of_scipys_transform_about_its_median() -> None:
    a, b = (scene(seed)[:, :, 0].astype(np.float64) for seed in (4, 5))
    bits = []
    for image in (a, b):
        small = image.reshape(32, 2, 32, 2).mean(axis=(1, 3))
        low = scipy.fft.dct(scipy.fft.dct(small, axis=0), axis=1)[:8, :8]
        bits.append((low > np.median(low)).ravel())
    assert PHash().sim(a, b) == np.mean(bits[0] == bits[1])
    assert (PHash().embed([a, b])[:, :64] > 0).tolist() == [list(row) for row in bits]


def test_the_hash_finds_the_copy_in_spite_of_scale_brightness_and_noise() -> None:
    a = scene(6, 96, 80).astype(np.float64)
    rng = np.random.default_rng(7)
    copies = [
        a[::2, ::2],
        np.repeat(np.repeat(a, 3, axis=0), 3, axis=1),
        0.5 * a + 20.0,
        a + rng.normal(0.0, 6.0, a.shape),
        a @ np.array([0.299, 0.587, 0.114]),
        a / 255.0,
    ]
    assert PHash().matrix([a], copies).min() > 0.9
    strangers = [scene(seed, 50 + seed, 70) for seed in range(10, 40)]
    assert PHash().matrix([a], strangers).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("level", [0.0, 1.0, 77.7, 255.0])
@pytest.mark.parametrize("size", [(1, 1), (17, 5), (33, 47)])
def test_plain_images_have_one_hash_of_no_rounding_errors(level: float, size: tuple[int, int]) -> None:
    assert PHash().embed([np.full(size, level)])[:, :64].sum() * 8 == float(level > 0.0)


def test_the_histogram_overlap_is_the_part_of_the_pixels_in_the_same_colours() -> None:
    a, b = np.zeros((4, 4, 3)), np.zeros((8, 2, 3))
    b[:4, :, 0] = 255.0
    assert ColourHistogram().sim(a, b) == 0.5
    assert ColourHistogram().sim(a, np.zeros((3, 3))) == 1.0
    assert ColourHistogram(bins=1).sim(a, b) == 1.0
    assert ColourHistogram(data_range=1.0).sim(a, b / 255.0) == 0.5


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_black_sheet_and_shuffled_pixels_are_the_reported_baseline(measure: Similarity[Image]) -> None:
    references = [scene(seed) for seed in (8, 9)]
    nothing = measure.baseline(references, np.random.default_rng(1))
    assert nothing.empty < 0.75
    if isinstance(measure, ColourHistogram):
        assert nothing.shuffled == pytest.approx(1.0)
        with pytest.raises(OutOfRange, match="an answer that says nothing") as caught:
            Subtracted(measure, nothing)
        assert caught.value.help
    else:
        assert nothing.shuffled < 0.75
        assert Subtracted(measure, nothing).sim(references[0], references[0]) == pytest.approx(1.0)


def test_ssim_refuses_sizes_that_differ_and_images_below_its_window() -> None:
    with pytest.raises(WrongShape, match=r"\(64, 64, 3\) and \(64, 60, 3\)") as caught:
        ssim(scene(1), scene(1, 64, 60))
    assert "PHash" in str(caught.value.help)
    with pytest.raises(WrongShape, match="11 x 11"):
        ssim(np.zeros((64, 10)), np.zeros((64, 10)))
    assert Ssim().sim(Ssim().empty(), scene(1)) < 0.2
    assert Ssim().sim(Ssim().empty(), Ssim().empty()) == 1.0


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_what_is_no_image_is_refused_by_name(measure: Similarity[Image]) -> None:
    good = np.zeros((12, 12))
    with pytest.raises(NotFinite, match="image"):
        measure.sim(np.full((12, 12), math.nan), good)
    for shape in ((12,), (12, 12, 4), (0, 12)):
        with pytest.raises(WrongShape, match=r"\(H, W\) or \(H, W, 3\)"):
            measure.sim(np.zeros(shape), good)


@pytest.mark.parametrize("measure", [Ssim(data_range=1.0), ColourHistogram(data_range=1.0)])
def test_bytes_given_for_fractions_are_refused_with_the_remedy(measure: Similarity[Image]) -> None:
    with pytest.raises(OutOfRange, match="expected 0 to 1") as caught:
        measure.sim(scene(1), scene(1))
    assert "data_range=255" in str(caught.value.help)
