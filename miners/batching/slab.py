# SPDX-License-Identifier: Apache-2.0
"""The keys and values of rows of different lengths, and how a transformer is run over them.

Everything that is assumed of transformers' inside is in this file: a cache is a list of layers with `update`, a mask of
four dimensions is used as it is, and positions are taken from `position_ids`. A row's tokens lie in the columns from 0
up, so rows of any lengths share a step, and a row moves by one copy a layer. What lies behind a row's end is zero or
its own: a masked value counts nothing unless it is NaN.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from protocols.errors import ModelUnloadable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Decoder", "Slab"]

_COLUMNS: Final = 128
"""Columns are allotted in multiples of it."""


class _Layer(CacheLayerMixin):  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    """One layer's keys and values, (rows, heads, columns, width) each, as the model writes and reads them.

    A head's columns lie side by side, since attention reads them in one go and a step writes a single one.
    """

    def __init__(self, slab: Slab) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self._slab = slab
        self.kept: tuple[torch.Tensor, ...] = ()

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Take the shape of what comes, (rows, heads, tokens, width)."""
        self.allot(key_states, value_states)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new tokens where the slab says, and hand out all columns in use."""
        if not self.kept:
            self.lazy_initialization(key_states, value_states)
        count, width = len(key_states), self._slab.width
        for kept, states in zip(self.kept, (key_states, value_states), strict=True):
            self._slab.write(kept, states)
        keys, values = self.kept
        return keys[:count, :, :width], values[:count, :, :width]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """How many columns a mask has, and from which on."""
        return self._slab.width, 0

    def get_seq_length(self) -> int:
        """Columns in use."""
        return self._slab.width

    def get_max_length(self) -> int:
        """No bound: the slab grows."""
        return -1

    def allot(self, *like: torch.Tensor) -> None:
        """Take space for keys and values like these, (rows, heads, tokens, width)."""
        rows, columns = self._slab.rows, self._slab.columns
        self.kept = tuple(one.new_zeros((rows, one.shape[1], columns, one.shape[3])) for one in like)
        self.is_initialized = True

    def grow(self, rows: int, columns: int) -> None:
        """Keep what is there in more space."""
        self.kept = tuple(_enlarged(kept, rows, columns) for kept in self.kept)


class Slab(Cache):
    """Space for the keys and values of rows, which grows when it has to."""

    def __init__(self, layers: int) -> None:
        self.rows, self.columns, self.width = 1, _COLUMNS, 0
        self._aim: slice | torch.Tensor = slice(0, 0)
        self._places: dict[int, torch.Tensor] = {}
        self._kept = [_Layer(self) for _ in range(layers)]
        super().__init__(layers=[*self._kept])

    @property
    def size(self) -> int:
        """For how many tokens there is space."""
        return self.rows * self.columns

    def reserve(self, rows: int, columns: int) -> None:
        """Have room for so much, twice as much as before where it is more."""
        if rows <= self.rows and columns <= self.columns:
            return
        self.rows = max(rows, 2 * self.rows) if rows > self.rows else self.rows
        if columns > self.columns:
            self.columns = -(-max(columns, self.columns * 3 // 2) // _COLUMNS) * _COLUMNS
        for layer in self._kept:
            layer.grow(self.rows, self.columns)

    def aim(self, columns: slice | torch.Tensor, width: int) -> None:
        """Say where the next tokens go, into the same columns of all rows or one of each, and how many are in use."""
        self._aim, self.width = columns, width
        self._places.clear()

    def write(self, kept: torch.Tensor, states: torch.Tensor) -> None:
        """Put the tokens' keys or values, (N, heads, tokens, width), where they belong in a layer's."""
        if isinstance(self._aim, slice):
            kept[: len(states), :, self._aim] = states
            return
        # All layers with so many heads write in the same places, as (row x heads + head) x columns + column.
        rows, heads = states.shape[:2]
        if (places := self._places.get(heads)) is None:
            starts = torch.arange(rows * heads, device=states.device).view(rows, heads) * self.columns
            places = self._places[heads] = (starts + self._aim[:, None]).flatten()
        kept.view(-1, kept.shape[3]).index_copy_(0, places, states.flatten(0, 2))

    def adopt(self, row: int, source: Slab, source_row: int, columns: slice) -> None:
        """Copy a row of another slab to the beginning of a row here, with nothing behind it."""
        length = columns.stop - columns.start
        self.reserve(row + 1, length + 1)
        self.width = max(self.width, length)
        for mine, theirs in zip(self._kept, source._kept, strict=True):
            if not mine.kept:
                mine.allot(*theirs.kept)
            for kept, given in zip(mine.kept, theirs.kept, strict=True):
                kept[row, :, :length] = given[source_row, :, columns]
                kept[row, :, length:] = 0

    def fill_gap(self, row: int, last: int) -> None:
        """Move the last row into the place of one that has left."""
        for layer in self._kept:
            for kept in layer.kept:
                kept[row, :, : self.width] = kept[last, :, : self.width]


class Decoder:
    """A causal language model that goes on from a slab."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._layers, self.window = _layers(model)
        accepted = inspect.signature(model.forward).parameters
        if "position_ids" not in accepted:
            raise ModelUnloadable(f"{type(model).__name__} takes no positions, so its rows cannot be batched")
        self._options: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        self.device = model.device
        self._least = torch.finfo(model.dtype).min
        self._dtype = model.dtype

    def slab(self) -> Slab:
        """An empty slab for this model."""
        return Slab(self._layers)

    def step(self, slab: Slab, tokens: Sequence[int], lengths: Sequence[int]) -> torch.Tensor:
        """Put one token at the end of each of the first rows; the scores of what may follow, (N, V)."""
        width = max(lengths) + 1
        slab.reserve(len(tokens), width)
        known = torch.tensor((tokens, lengths), device=self.device)
        ids, ends = known[0, :, None], known[1, :, None]
        slab.aim(known[1], width)
        hidden = torch.arange(width, device=self.device) > ends
        return self._run(slab, ids, ends, hidden[:, None, None])

    def fill(self, slab: Slab, ids: torch.Tensor, pads: torch.Tensor, columns: slice) -> torch.Tensor:
        """Read some columns of prompts, (N, columns), which begin after `pads`, (N,); the scores after the last."""
        width = columns.stop
        slab.reserve(len(ids), width)
        at = torch.arange(width, device=self.device)
        asked = at[columns]
        slab.aim(columns, width)
        hidden = (at > asked[:, None]) | (at < pads[:, None, None])
        positions = (asked - pads[:, None]).clamp(min=0)
        return self._run(slab, ids[:, columns], positions, hidden[:, None])

    def _run(self, slab: Slab, ids: torch.Tensor, positions: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        # A finite number and not -inf: a padded position that may look at nothing would become NaN.
        mask = torch.zeros(hidden.shape, dtype=self._dtype, device=self.device).masked_fill_(hidden, self._least)
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=slab,
            use_cache=True,
            **self._options,
        )
        logits: torch.Tensor = output.logits
        return logits[:, -1]


def _layers(model: PreTrainedModel) -> tuple[int, int | None]:
    """How many layers keep keys and values, and how far back the shortest-sighted of them looks."""
    layers = DynamicCache(config=model.config).layers
    strange = {type(layer).__name__ for layer in layers} - {DynamicLayer.__name__, DynamicSlidingWindowLayer.__name__}
    if strange or not layers:
        raise ModelUnloadable(
            f"{type(model).__name__} remembers by {', '.join(sorted(strange)) or 'nothing'}, expected keys and values"
        )
    windows = [layer.sliding_window for layer in layers if isinstance(layer, DynamicSlidingWindowLayer)]
    return len(layers), min(windows, default=None)


def _enlarged(kept: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    larger = kept.new_zeros((rows, kept.shape[1], columns, kept.shape[3]))
    larger[: kept.shape[0], :, : kept.shape[2]] = kept
    return larger
