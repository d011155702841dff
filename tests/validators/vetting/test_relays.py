# SPDX-License-Identifier: Apache-2.0
"""Copies over real HTTP and by the real score: a relay loses what it copied, and copies that meet earn as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from protocols.client import Client
from protocols.clock import VirtualClock
from protocols.keys import Keypair
from protocols.task import Replies, Returned, TaskContext
from protocols.types import Hotkey, NetUid
from subnet.localnet import Localnet, LocalnetOptions
from subnet.templates.text.text import Ask, Text
from subnet.text import Extractive
from tests.validators.sampling.town import chances, miner, sampler, town
from validators.query import Asker, Heard
from validators.sampling import Past, SamplingOptions
from validators.vetting import Vetter, VettingOptions

MINERS, SIZE, COPIES = 64, 16, 4
GROUP = frozenset(miner(at) for at in range(COPIES + 1))


def hotkey(name: str) -> Hotkey:
    """The address of a miner of the local network."""
    return Hotkey(Keypair.from_uri(f"//miner//{name}").ss58_address)


@pytest.mark.timeout(120)
async def test_a_relay_over_http_is_struck_out_and_its_victim_never() -> None:
    definition, rounds = Text(), 16
    tasks = definition.tasks(TaskContext(chances(1), VirtualClock()))
    vetter = Vetter(definition=definition, options=VettingOptions(precedence="reply"))
    struck: dict[Hotkey, set[str]] = {}
    async with Localnet(definition, LocalnetOptions(miners="good:5,copier:2", lockstep=True)) as network:
        metagraph = await network.chain.metagraph(NetUid(1))
        names = [hotkey(name) for name in network.miners]
        async with Client(Keypair.from_uri("//validator//honest-1")) as client:
            asker = Asker(client=client, timeout_s=8.0, most_stream_bytes=1 << 20, is_streaming=False, is_local=True)
            for number in range(rounds):
                asked = [names[at] for at in chances(2, number).permutation(len(names)).tolist()]
                heard = await asker.ask([await anext(tasks)] * len(asked), asked, metagraph)
                for one, reason in vetter.vet(heard, metagraph).struck.items():
                    struck.setdefault(one, set()).add(reason)
    assert set(struck) <= {hotkey("copier-1"), hotkey("copier-2")}
    assert f"copy_of:{hotkey('good-1')}" in struck[hotkey("copier-1")] & struck[hotkey("copier-2")]


async def paid(options: SamplingOptions, owned: Sequence[int], rounds: int) -> tuple[float, float]:
    """What an answer and its copies earn together for each time they are asked, and what it would earn alone.

    The mean over the second half of the rounds, when a window has something to go by.
    """
    definition, metagraph = Text(), town(MINERS, owned=dict.fromkeys(owned, "one"))
    models = [Extractive(0.9, 1000 + (at if at > COPIES else 0)) for at in range(MINERS)]
    tasks = definition.tasks(TaskContext(chances(1), VirtualClock()))
    vetter = Vetter(definition=definition, options=VettingOptions())
    asked_in: dict[Hotkey, int] = {}
    earned: dict[Hotkey, list[float]] = {}
    alone = []
    for number in range(rounds):
        task = await anext(tasks)
        assert isinstance(task.ask, Ask)
        past = Past(number=number, asked_in=asked_in, likely=vetter.likely)
        asked = sampler(options).pick(metagraph, chances(7, number), past)
        asked_in |= dict.fromkeys(asked, number)
        texts = [await models[int(one.split()[1])].generate(task.ask.prompt, 96) for one in asked]
        rows = [Returned(one, (Ask.Reply(text=text),), 0.1) for one, text in zip(asked, texts, strict=True)]
        vetter.vet(Heard(Replies(tuple(rows)), ("",) * len(rows), (None,) * len(rows)), metagraph)
        if number < rounds // 2 or not GROUP & set(asked):
            continue
        for one, reward in zip(asked, definition.rewards(task, Replies(tuple(rows))).tolist(), strict=True):
            earned.setdefault(one, []).append(reward)
        first = next(row for row in rows if row.hotkey in GROUP)
        others = [row for row in rows if row.hotkey not in GROUP]
        alone.append(float(definition.rewards(task, Replies((first, *others)))[0]))
    return sum(float(np.mean(earned[one])) for one in GROUP), float(np.mean(alone))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("owned", [range(COPIES + 1), ()], ids=["one coldkey", "coldkeys of their own"])
async def test_copies_that_are_asked_together_earn_what_one_answer_would(owned: Sequence[int]) -> None:
    apart, one = await paid(SamplingOptions(size=SIZE, together=False), owned, 60)
    assert apart > 2.0 * one
    together, one = await paid(SamplingOptions(size=SIZE), owned, 120)
    assert together <= 1.05 * one
