# SPDX-License-Identifier: Apache-2.0
"""The training itself: a small Llama that learns to find what is asked and to copy it.

Only the answer is learned, not the document, which is chance. Documents grow from a few facts to twelve: the habit of
copying appears in short ones, in a fraction of the time. The number of steps, and nothing about the machine, decides
how the rate of learning falls, so that a seed and a number of threads give one model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from subnet.text.chance import stream
from subnet.text.training.examples import example
from subnet.text.training.tokenizer import LONGEST
from subnet.text.vocabulary import ATTRIBUTES

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

__all__ = ["Plan", "STEPS", "Step", "new_model", "train"]

STEPS: Final = 1000
"""How long the bundled models were trained."""

_IGNORED: Final = -100
_FEWEST: Final = 2
_SPREAD: Final = 0.08
_BROUGHT: Final = 0.08
_COPIED: Final = 0.3
_SHARPNESS: Final = 10.0
_LIKENESS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a model is trained; the defaults made the bundled ones."""

    steps: int = STEPS
    batch: int = 24
    rate: float = 4e-3
    warm_up: int = 60
    growth: float = 0.4
    """The part of the steps in which documents grow."""
    fall: float = 0.35
    """The part of the steps, at the end, in which the rate falls to nothing."""
    seed: int = 0

    def told(self, step: int, rng: np.random.Generator) -> int:
        """How many facts the documents of this step tell."""
        most = len(ATTRIBUTES)
        grown = _FEWEST + (most - _FEWEST) * step / max(self.growth * self.steps, 1.0)
        return most if grown >= most else int(rng.integers(max(_FEWEST, int(grown) - 3), int(grown) + 1))

    def rate_at(self, step: int) -> float:
        """The rate of learning: it rises, stays, and falls."""
        rise, fall = (step + 1) / self.warm_up, (self.steps - step) / max(self.fall * self.steps, 1.0)
        return self.rate * min(rise, fall, 1.0)


class Step(NamedTuple):
    """What one step came to: its number from 1, the facts in its documents, and the mean loss of a token."""

    number: int
    told: int
    loss: float


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """A model that knows nothing yet."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=LONGEST,
        # Half of a head's few dimensions hardly turn within a document, and can compare what is far apart.
        rope_parameters={"rope_type": "default", "rope_theta": 1e5},
        # The usual .02 is for wide models; in one this narrow attention would begin as a mean of everything.
        initializer_range=_SPREAD,
        attention_bias=True,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    _begin_copying(model)
    return model


def _begin_copying(model: LlamaForCausalLM) -> None:
    """Let a first layer that looks back, and a second that finds where a token stood before, be there from the start.

    To copy is to find where the last token stood before and to say what came then. A model that has to discover this
    by itself spends most of its training on it; what to look for, and when, it still has to learn.
    """
    import torch

    back, find = (layer.self_attn for layer in model.model.layers[:2])
    turns = model.model.rotary_emb.inv_freq  # (D/2,)
    for matrix in (back.v_proj.weight, back.o_proj.weight, find.v_proj.weight):
        torch.nn.init.orthogonal_(matrix)
    with torch.no_grad():
        # A head's biases turn with the position, so that an angle decides at which distance query and key agree.
        queries = back.q_proj.bias.view(-1, 2, len(turns))  # (H, 2, D/2)
        keys = back.k_proj.bias.view(-1, 2, len(turns))
        for head in range(len(queries)):
            angles = -(head + 1) * turns
            queries[head] = _SHARPNESS * torch.stack([angles.cos(), angles.sin()])
            keys[head, 0] = _SHARPNESS
        # The second layer's query is a token as it is, and its key what the first layer brought from further back.
        find.q_proj.weight.copy_(_LIKENESS * back.v_proj.weight)
        find.k_proj.weight.copy_(_LIKENESS * back.o_proj.weight.T)
        back.o_proj.weight.mul_(_BROUGHT)
        find.o_proj.weight.copy_(_COPIED * find.v_proj.weight.T)
        for layer in model.model.layers:
            layer.mlp.down_proj.weight.mul_(_SPREAD)  # or chance would drown all this


def train(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, plan: Plan) -> Iterator[Step]:
    """Train step by step, for as long as the caller asks for the next one."""
    import torch

    rng = stream(plan.seed, "training")
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    model.train()
    for step in range(plan.steps):
        told = plan.told(step, rng)
        tokens, labels = _batch(tokenizer, plan.batch, told, rng)
        loss = _loss(model, tokens, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate_at(step)
        optimizer.step()
        optimizer.zero_grad()
        yield Step(step + 1, told, loss.item())
    model.train(False)


def _batch(tokenizer: PreTrainedTokenizerFast, size: int, told: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Examples whose documents tell equally many facts, and so are about equally long: tokens and labels, (B, T)."""
    import torch

    made = [example(rng, told) for _ in range(size)]
    asked = tokenizer([one.quiz.prompt for one in made])["input_ids"]
    answered = tokenizer([one.answer for one in made], add_special_tokens=False)["input_ids"]
    longest = max(len(question) + len(answer) + 1 for question, answer in zip(asked, answered, strict=True))
    tokens = torch.full((size, longest), int(tokenizer.pad_token_id))
    labels = torch.full((size, longest), _IGNORED)
    for row, (question, answer) in enumerate(zip(asked, answered, strict=True)):
        whole = [*question, *answer, int(tokenizer.eos_token_id)]
        tokens[row, : len(whole)] = torch.tensor(whole)
        labels[row, len(question) : len(whole)] = tokens[row, len(question) : len(whole)]
    return tokens, labels


def _loss(model: LlamaForCausalLM, tokens: Tensor, labels: Tensor) -> Tensor:
    """The mean surprise at an answer's next token; padding is at the end, where causal attention never looks."""
    import torch

    hidden = model.model(input_ids=tokens[:, :-1]).last_hidden_state
    learned = labels[:, 1:] != _IGNORED
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[learned]), labels[:, 1:][learned])
