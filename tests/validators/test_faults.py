# SPDX-License-Identifier: Apache-2.0
"""A chain that goes away, comes and goes, is slow, or turns out to be another one: each epoch has its weights once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from protocols.errors import ChainUnreachable, LedgerError
from subnet.chain.client import Deadlines
from tests.validators.reach import Reach, reach
from tests.validators.world import hotkey, miner_key
from validators.base import Validator

OPEN: Mapping[str, Any] = {}
HIDDEN: Mapping[str, Any] = {"CommitRevealWeightsEnabled": True, "RevealPeriodEpochs": 1}
GOOD = {hotkey(miner_key(f"m{at}")): value for at, value in enumerate((65_535, 32_768, 21_845))}
"""What the miners earn: 1, 1/2 and 1/3 of the best."""


async def epochs_of_rounds(found: Reach, validator: Validator, count: int) -> None:
    """A round in each block, for so many epochs; time passes for who reaches the chain, however loaded the machine."""
    end = await found.epoch() + count
    while await found.epoch() < end:
        with suppress(ChainUnreachable):
            found.pass_after(await validator.step())


@pytest.mark.parametrize("rules", [OPEN, HIDDEN])
async def test_a_chain_that_is_gone_for_three_epochs_costs_those_and_no_more(
    tmp_path: Path, rules: Mapping[str, Any]
) -> None:
    async with reach(tmp_path, rules) as found:
        store = await found.world.store()
        validator = found.validator(store)
        await epochs_of_rounds(found, validator, 2)
        found.line.is_down = True
        found.line.cut()
        began = await found.epoch()
        for _ in range(3):
            with pytest.raises(ChainUnreachable):
                await validator.step()
            await found.pass_epochs(1)
        back = await found.epoch()
        found.line.is_down = False
        await epochs_of_rounds(found, validator, 3)
        gone = frozenset(range(began, back)) | frozenset(range(began + 1, back + 1) if rules else ())
        assert not set(found.epochs()) & set(range(began + 1, back))
        assert {back, back + 1, back + 2} <= set(found.epochs())
        await found.check(store, gone=gone, hidden=bool(rules))
        assert found.shown[await found.epoch()] == GOOD


@pytest.mark.timeout(180)
@pytest.mark.parametrize("rules", [OPEN, HIDDEN])
async def test_a_line_that_is_cut_all_the_time_costs_nothing_and_doubles_nothing(
    tmp_path: Path, rules: Mapping[str, Any]
) -> None:
    async with reach(tmp_path, rules) as found:
        store = await found.world.store()
        validator = found.validator(store)

        found.line.lasts = (15, 90)  # to connect and a round take some 30
        last = await found.epoch() + 3
        await validator.run(until=lambda done: found.pass_after(done) and done.epoch >= last)
        assert found.line.cuts > 5
        found.line.lasts = None
        await epochs_of_rounds(found, validator, 1)
        await found.check(store, hidden=bool(rules))
        assert found.shown[await found.epoch()] == GOOD


async def test_an_endpoint_that_comes_back_as_another_chain_gets_nothing_and_ends_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("ours", "theirs")]
    for folder in folders:
        folder.mkdir()
    async with reach(folders[0]) as ours, reach(folders[1], {"Kappa": 30_000}) as theirs:
        assert ours.local.genesis != theirs.local.genesis
        store = await ours.world.store()
        validator = ours.validator(store)
        await epochs_of_rounds(ours, validator, 2)
        ours.line.port = theirs.port
        ours.line.cut()
        before = ours.local.node.head.number
        for _ in range(3):
            with pytest.raises(LedgerError, match="is of the chain with genesis"):
                await validator.step()
            theirs.local.seal(12)
        assert not theirs.updates
        assert ours.local.node.head.number == before
        ours.line.port = ours.port
        ours.line.cut()
        await epochs_of_rounds(ours, validator, 2)
        await ours.check(store)
        assert ours.shown[await ours.epoch()] == GOOD


async def test_a_chain_whose_every_answer_is_late_has_all_its_weights(tmp_path: Path) -> None:
    async with reach(tmp_path, deadlines=Deadlines(request_s=5.0)) as found:
        store = await found.world.store()
        found.line.delay_s = 0.03
        await epochs_of_rounds(found, found.validator(store), 3)
        await found.check(store)
        assert found.shown[await found.epoch()] == GOOD
