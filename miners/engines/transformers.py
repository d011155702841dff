# SPDX-License-Identifier: Apache-2.0
"""The engine for models that transformers can load: texts continued in one running batch, vectors in small ones.

Loading and computing happen in threads of their own, tokens become text on the event loop. A model is asked with the
text as it is; only an operator who says `chat=True` has it wrapped as a user's turn by the model's own template.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from miners.batching.capacity import Capacity
from miners.batching.text import Pieces
from miners.engines.engine import Embedding, Engine, Job
from miners.engines.weights import Loaded, fetch, load
from miners.provenance import digest
from protocols.clock import Clock, SystemClock
from protocols.columns import Floats
from protocols.errors import EngineFailed, EngineLacks, InvalidMessage, OutOfRange
from protocols.histogram import Histogram

if TYPE_CHECKING:
    from miners.batching.batcher import Batcher
    from miners.batching.vectors import Vectors
    from miners.engines.opening import EngineOptions

__all__ = ["Setup", "Transformers"]

_LONG: Final = 4_096
"""Characters from which on a text is made tokens of in a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a model is run."""

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, or `auto` for a GPU where there is one."""
    dtype: str = "auto"
    """`float32`, `bfloat16`, `float16`, or `auto` for that of the weights, on a processor `float32`."""
    threads: int | None = None
    """Threads of torch, for the whole process; None leaves them as they are."""
    context: int | None = None
    """Tokens that prompt and answer may have together, at most what the model was made for."""
    chat: bool = False
    """Whether a prompt is a user's turn, to be wrapped by the model's chat template."""
    capacity: Capacity = field(default_factory=Capacity)

    def __post_init__(self) -> None:
        if self.dtype not in ("auto", "float32", "bfloat16", "float16"):
            raise OutOfRange(f"dtype is {self.dtype!r}, expected auto, float32, bfloat16 or float16")
        for name in ("threads", "context"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise OutOfRange(f"{name} is {value}, expected 1 or more")


@dataclass(frozen=True, slots=True)
class _Running:
    loaded: Loaded
    context: int
    ends: frozenset[int]
    facts: Mapping[str, Any]
    generations: Batcher | None
    vectors: Vectors | None


class Transformers(Engine):
    """A model of a folder, or of the hub if it is named `hub:NAME`."""

    name = "transformers"

    def __init__(self, model: str, setup: Setup | None = None, clock: Clock | None = None) -> None:
        self._name = model
        self._setup = setup or Setup()
        self._clock = clock or SystemClock()
        self._running: _Running | None = None

    @classmethod
    def opened(cls, options: EngineOptions) -> Self:
        """The engine that an operator chose."""
        setup = Setup(
            device=options.device,
            dtype=options.dtype,
            threads=options.threads or None,
            context=options.context or None,
            capacity=Capacity(rows=options.batch, waiting=options.waiting),
        )
        return cls(options.model, setup)

    async def start(self) -> None:
        """Load the model in a thread and begin to work; raises `ModelUnloadable`."""
        self._running = await asyncio.to_thread(self._load)
        for worker in (self._running.generations, self._running.vectors):
            if worker is not None:
                worker.start()

    async def close(self) -> None:
        """End what is under way, and let the model go."""
        running, self._running = self._running, None
        for worker in (running.generations, running.vectors) if running else ():
            if worker is not None:
                await worker.close()

    def facts(self) -> Mapping[str, Any]:
        """What is served: the model, its digest, and how it is run."""
        return self._running.facts if self._running else {}

    def gauges(self) -> Mapping[str, float]:
        """How many wait and how many are worked on."""
        worker = self._worker()
        return {"waiting": worker.waiting, "running": worker.running} if worker else {}

    def histograms(self) -> Mapping[str, Histogram]:
        """How long they waited, and how large the batches were."""
        worker = self._worker()
        return {"wait": worker.seen.wait, "batch": worker.seen.batch} if worker else {}

    def _worker(self) -> Batcher | Vectors | None:
        return (self._running.generations or self._running.vectors) if self._running else None

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """The text that follows, in whole characters, up to a stop text, an end token or the end of the context."""
        running = self._ready()
        if running.generations is None:
            raise EngineLacks(f"model {self._name} makes vectors and continues no texts")
        if job.max_tokens < 1:
            return
        from miners.batching.generation import Generation, Inbox

        prompt = (await self._tokens(running, [job.prompt]))[0]
        room = running.context - len(prompt)
        if not prompt or room < 1:
            raise InvalidMessage(f"the prompt has {len(prompt)} tokens, expected 1 to {running.context - 1}")
        job.tally.prompt = len(prompt)
        row = Generation(
            prompt=prompt,
            max_tokens=min(job.max_tokens, room),
            inbox=Inbox(),
            sampling=job.sampling,
            ends=running.ends,
            deadline=job.deadline,
        )
        pieces = Pieces(lambda ids: _text(running, ids), job.sampling.stop)
        async with aclosing(running.generations.tokens(row, job.priority)) as arriving:
            async for tokens in arriving:
                job.tally.generated += len(tokens)
                if piece := pieces.add(tokens):
                    yield piece
                if pieces.stopped:
                    return
        if piece := pieces.rest():
            yield piece

    async def embed(self, job: Embedding) -> Floats:
        """The mean of each text's last hidden states, (N, D); a text is cut where the model's context ends."""
        running = self._ready()
        if running.vectors is None:
            raise EngineLacks(f"model {self._name} continues texts and makes no vectors")
        texts = [ids[: running.context] for ids in await self._tokens(running, job.texts)]
        job.tally.prompt = sum(map(len, texts))
        return await running.vectors.of(texts, job.priority, job.deadline)

    def _ready(self) -> _Running:
        if self._running is None:
            raise EngineFailed(f"model {self._name} is not loaded")
        return self._running

    async def _tokens(self, running: _Running, texts: Sequence[str]) -> list[list[int]]:
        if sum(map(len, texts)) < _LONG:
            return self._encoded(running, texts)
        return await asyncio.to_thread(self._encoded, running, texts)

    def _encoded(self, running: _Running, texts: Sequence[str]) -> list[list[int]]:
        tokenizer = running.loaded.tokenizer
        if not texts:
            return []
        if not self._setup.chat or running.generations is None:
            return list(tokenizer(list(texts), verbose=False)["input_ids"])
        turns = [[{"role": "user", "content": text}] for text in texts]
        wrapped = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        return list(tokenizer(wrapped, add_special_tokens=False, verbose=False)["input_ids"])

    def _load(self) -> _Running:
        folder = fetch(self._name)  # first, for a name that was mistyped is told before seconds of imports
        _wait_asleep()
        import torch

        from miners.batching.batcher import Batcher
        from miners.batching.pooling import Pooling
        from miners.batching.slab import Decoder
        from miners.batching.vectors import Vectors

        setup = self._setup
        if setup.threads is not None:
            torch.set_num_threads(setup.threads)
        device = ("cuda" if torch.cuda.is_available() else "cpu") if setup.device == "auto" else setup.device
        loaded = load(folder, device, setup.dtype)
        generations = vectors = window = None
        if loaded.generates:
            decoder = Decoder(loaded.model)
            window = decoder.window
            generations = Batcher(decoder, setup.capacity, self._clock)
        else:
            vectors = Vectors(Pooling(loaded.model), setup.capacity, self._clock)
        context = _context(loaded, window, setup.context)
        facts = {
            "model": folder.name,
            "digest": digest(folder),
            "architecture": type(loaded.model).__name__,
            "dtype": str(loaded.model.dtype).removeprefix("torch."),
            "device": device,
            "context": context,
            "parameters": loaded.model.num_parameters(),
        }
        return _Running(loaded, context, _ends(loaded), facts, generations, vectors)


def _wait_asleep() -> None:
    """Have torch's threads wait for each other asleep; heeded where torch is not loaded yet.

    By default they spin, and where anything else wants the cores, a step then takes several times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _context(loaded: Loaded, window: int | None, wanted: int | None) -> int:
    config = loaded.model.config.get_text_config(decoder=True)
    made_for = getattr(config, "max_position_embeddings", None)
    # Within its window, a layer that looks back only so far sees everything, and rows can lie anywhere.
    return min(limit for limit in (made_for or 2_048, window, wanted) if limit is not None)


def _ends(loaded: Loaded) -> frozenset[int]:
    settings = getattr(loaded.model, "generation_config", None)
    found = (getattr(settings, "eos_token_id", None), loaded.tokenizer.eos_token_id)
    listed = [one for each in found for one in (each if isinstance(each, list) else [each])]
    return frozenset(one for one in listed if isinstance(one, int))


def _text(running: _Running, ids: Sequence[int]) -> str:
    return str(running.loaded.tokenizer.decode(list(ids), skip_special_tokens=True))
