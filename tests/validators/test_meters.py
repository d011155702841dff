# SPDX-License-Identifier: Apache-2.0
"""A validator's metrics: each round counts once as what it was, stages are timed, and no label is a miner's."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from protocols.clock import SystemClock
from protocols.errors import ChainUnreachable
from protocols.server import Meters
from tests.validators.test_watchdog import place
from tests.validators.world import World, miner_key, off_by, refusing, world
from validators.base import Validator
from validators.meters import RoundMeters, show_watchdog
from validators.observer import STAGES, Observer
from validators.options import ValidatorOptions
from validators.round import Round
from validators.watchdog import Watchdog


class Broken(Observer):
    """An observer with a fault of its own."""

    def completed(self, done: Round) -> None:
        raise ZeroDivisionError

    def entered(self, stage: str) -> None:
        raise ZeroDivisionError


def read(meters: RoundMeters) -> CollectorRegistry:
    """What Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(meters)
    return registry


async def validating(here: World, *observers: Observer) -> Validator:
    """One who is watched, with a miner that is right, one that errs and one that refuses."""
    for name, answer in (("right", off_by(0)), ("wrong", off_by(1)), ("none", refusing)):
        await here.add_miner(name, answer)
    await here.add_validator()
    options = ValidatorOptions(seed=1, timeout_s=2.0, interval_s=0.01)
    validator = here.validator(await here.store(), options=options)
    validator.observers += observers
    return validator


async def test_rounds_stages_replies_rewards_and_weights_are_counted(tmp_path: Path) -> None:
    meters = RoundMeters()
    async with world(tmp_path) as here:
        validator = await validating(here, meters)
        await here.steps(validator, 2)
    shown = read(meters).get_sample_value
    assert shown("subnet_validator_rounds_total", {"outcome": "done"}) == 2
    assert shown("subnet_validator_round_seconds_count") == 2
    for stage in STAGES:
        assert shown("subnet_validator_stage_seconds_count", {"stage": stage}) == 2, stage
    (replies,) = [family for family in read(meters).collect() if family.name == "subnet_validator_replies"]
    counted = {sample.labels["outcome"]: sample.value for sample in replies.samples}
    assert counted.pop("ok") == 4
    assert list(counted.values()) == [2]
    assert shown("subnet_validator_reward_bucket", {"le": "0.0"}) == 2
    assert shown("subnet_validator_reward_bucket", {"le": "0.5"}) == 4
    assert shown("subnet_validator_reward_sum") == pytest.approx(3.0)
    assert shown("subnet_validator_weights_total", {"kind": "sent"}) == 1


async def test_a_round_that_fails_is_counted_under_the_code_of_its_error_and_its_stage_is_timed(tmp_path: Path) -> None:
    meters = RoundMeters()
    async with world(tmp_path) as here:
        validator = await validating(here, meters)
        failed = ChainUnreachable("gone")
        calls = iter([failed, ZeroDivisionError(), None])

        def sample(*_: object) -> tuple[str, ...]:
            if (error := next(calls)) is not None:
                raise error
            return ()

        validator.definition.sample = sample  # type: ignore[method-assign, assignment]  # a designer may
        await validator.run(until=lambda done: True)
    shown = read(meters).get_sample_value
    outcomes = ("chain_unreachable", "failed", "done")
    assert [shown("subnet_validator_rounds_total", {"outcome": one}) for one in outcomes] == [1, 1, 1]
    assert shown("subnet_validator_stage_seconds_count", {"stage": "sample"}) == 3
    assert shown("subnet_validator_stage_seconds_count", {"stage": "ask"}) == 1


async def test_an_observer_that_raises_keeps_no_round_from_ending_and_no_other_from_seeing_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    meters = RoundMeters()
    async with world(tmp_path) as here:
        validator = await validating(here, Broken(), meters)
        assert (await validator.step()).answered == 2
    assert read(meters).get_sample_value("subnet_validator_rounds_total", {"outcome": "done"}) == 1
    assert "Broken could not be told" in caplog.text


async def test_a_reason_for_a_strike_is_counted_by_its_kind_and_names_nobody(tmp_path: Path) -> None:
    meters = RoundMeters()
    async with world(tmp_path) as here:
        validator = await validating(here)
        done = await validator.step()
    struck = {hotkey: f"copy_of:{miner_key('right').ss58_address}" for hotkey in done.asked[:2]}
    meters.completed(replace(done, struck=struck))
    assert read(meters).get_sample_value("subnet_validator_struck_total", {"kind": "copy_of"}) == 2


def test_how_it_stands_is_shown_and_what_is_not_known_is_not_a_number() -> None:
    meters, dog = Meters(), Watchdog(SystemClock(), limit_s=60.0)
    show_watchdog(meters, dog, lambda: 4096.0)

    def shown(name: str) -> float:
        lines = dict(line.rsplit(" ", 1) for line in meters.render().decode().splitlines() if line[0] != "#")
        return float(lines[f"subnet_validator_{name}"])

    assert shown("healthy") == 0.0
    assert all(math.isnan(shown(name)) for name in ("weights_age_tempos", "registered", "permit", "uid", "block"))
    dog.seen(place(125, last_update=120))
    assert (shown("healthy"), shown("registered"), shown("permit"), shown("uid")) == (1.0, 1.0, 1.0, 3.0)
    assert (shown("block"), shown("epoch"), shown("store_bytes")) == (125.0, 12.0, 4096.0)
    assert shown("weights_age_tempos") == pytest.approx(0.5, abs=0.01)
    dog.seen(place(126, uid=None))
    assert (shown("healthy"), shown("registered")) == (0.0, 0.0)
    assert math.isnan(shown("uid"))
