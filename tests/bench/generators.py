# SPDX-License-Identifier: Apache-2.0
"""Those who continue texts for many at once, side by side in this process: our batcher, and what transformers has.

All get the same weights, prompts and lengths, in float32 with the threads that torch gives itself, and all say how many
seconds they took. Nothing ends early: no token is an end.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import torch

from miners.batching.batcher import Batcher
from miners.batching.capacity import Capacity
from miners.batching.generation import Generation, Inbox
from miners.batching.lane import Lane
from miners.batching.slab import Decoder
from protocols.clock import SystemClock

__all__ = ["PAGE", "Requests", "alone", "asked", "bare", "llama", "managed", "ours", "pages"]

Requests: TypeAlias = Sequence[tuple[list[int], int]]
"""Prompts, and how many tokens each wants."""

PAGE: Final = 32
"""Tokens whose keys and values the rivals keep together."""

_CALLERS: Final = 32


def asked(least: int, most: int) -> Requests:
    """What all callers ask for: prompts of 64 tokens, to be continued by at least and at most so many."""
    rng = random.Random(0)
    return [([rng.randrange(2, 8192) for _ in range(64)], rng.randint(least, most)) for _ in range(_CALLERS)]


def pages(requests: Requests) -> int:
    """How many pages all these requests need."""
    return sum(-(-(len(prompt) + size) // PAGE) + 1 for prompt, size in requests)


def llama() -> Any:
    """Four layers, 256 wide, a vocabulary of 8192, random weights that are always the same."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=8192,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        eos_token_id=None,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = LlamaForCausalLM(config)
        return model.eval()


def alone(model: Any, requests: Requests) -> tuple[float, list[list[int]]]:
    """One `generate` after another."""
    made, start = [], time.perf_counter()
    with torch.inference_mode():
        for prompt, size in requests:
            ids = torch.tensor([prompt])
            whole = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=size, do_sample=False)
            made.append(whole[0, len(prompt) :].tolist())
    return time.perf_counter() - start, made


def bare(model: Any, requests: Requests) -> float:
    """The batched loop without a thread, a line, or anybody to tell."""
    asyncio.set_event_loop(loop := asyncio.new_event_loop())

    async def rows() -> list[Generation]:
        return [Generation(prompt=prompt, max_tokens=size, inbox=Inbox()) for prompt, size in requests]

    lane, waiting = Lane(Decoder(model)), loop.run_until_complete(rows())
    loop.close()
    start = time.perf_counter()
    with torch.inference_mode():
        while waiting or len(lane):
            if waiting and not lane.joining:
                lane.join(waiting[:8])
                del waiting[:8]
            lane.work(Capacity().tokens)
    return time.perf_counter() - start


@contextmanager
def ours(model: Any) -> Iterator[Any]:
    """Our batcher, warm: call it with requests."""
    with asyncio.Runner() as runner:

        async def open_batcher() -> Batcher:
            batcher = Batcher(Decoder(model), Capacity(), SystemClock())
            batcher.start()
            return batcher

        async def answers(requests: Requests) -> tuple[float, list[list[int]]]:
            start = time.perf_counter()
            made = await asyncio.gather(*(answer(prompt, size) for prompt, size in requests))
            return time.perf_counter() - start, made

        async def answer(prompt: list[int], size: int, priority: float = 1.0) -> list[int]:
            row = Generation(prompt=prompt, max_tokens=size, inbox=Inbox())
            return [token async for tokens in batcher.tokens(row, priority) for token in tokens]

        async def quantiles(prompt: list[int], size: int, calls: int, flood: int) -> list[float]:
            """How long a great caller waits for its answers, with so many small ones who never stop asking."""
            small = [asyncio.create_task(endless(at, size)) for at in range(flood)]
            await asyncio.sleep(1.0 if flood else 0.0)
            times = []
            for _ in range(calls):
                start = time.perf_counter()
                await answer(prompt, size, 1e6)
                times.append(time.perf_counter() - start)
            for task in small:
                task.cancel()
            await asyncio.gather(*small, return_exceptions=True)
            return sorted(times)

        async def endless(at: int, size: int) -> None:
            while True:
                await answer([2 + at] * 64, size)

        batcher = runner.run(open_batcher())
        try:
            yield lambda what, *more: runner.run((quantiles if more else answers)(what, *more))
        finally:
            runner.run(batcher.close())


@contextmanager
def managed(model: Any, requests: Requests) -> Iterator[Any]:
    """transformers' `ContinuousBatchingManager`, warm, with room for all these requests at once: call it likewise."""
    import transformers

    library: Any = transformers
    room = library.ContinuousBatchingConfig(page_size=PAGE, num_blocks=2 * pages(requests), max_batch_tokens=2048)
    greedy = library.GenerationConfig(do_sample=False, max_new_tokens=128, eos_token_id=-1, pad_token_id=0)

    def answers(requests: Requests) -> tuple[float, list[list[int]]]:
        start = time.perf_counter()
        names = [manager.add_request(list(prompt), max_new_tokens=size) for prompt, size in requests]
        found: dict[Any, list[int]] = {}
        while len(found) < len(names):
            result = manager.get_result(timeout=60.0)
            if result is None:
                raise TimeoutError("the manager answers no more")
            if result.is_finished():
                found[result.request_id] = list(result.generated_tokens)
        return time.perf_counter() - start, [found[name] for name in names]

    options = {"generation_config": greedy, "continuous_batching_config": room}
    with model.continuous_batching_context_manager(**options) as manager:
        yield answers
