# SPDX-License-Identifier: Apache-2.0
"""The engine that asks a server which speaks OpenAI's protocol: vLLM, SGLang, Ray Serve, llama.cpp and others.

The server batches and scales as it likes; here is decided who may ask it next, and until when. An address that ends in
`/chat/completions` gets each prompt as a message, every other one as a text to continue.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, Self

import msgspec
import numpy as np

from miners.batching.text import Pieces
from miners.engines.completions import Event, Lines, asked, event, models, vectors
from miners.engines.engine import Embedding, Engine, Job, Tally
from miners.engines.opening import EngineOptions
from miners.engines.upstream import Answer, Upstream, address
from miners.gate import Gate
from protocols.clock import Clock, SystemClock
from protocols.columns import Floats
from protocols.errors import DeadlineExceeded, EngineFailed, ModelUnloadable
from protocols.faults import printable
from protocols.histogram import Histogram

__all__ = ["OpenAI"]

_HELP: Final = "name one of them: subnet miner run APP --engine openai --model NAME"
_LIST_BYTES: Final = 1 << 20
_VECTOR_BYTES: Final = 1 << 18
_AFTERWARDS_S: Final = 1.0
"""How long a server may take to say what an answer cost, once it is over."""
_CALLS: Final = ("/chat/completions", "/completions")


class OpenAI(Engine):
    """Forwards jobs, the first in line first, and closes the connection of one that is left."""

    name = "openai"

    def __init__(self, options: EngineOptions, clock: Clock | None = None) -> None:
        url = address(options.url.rstrip("/"))
        self._is_chat = url.path.endswith("/chat/completions")
        call = next((call for call in _CALLS if url.path.endswith(call)), "")
        self._clock = clock or SystemClock()
        self._upstream = Upstream(url.with_path(url.path.removesuffix(call)), options.api_key, self._clock)
        self._model = options.model
        self._gate = Gate(options.batch, options.waiting, self._clock)

    @classmethod
    def opened(cls, options: EngineOptions) -> Self:
        """An engine for the server at `url`, which is shown `api_key`; `model` may be left out if it has only one."""
        return cls(options)

    async def start(self) -> None:
        """Find the model at the server; raises `ModelUnloadable`, or `EngineFailed` where there is no such server."""
        self._upstream.open()
        names = await self._listed()
        if not self._model:
            if len(names) != 1:
                raise ModelUnloadable(f"{self._upstream.root} has {_shown(names)}, and none is named", help=_HELP)
            self._model = names[0]
        elif self._model not in names:
            await self._try(names)

    async def close(self) -> None:
        """Turn away whoever waits, and close all connections."""
        self._gate.close()
        await self._upstream.close()

    def facts(self) -> Mapping[str, Any]:
        """The model's name; where its server is concerns no stranger."""
        return {"model": self._model}

    def gauges(self) -> Mapping[str, float]:
        """Who waits for a place, and who has one."""
        return {"waiting": self._gate.waiting, "running": self._gate.running}

    def histograms(self) -> Mapping[str, Histogram]:
        """How long jobs have waited for a place."""
        return {"wait": self._gate.seen.wait}

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """What the server streams."""
        if job.max_tokens < 1:
            return
        path = "chat/completions" if self._is_chat else "completions"
        body = asked(job, self._model, chat=self._is_chat)
        async with (
            self._gate.slot(job.priority, job.deadline),
            self._upstream.asked(path, body, job.deadline) as answer,
            aclosing(self._events(answer, job)) as events,
        ):
            # Not all servers know what it is to stop.
            pieces = Pieces(_text, job.sampling.stop)
            async for one in events:
                _charge(job.tally, one)
                if text := pieces.add([ord(character) for character in one.text]):
                    yield text
                if pieces.stopped:
                    return
            if text := pieces.rest():
                yield text

    async def embed(self, job: Embedding) -> Floats:
        """The server's vectors."""
        if not job.texts:
            return np.empty((0, 0))
        body = msgspec.json.encode({"model": self._model, "input": list(job.texts), "encoding_format": "float"})
        async with (
            self._gate.slot(job.priority, job.deadline),
            self._upstream.asked("embeddings", body, job.deadline) as answer,
        ):
            found, usage = vectors(await answer.whole(_VECTOR_BYTES * (1 + len(job.texts))), len(job.texts))
        job.tally.prompt = usage.prompt_tokens if usage is not None else 0
        return found

    async def _events(self, answer: Answer, job: Job) -> AsyncGenerator[Event, None]:
        if answer.kind != "text/event-stream":
            raise EngineFailed(f"{self._upstream.root} answered with {answer.kind}, expected text/event-stream")
        lines, is_over = Lines(job.max_tokens), False
        try:
            while data := await answer.piece():
                for line in lines.add(data):
                    if (one := event(line, self._upstream.said)) is not None:
                        yield one
                        if one.is_last and not is_over:
                            is_over = True
                            answer.deadline = min(answer.deadline, self._clock.monotonic() + _AFTERWARDS_S)
        except (DeadlineExceeded, EngineFailed):
            # An answer that is whole stays so, whatever happens to what would have followed.
            if not is_over:
                raise
        if not is_over:
            raise EngineFailed(
                f"{self._upstream.root} ended a stream in the middle, expected a finish_reason or [DONE]"
            )

    async def _listed(self) -> Sequence[str]:
        async with self._upstream.asked("models", None, math.inf) as answer:
            return models(await answer.whole(_LIST_BYTES))

    async def _try(self, names: Sequence[str]) -> None:
        # Some servers have more than they list.
        job = Job(prompt="a", max_tokens=1)
        try:
            async with aclosing(self.generate(job)) as pieces:
                async for _ in pieces:
                    break
        except EngineFailed as error:
            raise ModelUnloadable(
                f"no model {self._model!r} at {self._upstream.root}, it has {_shown(names)}: {error.message}",
                help=_HELP,
            ) from error


def _charge(tally: Tally, one: Event) -> None:
    if one.usage is not None:
        tally.prompt, tally.generated = one.usage.prompt_tokens, one.usage.completion_tokens
    elif one.text:
        tally.generated += 1


def _text(ordinals: Sequence[int]) -> str:
    return "".join(map(chr, ordinals))


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name[:80]) for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown or "no models"
