# SPDX-License-Identifier: Apache-2.0
"""How tokens are drawn: as often as they are likely, from whom the settings leave, and alike in any company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from miners.batching.choice import choose
from protocols.model import Sampling

SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.3, 1.0, 3.0]),
    top_k=st.sampled_from([0, 1, 3, 700, 5000]),
    top_p=st.sampled_from([0.05, 0.7, 0.999, 1.0]),
)
VOCABULARY = 900


def scores(seed: int, rows: int = 1, scale: float = 2.0) -> torch.Tensor:
    """Scores of rows."""
    return torch.randn(rows, VOCABULARY, generator=torch.Generator().manual_seed(seed)) * scale


def left(row: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """The probabilities that transformers leaves."""
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    ids, row = torch.zeros(1, 1, dtype=torch.long), row[None]
    row = TemperatureLogitsWarper(sampling.temperature)(ids, row)
    row = TopKLogitsWarper(sampling.top_k)(ids, row) if sampling.top_k else row
    kept: torch.Tensor = TopPLogitsWarper(sampling.top_p)(ids, row)[0]
    return kept.softmax(-1)


@given(seed=st.integers(0, 9), samplings=st.lists(SAMPLINGS, min_size=1, max_size=6), data=st.data())
def test_a_choice_is_the_same_in_any_company(seed: int, samplings: list[Sampling], data: st.DataObject) -> None:
    draws = data.draw(st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=6, max_size=6))
    logits = scores(seed, len(samplings))
    together = choose(logits, samplings, draws[: len(samplings)])
    assert together == [
        choose(logits[at : at + 1], [sampling], [draws[at]])[0] for at, sampling in enumerate(samplings)
    ]


@pytest.mark.parametrize("scale", [0.1, 3.0])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.7),
        Sampling(temperature=1.3, top_k=5),
        Sampling(temperature=1.0, top_p=0.9),
        Sampling(temperature=1.0, top_k=40, top_p=0.5),
        Sampling(temperature=2.0, top_k=600, top_p=0.99),
    ],
)
def test_tokens_come_as_often_as_transformers_would_have_them(sampling: Sampling, scale: float) -> None:
    row = scores(1, scale=scale)[0]
    wanted, count = left(row, sampling), 4000
    draws = ((np.arange(count) + 0.5) / count).tolist()
    drawn = choose(row.expand(count, -1), [sampling] * count, draws)
    seen = torch.bincount(torch.tensor(drawn), minlength=VOCABULARY) / count
    assert (seen - wanted).abs().max() < 2.0 / count
    assert not seen[wanted == 0].any()


def test_without_temperature_the_likeliest_is_taken_and_the_ends_of_the_draw_stay_in_range() -> None:
    row = scores(2)
    assert choose(row, [Sampling(top_k=5)], [0.99]) == [int(row.argmax())]
    for draw in (0.0, 1.0 - 2**-53):
        (token,) = choose(row, [Sampling(temperature=1.0, top_k=3)], [draw])
        assert token in row[0].topk(3).indices.tolist()
