# SPDX-License-Identifier: Apache-2.0
"""A slow miner does not slow the user, a dead one costs next to nothing, and when all are dead the user is told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import openai
import pytest

from tests.validators.gateway.town import Gone, Say, Town, eventually, saying, slowly, town
from validators.gateway.options import GatewayOptions

QUICK = GatewayOptions(audit=0.0, explore=0.0, most_hedge_s=0.3)


async def failing(ask: object, ctx: object) -> object:
    """A miner that breaks."""
    raise Gone("out of order")


async def asked(place: Town, times: int) -> list[float]:
    """How long a user waits for each of so many answers."""
    user, took = await place.member(), []
    for at in range(times):
        began = time.monotonic()
        answer = await user.completions.create(model="text", prompt=f"question {at}")
        assert answer.choices[0].text == "quick"
        took.append(time.monotonic() - began)
    return took


async def test_a_slow_best_miner_does_not_slow_the_user(tmp_path: Path) -> None:
    ended: list[str] = []
    miners: dict[str, Say | None] = {"best": slowly(2.5, "slow", ended), "second": saying("quick")}
    async with town(tmp_path, miners, options=QUICK, scores={"best": 1.0, "second": 0.6}) as place:
        took = await asked(place, 12)
        assert max(took) < 1.5
        # It is known to be slow after that, and asked no more than now and then.
        assert sorted(took)[6] < 0.3
        assert len(place.asked["best"]) <= 3
        # Whoever is overtaken is let go.
        await asyncio.sleep(0.2)
        assert ended == ["cancelled"] * len(place.asked["best"])


async def test_a_dead_miner_and_one_that_fails_are_followed_at_once_and_left_alone(tmp_path: Path) -> None:
    miners: dict[str, Say | None] = {"dead": None, "fails": failing, "good": saying("quick")}
    async with town(tmp_path, miners, options=QUICK, scores={"dead": 1.0, "fails": 1.0, "good": 0.6}) as place:
        assert max(await asked(place, 10)) < 1.0
        assert len(place.asked["fails"]) == 1
        assert len(place.asked["good"]) == 10


async def test_silence_is_no_answer_however_soon_it_comes(tmp_path: Path) -> None:
    miners: dict[str, Say | None] = {"mute": saying(" "), "good": saying("quick")}
    async with town(tmp_path, miners, options=QUICK) as place:
        await asked(place, 5)


async def test_where_nobody_answers_the_user_is_told_why_and_when_to_come_back(tmp_path: Path) -> None:
    async with town(tmp_path, {"dead": None, "fails": failing}, options=QUICK) as place:
        user = await place.member()
        with pytest.raises(openai.APIStatusError, match="of 2 miners none answered: peer_error, unreachable") as error:
            await user.completions.create(model="text", prompt="hello")
        assert (error.value.status_code, error.value.code) == (503, "nobody_answered")
        assert error.value.response.headers["retry-after"] == "1"
        # What was not answered is not paid for.
        assert [one.spent_tokens for one in await place.keys.holders()] == [0]


async def test_an_answer_that_takes_too_long_ends_at_the_deadline(tmp_path: Path) -> None:
    ended: list[str] = []
    options = GatewayOptions(audit=0.0, explore=0.0, deadline_s=0.5, attempts=2, most_hedge_s=0.1)
    miners = {name: slowly(2.0, name, ended) for name in "abc"}
    async with town(tmp_path, dict(miners), options=options) as place:
        user, began = await place.member(), time.monotonic()
        with pytest.raises(openai.InternalServerError, match="none answered: no answer in time"):
            await user.completions.create(model="text", prompt="hello")
        assert time.monotonic() - began < 1.5
        assert sum(map(len, place.asked.values())) == 2
        await asyncio.sleep(0.2)
        assert ended == ["cancelled"] * 2


async def test_a_user_who_leaves_cancels_the_work_at_every_miner(tmp_path: Path) -> None:
    ended: list[str] = []
    miners = {name: slowly(2.5, name, ended) for name in "ab"}
    async with town(tmp_path, dict(miners), options=QUICK) as place:
        user = await place.member()
        asking = asyncio.create_task(user.completions.create(model="text", prompt="hello"))
        await eventually(lambda: sum(map(len, place.asked.values())) == 2)
        asking.cancel()
        await eventually(lambda: len(ended) == 2)
        assert ended == ["cancelled"] * 2


async def test_a_miner_sees_the_same_request_for_a_user_as_for_a_round(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": saying("an answer")}) as place:
        await place.validator.step()
        user = await place.member()
        await user.completions.create(model="text", prompt="hello")
        (_, of_round), (_, of_user) = place.asked["a"]
        assert of_round.caller.hotkey == of_user.caller.hotkey == place.validator.hotkey
        assert of_round.caller.dialect == of_user.caller.dialect
        # The time that a miner is told it has is the only thing of a request that could name its kind.
        assert round(of_round.remaining_s) == round(of_user.remaining_s)
