# SPDX-License-Identifier: Apache-2.0
"""What a miner streams reaches the user as it comes, and a stream that breaks is told to be broken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import openai
import pytest

from protocols.server import Context
from tests.validators.gateway.town import Say, Tell, Telling, Town, eventually, telling, town
from validators.gateway.keys import Allowance
from validators.gateway.options import GatewayOptions


async def pieces(place: Town, **more: object) -> list[str]:
    """What a new user gets, piece by piece."""
    user = await place.member()
    stream = await user.completions.create(model="telling", prompt="tell", stream=True, **more)  # type: ignore[call-overload]
    return [chunk.choices[0].text async for chunk in stream if chunk.choices and chunk.choices[0].text]


async def test_pieces_are_passed_on_as_they_come(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": telling(["one ", "two ", "three"], pause_s=0.2)}, Telling()) as place:
        user = await place.member()
        began, came = time.monotonic(), []
        stream = await user.completions.create(model="telling", prompt="tell", stream=True)
        async for chunk in stream:
            if chunk.choices[0].text:
                came.append(time.monotonic() - began)
        assert len(came) == 3
        assert came[2] - came[0] > 0.3


async def test_a_stream_is_cut_at_a_stop_that_is_spread_over_pieces(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": telling(["one E", "N", "D two"])}, Telling()) as place:
        assert "".join(await pieces(place, stop="END")) == "one "
        assert "".join(await pieces(place, stop="ENDE")) == "one END two"


async def test_a_stream_that_breaks_ends_with_an_error_and_is_never_taken_for_whole(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": telling(["one ", "two"], breaks=True)}, Telling()) as place:
        user = await place.member()
        stream = await user.completions.create(model="telling", prompt="tell", stream=True)
        told = []
        with pytest.raises(openai.APIError, match="the miner's stream broke"):
            async for chunk in stream:
                told.append(chunk.choices[0].text)
        assert "".join(told) == "one two"
        # Asked for whole, it is shown nothing of it.
        with pytest.raises(openai.InternalServerError) as nobody:
            await user.completions.create(model="telling", prompt="tell")
        assert nobody.value.code == "nobody_answered"


async def test_a_miner_that_begins_late_or_fails_before_it_begins_is_overtaken(tmp_path: Path) -> None:
    miners: dict[str, Say | None] = {
        "late": telling(["late"], pause_s=2.0),
        "fails": telling([], breaks=True),
        "good": telling(["go", "od"]),
    }
    options = GatewayOptions(audit=0.0, explore=0.0, most_hedge_s=0.2)
    async with town(tmp_path, miners, Telling(), options) as place:
        for _ in range(4):
            began = time.monotonic()
            assert await pieces(place) == ["go", "od"]
            assert time.monotonic() - began < 1.5


async def test_a_user_who_leaves_cancels_the_work_at_the_miner_and_pays_for_what_was_shown(tmp_path: Path) -> None:
    ended: list[str] = []

    async def endless(ask: Tell, ctx: Context) -> AsyncIterator[Tell.Reply]:
        try:
            for _ in range(500):
                await asyncio.sleep(0.05)
                yield Tell.Reply(text="12345678")
        finally:
            ended.append("closed")

    async with town(tmp_path, {"a": endless}, Telling()) as place:
        user = await place.member(Allowance(requests=0, tokens=1000))
        stream = await user.completions.create(model="telling", prompt="tell", stream=True, max_tokens=900)
        async for _ in stream:
            break
        await stream.close()
        await eventually(lambda: bool(ended))
        await asyncio.sleep(0.1)
        (holder,) = await place.keys.holders()
        assert 3 <= holder.spent_tokens < 60


async def test_a_user_who_reads_slowly_is_not_taken_for_a_slow_miner(tmp_path: Path) -> None:
    async with town(tmp_path, {"a": telling(["x" * 2000] * 200)}, Telling()) as place:
        user = await place.member()
        stream = await user.completions.create(model="telling", prompt="tell", stream=True)
        first = await anext(aiter(stream))
        assert first.choices[0].text
        await asyncio.sleep(3.5)  # longer than a miner has
        rest = [chunk async for chunk in stream]
        assert rest[-1].choices[0].finish_reason == "stop"
        assert place.gateway.desk.meters.misses == {}
