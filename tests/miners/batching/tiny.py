# SPDX-License-Identifier: Apache-2.0
"""Tiny models of random weights, and what they say when they are asked alone.

Their weights are large enough that the best two tokens of a step lie far apart: which one is taken must not hang on the
order in which a matrix product adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, Literal, TypeAlias

import torch

__all__ = ["FAMILIES", "VOCABULARY", "Family", "alone", "model"]

Family: TypeAlias = Literal["llama", "gpt2", "qwen2", "mistral"]

FAMILIES: Final[tuple[Family, ...]] = ("llama", "gpt2", "qwen2", "mistral")
VOCABULARY: Final = 97
PLACES: Final = 512


@cache
def model(family: Family) -> Any:
    """Two layers, 64 wide, in float32, always the same."""
    import transformers

    made: Any

    sizes: dict[str, Any] = {"vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    wide: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    }
    grouped: dict[str, Any] = {"num_key_value_heads": 2, "max_position_embeddings": PLACES, "initializer_range": 0.3}
    with torch.random.fork_rng():
        torch.manual_seed(7)
        if family == "gpt2":
            small: dict[str, Any] = {
                "n_embd": 64,
                "n_layer": 2,
                "n_head": 4,
                "n_positions": PLACES,
                "initializer_range": 0.3,
            }
            made = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **small))
        elif family == "llama":
            made = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, **wide, **grouped))
        elif family == "qwen2":
            made = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**sizes, **wide, **grouped))
        else:
            made = transformers.MistralForCausalLM(
                transformers.MistralConfig(**sizes, **wide, **grouped, sliding_window=None)
            )
    return made.eval()


def alone(family: Family, prompt: Sequence[int], max_tokens: int, end: int | None = None) -> list[int]:
    """What `generate` makes of a prompt that has the model to itself."""
    with torch.inference_mode():
        ids = torch.tensor([list(prompt)])
        whole = model(family).generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=end,
            pad_token_id=0,
        )
    made: list[int] = whole[0, len(prompt) :].tolist()
    return made[:-1] if made and made[-1] == end else made
