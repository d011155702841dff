# SPDX-License-Identifier: Apache-2.0
"""A captured request is worth nothing, and an honest validator never pays for that.

Each test is a flaw that older miners had, or an attempt to bring one back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from protocols.client import Client, Peer
from protocols.clock import VirtualClock
from protocols.replay import MemoryReplay, Replay, SqliteReplay
from protocols.server import Context, Server, ServerOptions
from tests.attacks.miner import ALICE, BODY, MINER, Ask, Letter, Seen, Target, altered, serving
from tests.attacks.raw import exchange, get, request

S = 1_000_000_000
START = 1_700_000_000 * S


async def test_the_same_bytes_are_accepted_once(miner: Target) -> None:
    captured = Letter().bytes()
    first, second = await exchange(miner.url, captured), await exchange(miner.url, captured)
    assert (first.status, second.status, second.code) == (200, 409, "replayed_request")


async def test_of_the_same_bytes_sent_many_times_at_once_exactly_one_is_accepted(miner: Target) -> None:
    captured = Letter().bytes()
    responses = await asyncio.gather(*(exchange(miner.url, captured) for _ in range(32)))
    assert sorted(response.status for response in responses) == [200] + [409] * 31
    assert len(miner.seen.asked) == 1


async def test_a_replay_with_other_unsigned_headers_is_still_one(miner: Target) -> None:
    letter = Letter(nonce_ns=time.time_ns())
    signed = letter.headers()
    upper = {**signed, "X-Bittensor-Signature": "0X" + signed["X-Bittensor-Signature"][2:].upper()}
    bare = {**signed, "X-Bittensor-Signature": signed["X-Bittensor-Signature"][2:].upper()}
    assert (await exchange(miner.url, request(headers=signed.items(), body=BODY))).status == 200
    assert (await exchange(miner.url, request(headers=bare.items(), body=BODY))).code == "replayed_request"
    assert (await exchange(miner.url, request(headers=upper.items(), body=BODY))).code == "malformed_auth"
    named = {**signed, "X-Bittensor-Crypto": "sr25519", "X-Subnet-Timeout": "1"}
    assert (await exchange(miner.url, request(headers=named.items(), body=BODY))).code == "replayed_request"


async def accepted_then_restarted(
    clock: VirtualClock, before: Replay, after: Callable[[], Replay]
) -> tuple[bytes, ServerOptions]:
    """A request that a first server accepted, and the options of the one that is started after it."""
    captured = Letter(nonce_ns=clock.time_ns()).bytes()
    async with serving(options=ServerOptions(replay=before, clock=clock)) as first:
        assert (await exchange(first.url, captured)).status == 200
    before.close()
    return captured, ServerOptions(replay=after(), clock=clock)


async def test_a_replay_after_a_restart_is_refused_from_the_file(tmp_path: Path) -> None:
    clock, path = VirtualClock(start_ns=START), tmp_path / "replay.db"

    def opened() -> SqliteReplay:
        return SqliteReplay(path, clock=VirtualClock(start_ns=0), skew_s=0)

    captured, options = await accepted_then_restarted(clock, opened(), opened)
    async with serving(options=options) as second:
        assert (await exchange(second.url, captured)).code == "replayed_request"
        assert (await exchange(second.url, Letter(nonce_ns=START + 1).bytes())).status == 200
    assert options.replay is not None
    options.replay.close()


async def test_after_a_restart_without_a_file_nothing_is_accepted_until_the_skew_is_over() -> None:
    clock = VirtualClock(start_ns=START)
    captured, options = await accepted_then_restarted(
        clock, MemoryReplay.never_served_before(), lambda: MemoryReplay.after_restart(START)
    )
    async with serving(options=options) as second:
        response = await exchange(second.url, captured)
        assert (response.status, response.code, response.header("retry-after")) == (503, "warming_up", "2")
        assert not response.signed
        assert (await get(second.url, "/readyz")).status == 503
        await clock.advance(2.5)
        # Still fresh by its age alone, and still refused.
        assert (await exchange(second.url, captured)).code == "stale_request"
        assert (await exchange(second.url, Letter(nonce_ns=clock.time_ns()).bytes())).status == 200
        assert (await get(second.url, "/readyz")).status == 200


async def test_a_server_without_a_replay_store_of_its_own_waits_out_the_skew() -> None:
    async with Server(MINER, {Ask: Seen().answer}) as server:
        response = await exchange(await server.start(), Letter().bytes())
        assert (response.code, response.header("retry-after")) == ("warming_up", "2")


async def test_a_caller_that_comes_back_when_it_was_told_to_is_served() -> None:
    clock = VirtualClock(start_ns=START)
    options = ServerOptions(replay=MemoryReplay.after_restart(START), clock=clock)
    async with serving(options=options) as target:
        await clock.advance(0.6)
        wait_s = int((await exchange(target.url, Letter(nonce_ns=clock.time_ns()).bytes())).header("retry-after") or 0)
        await clock.advance(wait_s)
        assert (await exchange(target.url, Letter(nonce_ns=clock.time_ns()).bytes())).status == 200


@pytest.mark.parametrize("ahead_s", [2.001, 60.0, 3600.0, 3e8])
async def test_a_nonce_from_the_future_is_refused(ahead_s: float) -> None:
    clock = VirtualClock(start_ns=START)
    async with serving(options=ServerOptions(clock=clock)) as target:
        near = Letter(nonce_ns=START + 2 * S).bytes()
        far = Letter(nonce_ns=START + int(ahead_s * S)).bytes()
        assert (await exchange(target.url, near)).status == 200
        response = await exchange(target.url, far)
        assert (response.status, response.code) == (401, "stale_request")


@pytest.mark.parametrize(
    "unsigned",
    [
        {},
        {"X-Subnet-Timeout": "99999"},
        {"timeout": "99999", "version": "7000000"},
        {"bt_header_dendrite_version": "1"},
    ],
    ids=["nothing", "timeout", "v10 names", "v10 version"],
)
async def test_a_stale_nonce_is_refused_whatever_unsigned_headers_say(unsigned: dict[str, str]) -> None:
    clock = VirtualClock(start_ns=START)
    async with serving(options=ServerOptions(clock=clock)) as target:
        old = Letter(nonce_ns=START - 10 * S - 1).bytes(unsigned)
        edge = Letter(nonce_ns=START - 10 * S).bytes(unsigned)
        assert (await exchange(target.url, old)).code == "stale_request"
        assert (await exchange(target.url, edge)).status == 200


async def test_a_stranger_cannot_use_up_the_nonces_of_an_honest_validator(miner: Target) -> None:
    now = time.time_ns()
    honest = Letter(nonce_ns=now)
    for nonce_ns in (now, now + 10**9, now + 19 * 10**8):
        poisoned = altered("X-Bittensor-Signature", "0x" + "11" * 64, Letter(nonce_ns=nonce_ns))
        assert (await exchange(miner.url, poisoned)).code == "bad_signature"
    assert (await exchange(miner.url, honest.bytes())).status == 200
    assert (await exchange(miner.url, Letter(nonce_ns=now - 10**9).bytes())).status == 200


async def test_concurrent_requests_of_one_validator_may_arrive_in_any_order(miner: Target) -> None:
    now = time.time_ns()
    late_first = [Letter(nonce_ns=now - at * 10**6).bytes() for at in range(64)]
    responses = await asyncio.gather(*(exchange(miner.url, data) for data in late_first))
    assert [response.status for response in responses] == [200] * 64


async def test_of_256_requests_in_flight_from_one_validator_none_is_lost() -> None:
    inside = 0
    opened = asyncio.Event()

    async def together(ask: Ask, ctx: Context) -> Ask.Reply:
        nonlocal inside
        inside += 1
        if inside == 256:
            opened.set()
        await opened.wait()
        return Ask.Reply(text=ask.prompt)

    async with serving({Ask: together}) as target, Client(ALICE) as client:
        outcomes = await client.ask_all([Peer(MINER.ss58_address, target.url)] * 256, Ask(prompt="x"))
    assert [outcome.error for outcome in outcomes if not outcome.ok] == []
    assert inside == 256
