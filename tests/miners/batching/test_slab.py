# SPDX-License-Identifier: Apache-2.0
"""What is assumed of transformers: masks and positions are used as given, and what cannot be batched is told apart."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers

from miners.batching.slab import Decoder
from protocols.errors import ModelUnloadable
from tests.miners.batching.tiny import FAMILIES, Family, model

SMALL: dict[str, Any] = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 2, "pad_token_id": 0}


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_of_padded_and_parted_prompts_are_those_of_the_model_itself(family: Family) -> None:
    torch.manual_seed(1)
    whole = torch.randint(2, 97, (2, 9))
    decoder = Decoder(model(family))
    slab = decoder.slab()
    with torch.inference_mode():
        short = torch.cat([torch.zeros(1, 4, dtype=torch.long), whole[1:, :5]], 1)
        ids, pads = torch.cat([whole[:1], short]), torch.tensor([0, 4])
        for part in (slice(0, 3), slice(3, 4), slice(4, 9)):
            scores = decoder.fill(slab, ids, pads, part)
        for row, prompt in enumerate((whole[:1], whole[1:, :5])):
            assert torch.allclose(scores[row], model(family)(prompt).logits[0, -1], atol=1e-4)
        other = decoder.slab()
        other.adopt(0, slab, 1, slice(4, 9))
        other.adopt(1, slab, 0, slice(0, 9))
        scores = decoder.step(other, [7, 8], [5, 9])
        for row, (prompt, token) in enumerate(((whole[1:, :5], 7), (whole[:1], 8))):
            longer = torch.cat([prompt, torch.tensor([[token]])], 1)
            assert torch.allclose(scores[row], model(family)(longer).logits[0, -1], atol=1e-4)


def test_a_slab_keeps_its_rows_when_it_grows() -> None:
    decoder = Decoder(model("llama"))
    slab = decoder.slab()
    with torch.inference_mode():
        decoder.fill(slab, torch.tensor([[5, 6, 7]]), torch.tensor([0]), slice(0, 3))
        slab.reserve(9, 400)
        scores = decoder.step(slab, [8], [3])
        assert torch.allclose(scores[0], model("llama")(torch.tensor([[5, 6, 7, 8]])).logits[0, -1], atol=1e-4)
    assert slab.rows >= 9
    assert slab.columns >= 400


def test_a_window_of_attention_is_told_so_that_nobody_goes_beyond_it() -> None:
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64}
    config = transformers.MistralConfig(**SMALL, **heads, sliding_window=32)
    assert Decoder(transformers.MistralForCausalLM(config)).window == 32
    assert Decoder(model("llama")).window is None


def test_models_without_keys_and_values_or_without_positions_are_refused() -> None:
    with pytest.raises(ModelUnloadable, match="expected keys and values"):
        Decoder(transformers.MambaForCausalLM(transformers.MambaConfig(**SMALL)))
    with pytest.raises(ModelUnloadable, match="takes no positions"):
        Decoder(transformers.BloomForCausalLM(transformers.BloomConfig(**SMALL, n_head=4)))
