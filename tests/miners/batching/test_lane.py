# SPDX-License-Identifier: Apache-2.0
"""Greedy answers are token for token those of `generate` alone, whoever joins and leaves meanwhile."""

from __future__ import annotations

import asyncio
import random

import pytest
import torch

from miners.batching.generation import Generation, Inbox
from miners.batching.lane import Lane
from miners.batching.slab import Decoder
from protocols.model import Sampling
from tests.miners.batching.tiny import FAMILIES, VOCABULARY, Family, alone, model


def generation(prompt: list[int], max_tokens: int, seed: int | None = None, end: int | None = None) -> Generation:
    """A row that nobody reads."""
    return Generation(
        prompt=prompt,
        max_tokens=max_tokens,
        inbox=Inbox(),
        sampling=Sampling() if seed is None else Sampling(temperature=1.2, top_p=0.9, seed=seed),
        ends=frozenset() if end is None else frozenset({end}),
    )


def prompts(rng: random.Random, count: int, longest: int = 40) -> list[list[int]]:
    """Prompts of very different lengths."""
    return [[rng.randrange(2, VOCABULARY) for _ in range(rng.randint(1, longest))] for _ in range(count)]


def play(lane: Lane, newcomers: list[Generation], rng: random.Random) -> dict[int, list[int]]:
    """Random groups join at random moments, some are left halfway; what everybody got."""
    got: dict[int, list[int]] = {id(row): [] for row in newcomers}
    waiting = list(newcomers)
    with torch.inference_mode():
        while waiting or len(lane):
            if waiting and not lane.joining and rng.random() < 0.4:
                size = rng.randint(1, 4)
                lane.join(waiting[:size])
                del waiting[:size]
            for row in lane.drop(lambda row: row.left):
                assert row.left
            if len(lane):
                for row, token, _ in lane.work(rng.choice([5, 16, 64, 512])):
                    got[id(row)] += [] if token in row.ends else [token]
            if lane.rows and rng.random() < 0.05:
                rng.choice(lane.rows).left = True
    return got


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_joins_and_leaves_each_row_gets_what_it_gets_alone(family: Family, seed: int) -> None:
    rng = random.Random(seed)
    rows = [generation(prompt, rng.randint(1, 30)) for prompt in prompts(rng, 12)]
    got = await asyncio.to_thread(play, Lane(Decoder(model(family))), rows, rng)
    assert sum(row.left for row in rows) < len(rows) / 2
    for row in rows:
        wanted = alone(family, row.prompt, row.max_tokens)
        assert got[id(row)] == wanted[: len(got[id(row)])]
        assert row.left or got[id(row)] == wanted


async def test_a_row_ends_before_the_token_that_ends_answers() -> None:
    rng = random.Random(3)
    rows = []
    for prompt in prompts(rng, 8):
        whole = alone("llama", prompt, 30)
        rows.append(generation(prompt, 30, end=whole[rng.randint(0, 29)]))
    got = play(Lane(Decoder(model("llama"))), rows, random.Random(4))
    for row in rows:
        (end,) = row.ends
        wanted = alone("llama", row.prompt, 30, end)
        assert got[id(row)] == wanted[: len(got[id(row)])]
        assert row.left or got[id(row)] == wanted


async def test_a_prompt_that_is_read_in_parts_holds_up_nobody_and_changes_nothing() -> None:
    short, long = prompts(random.Random(5), 1)[0], prompts(random.Random(6), 1, 400)[0] * 40
    long = long[:300]
    lane = Lane(Decoder(model("llama")))
    with torch.inference_mode():
        lane.join([first := generation(short, 60)])
        got: dict[int, list[int]] = {id(first): [lane.work(512)[0][1]]}
        lane.join([second := generation(long, 5)])
        got[id(second)] = []
        between = []
        while len(lane):
            outcomes = lane.work(32)
            between.append(len(outcomes))
            for row, token, _ in outcomes:
                got[id(row)].append(token)
    assert between[:8] == [1, 0] * 4
    assert got[id(first)] == alone("llama", short, 60)
    assert got[id(second)] == alone("llama", long, 5)


async def test_drawn_answers_depend_on_their_own_seed_and_not_on_company() -> None:
    rng = random.Random(8)
    asked = [(prompt, seed) for seed, prompt in enumerate(prompts(rng, 8))]
    single = []
    for prompt, seed in asked:
        row = generation(prompt, 20, seed)
        single.append(play(Lane(Decoder(model("llama"))), [row], random.Random(0))[id(row)])
    rows = [generation(prompt, 20, seed) for prompt, seed in asked]
    together = play(Lane(Decoder(model("llama"))), rows, random.Random(1))
    for row, wanted in zip(rows, single, strict=True):
        shorter = min(len(wanted), len(together[id(row)]))
        assert together[id(row)][:shorter] == wanted[:shorter]
    other = generation(asked[0][0], 20, seed=99)
    assert play(Lane(Decoder(model("llama"))), [other], random.Random(3))[id(other)] != single[0]


async def test_a_row_goes_on_unchanged_in_another_lane() -> None:
    rng = random.Random(9)
    rows = [generation(prompt, 24) for prompt in prompts(rng, 4)]
    decoder = Decoder(model("gpt2"))
    first, second = Lane(decoder), Lane(decoder)
    got: dict[int, list[int]] = {id(row): [] for row in rows}
    with torch.inference_mode():
        first.join(rows)
        step = 0
        while len(first) or len(second):
            for lane in (first, second):
                for row, token, _ in lane.work(512) if len(lane) else []:
                    got[id(row)].append(token)
            step += 1
            if step % 3 == 0 and first.rows:
                first.move(rng.randrange(len(first.rows)), second)
            elif step % 5 == 0 and second.rows:
                second.move(0, first)
    for row in rows:
        assert got[id(row)] == alone("gpt2", row.prompt, 24)


async def test_what_an_earlier_row_left_behind_cannot_spoil_a_later_one() -> None:
    decoder = Decoder(model("llama"))
    lane = Lane(decoder)
    prompt = prompts(random.Random(10), 1)[0][:5]
    with torch.inference_mode():
        lane.join([generation([5] * 60, 2)])
        while len(lane):
            lane.work(512)
        for layer in lane._slab._kept:
            for kept in layer.kept:
                kept.fill_(torch.nan)
        row = generation(prompt, 20)
        assert play(lane, [row], random.Random(0))[id(row)] == alone("llama", prompt, 20)
