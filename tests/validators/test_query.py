# SPDX-License-Identifier: Apache-2.0
"""Asking: what is kept of an answer proves it to a stranger, a stream as well, and older peers are asked in turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from protocols import frames
from protocols.calls import Register, ServeAxon
from protocols.codec import MSGPACK
from protocols.endpoint import Endpoint
from protocols.errors import BadSignature, ForgedReply
from protocols.legacy.v10 import V10Hearing, V10Speaking
from protocols.legacy.v10.wire import HashFields
from protocols.replay import MemoryReplay
from protocols.seal import Evidence, StreamEvidence
from protocols.server import Context, Server, ServerOptions
from protocols.task import Task
from tests.validators.world import ME, NETUID, Guess, World, hotkey, miner_key, off_by, world
from validators.load import Load
from validators.query import Asker, Heard


async def halves(ask: Guess, ctx: Context) -> AsyncIterator[Guess.Reply]:
    """Gives the answer in two parts."""
    yield Guess.Reply(number=ask.number)
    yield Guess.Reply(number=ask.number + 1)


async def broken(ask: Guess, ctx: Context) -> AsyncIterator[Guess.Reply]:
    """Gives a part, and fails."""
    yield Guess.Reply(number=ask.number)
    raise RuntimeError


async def asked(w: World, *, is_streaming: bool) -> Heard:
    """What all miners gave to one question each."""
    metagraph = await w.chain.metagraph(NETUID)
    miners = [neuron.hotkey for neuron in metagraph if neuron.endpoint]
    async with w.client() as client:
        asker = Asker(client=client, timeout_s=2.0, most_stream_bytes=1_000, is_streaming=is_streaming, is_local=True)
        return await asker.ask([Task(Guess(number=at)) for at in range(len(miners))], miners, metagraph)


async def test_a_streamed_answer_is_kept_with_proof_of_every_item_in_order(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name in ("one", "two"):
            await w.add_miner(name, halves)
        await w.add_validator()
        heard = await asked(w, is_streaming=True)
    for at, (row, proof) in enumerate(zip(heard.replies, heard.evidence, strict=True)):
        assert isinstance(proof, StreamEvidence)
        StreamEvidence.from_bytes(proof.to_bytes()).check()
        assert (proof.miner, proof.validator) == (row.hotkey, hotkey(ME))
        assert MSGPACK.decode(proof.request_body, Guess) == Guess(number=at)
        said = tuple(MSGPACK.decode(frames.payload_of(frame), Guess.Reply) for frame in proof.frames)
        assert said == row.items == (Guess.Reply(number=at), Guess.Reply(number=at + 1))


async def test_the_proof_of_one_miners_stream_is_none_of_anothers(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name in ("one", "two"):
            await w.add_miner(name, halves)
        await w.add_validator()
        first, second = (await asked(w, is_streaming=True)).evidence
    assert isinstance(first, StreamEvidence)
    assert isinstance(second, StreamEvidence)
    for forged in (
        replace(first, frames=second.frames),
        replace(first, reply_signature=second.reply_signature),
        replace(first, miner=second.miner),
    ):
        with pytest.raises((ForgedReply, BadSignature)):
            forged.check()


async def test_of_a_stream_that_broke_nothing_is_kept(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("broken", broken)
        await w.add_validator()
        heard = await asked(w, is_streaming=True)
    assert (heard.misses, heard.evidence) == (("peer_error",), (None,))


async def test_an_axon_of_bittensor_10_is_sent_one_query_at_a_time_which_none_overtakes(tmp_path: Path) -> None:
    under_way, most = 0, 0

    async def slowly(ask: Guess, ctx: Context) -> Guess.Reply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return Guess.Reply(number=2 * ask.number)

    async with world(tmp_path) as w:
        fields: HashFields = {Guess: ("number",)}
        options = ServerOptions(legacy=(V10Hearing(fields),), replay=MemoryReplay.never_served_before())
        key = miner_key("old")
        server = await w.stack.enter_async_context(Server(key, {Guess: slowly}, options))
        w.network.serve("127.0.0.1:9100", server.app)
        await w.submit(Register(NETUID, hotkey(key)))
        await w.submit(ServeAxon(NETUID, Endpoint("127.0.0.1", 9100, version=10_005_000)), key)
        await w.add_validator()
        metagraph = await w.chain.metagraph(NETUID)
        async with w.client() as client:
            speaking = V10Speaking(fields)
            asker = Asker(
                client=client, timeout_s=2.0, most_stream_bytes=1, is_streaming=False, is_local=True, v10=speaking
            )
            asks = (asker.ask([Task(Guess(number=at))], [hotkey(key)], metagraph) for at in range(4))
            heard = await asyncio.gather(*asks)
    assert [one.replies[0].reply for one in heard] == [Guess.Reply(number=2 * at) for at in range(4)]
    assert most == 1


async def test_a_whole_reply_is_kept_with_proof_too(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("one", off_by(0))
        await w.add_validator()
        (proof,) = (await asked(w, is_streaming=False)).evidence
    assert isinstance(proof, Evidence)
    proof.check()


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_a_miner_that_our_own_queries_keep_busy_has_not_failed(tmp_path: Path, is_streaming: bool) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", halves if is_streaming else off_by(0))
        await w.add_validator()
        metagraph, miner, task = await w.chain.metagraph(NETUID), hotkey(miner_key("m")), Task(Guess(number=1))
        load = Load(1, wait_s=0.1)
        async with w.client() as client, load.at(miner):
            asker = Asker(
                client=client,
                timeout_s=2.0,
                most_stream_bytes=1_000,
                is_streaming=is_streaming,
                is_local=True,
                load=load,
            )
            heard = await asker.ask([task], [miner], metagraph)
            assert heard.misses == ("crowded",)
            assert not heard.of_those_asked().replies
            if is_streaming:  # as users' questions are asked
                peer = asker.peer(metagraph.by_hotkey(miner))
                assert peer is not None
                assert (await asker.stream(peer, task, 1_000, lambda item, at_s: None)).miss == "crowded"
