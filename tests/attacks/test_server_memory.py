# SPDX-License-Identifier: Apache-2.0
"""Nothing that a stranger sends makes the server hold more memory than it did before."""

from __future__ import annotations

import asyncio

import pytest

from tests.attacks.apart import served_apart
from tests.attacks.miner import Letter
from tests.attacks.raw import connect, request
from tests.attacks.test_server_flood import send_bad_requests

MIB = 1 << 20

pytestmark = [pytest.mark.serial, pytest.mark.asyncio(loop_factories=["uvloop"])]


async def test_memory_stays_flat_over_twenty_thousand_bad_requests() -> None:
    async with served_apart() as miner:
        await send_bad_requests(miner.url, 5_000)
        before = miner.resident()
        await send_bad_requests(miner.url, 20_000)
        assert miner.resident() - before < 3 * MIB


async def push(url: str, head: bytes, piece: bytes) -> None:
    """Try to send 200 megabytes."""
    async with connect(url) as connection:
        await connection.send(head)
        await connection.flood(piece, 200 * MIB)


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
async def test_memory_does_not_follow_the_size_of_bodies(declared: bool) -> None:
    length = ("Content-Length", str(200 * MIB)) if declared else ("Transfer-Encoding", "chunked")
    piece = b"x" * 65_536 if declared else b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    peak = 0
    async with served_apart() as miner:
        await send_bad_requests(miner.url, 500)
        before = miner.resident()
        for _ in range(10):
            heads = [request(headers=[*Letter().headers().items(), length], framed=False) for _ in range(4)]
            await asyncio.gather(*(push(miner.url, head, piece) for head in heads))
            peak = max(peak, miner.resident())
    # Each of the four may bring the query's own limit of one megabyte, once in pieces and once whole.
    assert peak - before < 16 * MIB


async def test_hotkeys_that_strangers_make_up_are_not_kept() -> None:
    async with served_apart() as miner:
        await send_bad_requests(miner.url, 500)
        before = miner.resident()
        headers = Letter().headers()
        for at in range(1_000):
            made_up = f"{at:04}" + "0" * 14_000
            data = request(headers={**headers, "X-Bittensor-Hotkey": made_up}.items(), body=b"{}")
            async with connect(miner.url) as connection:
                await connection.send(data)
                response = await connection.response()
                assert response.code == "malformed_auth"
        assert miner.resident() - before < 3 * MIB
