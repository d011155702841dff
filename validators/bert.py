# SPDX-License-Identifier: Apache-2.0
"""BERT over texts of any lengths laid end to end, so that no time goes into padding.

A batch of padded texts spends a part of every matrix product on nothing, and cuts the products into sizes that a
processor does not like. All of BERT but attention works on single tokens and need not know where a text ends;
attention runs over texts of equal length together. The weights are those of `transformers`, the vectors too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

__all__ = ["Bert", "Runs"]

Runs: TypeAlias = Sequence[tuple[int, int]]
"""How the texts lie: so many of them, of so many tokens each, and then the next."""


class _Affine(NamedTuple):
    weight: torch.Tensor
    bias: torch.Tensor


class _Layer(NamedTuple):
    ask: _Affine  # (3d, d): queries, keys and values in one product
    gather: _Affine  # (d, d)
    gathered: _Affine  # (d,)
    widen: _Affine  # (4d, d)
    narrow: _Affine  # (d, 4d)
    narrowed: _Affine  # (d,)


class Bert:
    """A BERT encoder with its weights in one precision: `bert(tokens, runs)` is the last layer, (T, d)."""

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        import torch

        weights = {name: weight.detach().to(dtype) for name, weight in model.state_dict().items()}

        def affine(*names: str) -> _Affine:
            kinds = ("weight", "bias")
            return _Affine(*(torch.cat([weights[f"{name}.{kind}"] for name in names]) for kind in kinds))

        def layer(at: str) -> _Layer:
            return _Layer(
                ask=affine(*(f"{at}.attention.self.{part}" for part in ("query", "key", "value"))),
                gather=affine(f"{at}.attention.output.dense"),
                gathered=affine(f"{at}.attention.output.LayerNorm"),
                widen=affine(f"{at}.intermediate.dense"),
                narrow=affine(f"{at}.output.dense"),
                narrowed=affine(f"{at}.output.LayerNorm"),
            )

        config = model.config
        self.width: int = config.hidden_size
        self.places: int = config.max_position_embeddings
        self._heads: int = config.num_attention_heads
        self._epsilon: float = config.layer_norm_eps
        self._word = weights["embeddings.word_embeddings.weight"]  # (vocabulary, d)
        # A single text is all of the first of BERT's two kinds.
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        self._place = weights["embeddings.position_embeddings.weight"] + kind  # (places, d)
        self._embedded = affine("embeddings.LayerNorm")
        self._layers = [layer(f"encoder.layer.{index}") for index in range(config.num_hidden_layers)]

    def __call__(self, tokens: torch.Tensor, runs: Runs) -> torch.Tensor:
        """The last layer's state of every token, (T, d)."""
        import torch
        from torch.nn.functional import embedding, linear

        places = torch.cat([self._place[:length].repeat(count, 1) for count, length in runs])
        x = self._normal(embedding(tokens, self._word) + places, self._embedded)  # (T, d)
        for layer in self._layers:
            # In place where it can be: at this size a new array costs as much as what is done to it.
            y = linear(self._attention(linear(x, *layer.ask), runs), *layer.gather)
            x = self._normal(y.add_(x), layer.gathered)
            wide = torch.ops.aten.gelu_(linear(x, *layer.widen))  # (T, 4d)
            x = self._normal(linear(wide, *layer.narrow).add_(x), layer.narrowed)
        return x

    def _attention(self, asked: torch.Tensor, runs: Runs) -> torch.Tensor:
        import torch
        from torch.nn.functional import scaled_dot_product_attention

        parts = torch.split(asked, [count * length for count, length in runs])  # each (n L, 3d)
        told = []
        for part, (count, length) in zip(parts, runs, strict=True):
            q, k, v = part.view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)  # (n, heads, L, d / heads)
            told.append(scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, self.width))
        return torch.cat(told)

    def _normal(self, x: torch.Tensor, by: _Affine) -> torch.Tensor:
        from torch.nn.functional import layer_norm

        return layer_norm(x, (self.width,), by.weight, by.bias, self._epsilon)
