# SPDX-License-Identifier: Apache-2.0
"""What the miners of a local network work with: chosen by what is there, shared by all, as different as roles are."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing

import numpy as np
import pytest

from miners.engines.engine import Engine, Job
from protocols.model import Sampling
from subnet.localnet import Localnet, LocalnetOptions
from subnet.localnet.casting import parse
from subnet.localnet.models import Models, chosen
from subnet.templates.text.text import Text
from subnet.text import compose

PARTS = {part.name: part for part in parse("miner", "good:2,weak:1,sybil:2")}


@pytest.mark.parametrize(
    ("kind", "lockstep", "expected"),
    [("auto", False, "bundled"), ("auto", True, "toy"), ("toy", False, "toy"), ("bundled", True, "bundled")],
)
def test_models_run_where_torch_is_and_toys_in_lockstep(kind: str, lockstep: bool, expected: str) -> None:
    assert chosen(kind, lockstep=lockstep) == expected  # type: ignore[arg-type]


async def said(engine: Engine, prompt: str, sampling: Sampling) -> str:
    """What an engine answers."""
    async with aclosing(engine.generate(Job(prompt=prompt, max_tokens=96, sampling=sampling))) as pieces:
        return "".join([piece async for piece in pieces])


async def test_good_miners_share_one_model_and_word_what_they_read_differently() -> None:
    models, prompt = Models("bundled"), compose(np.random.default_rng(11)).prompt
    async with AsyncExitStack() as stack:
        await models.open(stack)
        facts = {name: models.engine(part).facts() for name, part in PARTS.items()}
        assert facts["good-1"] == facts["good-2"]
        assert facts["good-1"]["digest"] != facts["weak-1"]["digest"]
        engine = models.engine(PARTS["good-1"])
        spoken = {await said(engine, prompt, Sampling(temperature=0.8, seed=seed)) for seed in range(3)}
        assert len(spoken) == 3
    assert models.sampling(PARTS["sybil-1"]) == models.sampling(PARTS["sybil-2"])


async def test_a_network_of_real_models_pays_the_one_that_was_trained() -> None:
    options = LocalnetOptions(
        miners="good:2,weak:1", validators="honest:1", model="bundled", tempo=12, block_time=0.25, timeout_s=10.0
    )
    async with Localnet(Text(), options) as network:
        assert network.miners["good-1"].facts()["engine"]["name"] == "transformers"
        async for summary in network.epochs(3):
            latest = summary
    assert latest.share("good") > 4 * latest.share("weak")
