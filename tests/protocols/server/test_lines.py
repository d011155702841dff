# SPDX-License-Identifier: Apache-2.0
"""What a server logs of queries: one line each for who wants to see them, with the number that the caller has too."""

from __future__ import annotations

import logging

import pytest

from protocols.server import Context
from tests.attacks.miner import ALICE, Ask, Letter, serving
from tests.attacks.raw import exchange


async def fail(ask: Ask, ctx: Context) -> Ask.Reply:
    """A handler with a mistake."""
    raise ZeroDivisionError("one over nothing")


async def test_each_query_is_one_debug_line_with_its_number_caller_outcome_and_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[str] = []

    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        seen.append(ctx.request_id)
        return Ask.Reply(text="x")

    async with serving({Ask: answer}) as target:
        with caplog.at_level(logging.DEBUG, "protocols.server.pipeline"):
            letter = Letter()
            assert (await exchange(target.url, letter.bytes())).status == 200
            assert (await exchange(target.url, Letter(receiver=ALICE.ss58_address).bytes())).status == 403
        assert (await exchange(target.url, Letter().bytes())).status == 200
    good, bad = [record.__dict__ for record in caplog.records if record.name == "protocols.server.pipeline"]
    assert (good["query"], good["outcome"], good["caller"]) == ("Ask", "ok", ALICE.ss58_address)
    assert good["request"] == seen[0]
    assert 0 < good["seconds"] < 5
    # Who did not prove to be somebody is not named as that.
    assert bad["outcome"] == "wrong_receiver"
    assert "caller" not in bad
    caplog.clear()


async def test_a_failed_query_is_logged_under_the_number_that_its_caller_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving({Ask: fail}) as target:
        response = await exchange(target.url, Letter().bytes())
    assert response.status == 500
    (record,) = caplog.records
    fields = record.__dict__
    assert record.levelname == "ERROR"
    assert (fields["query"], fields["caller"]) == ("Ask", ALICE.ss58_address)
    assert f"request {fields['request']}" in response.json()["error"]["message"]
    caplog.clear()
