# SPDX-License-Identifier: Apache-2.0
"""What a client promises, whatever carries its questions: the same suite over sockets and within one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

import pytest

from protocols import synapse
from protocols.client import Client, ClientOptions, Peer, Stream
from protocols.clock import SystemClock
from protocols.dialect import Caller
from protocols.errors import (
    BodyTooLarge,
    BrokenStream,
    Disconnected,
    NotAdmitted,
    Overloaded,
    PeerError,
    RateLimited,
    TimedOut,
    Unreachable,
    WarmingUp,
    WireError,
)
from protocols.keys import Keypair
from protocols.memory import MemoryNetwork, MemoryTransport
from protocols.replay import MemoryReplay
from protocols.server import AdmitAll, Answer, Context, Limits, Server, ServerOptions
from protocols.synapse import Synapse

ALICE = Keypair.from_uri("//Alice")
MINERS = [Keypair.from_uri(f"//miner/{number}") for number in range(4)]


class Ask(Synapse):
    """A text to be said again after a while."""

    text: str = "hello"
    after_s: float = 0.0

    class Reply(synapse.Reply):
        """The text."""

        text: str


class Count(Synapse):
    """A stream of numbers, for ever where `n` is negative, with an error where they reach `fails_at`."""

    n: int = 3
    fails_at: int = -1
    every_s: float = 0.0

    class Reply(synapse.Reply):
        """One number."""

        i: int


class Work:
    """The miners' own code, and what became of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.remaining_s: list[float] = []
        self.cancelled = asyncio.Event()
        self.refusals: list[Exception] = []

    async def answer(self, ask: Ask, context: Context) -> Ask.Reply:
        """Say it again."""
        self.asked.append(ask.text)
        self.remaining_s.append(context.remaining_s)
        if self.refusals:
            raise self.refusals.pop()
        try:
            await asyncio.sleep(ask.after_s)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Ask.Reply(text=ask.text)

    async def count(self, ask: Count, context: Context) -> AsyncIterator[Count.Reply]:
        """Count."""
        number = 0
        try:
            while number != ask.n:
                if number == ask.fails_at:
                    raise ValueError("lost count")
                yield Count.Reply(i=number)
                number += 1
                await asyncio.sleep(ask.every_s)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise


class World:
    """Miners, and a client of theirs, over one kind of transport."""

    def __init__(self, stack: AsyncExitStack, network: MemoryNetwork | None) -> None:
        self.work = Work()
        self.servers: dict[str, Server] = {}
        self._stack = stack
        self._network = network

    async def serve(self, key: Keypair = MINERS[0], options: ServerOptions | None = None) -> Peer:
        """Start a miner."""
        options = options or ServerOptions()
        if options.replay is None:
            options = replace(options, replay=MemoryReplay.never_served_before())
        answers: Mapping[type[Synapse], Answer] = {Ask: self.work.answer, Count: self.work.count}
        server = self.servers[key.ss58_address] = Server(key, answers, options)
        self._stack.push_async_callback(server.stop, 0.0)
        if self._network is None:
            return Peer(key.ss58_address, await server.start())
        return Peer(key.ss58_address, self._network.serve(key.ss58_address, server.app))

    def nobody(self) -> Peer:
        """A peer at an address where nobody is."""
        return Peer(MINERS[3].ss58_address, "http://127.0.0.1:1" if self._network is None else "memory://nobody")

    async def client(self, options: ClientOptions | None = None) -> Client:
        """A client, closed at the end."""
        options = options or ClientOptions()
        if self._network is not None:
            options = replace(options, transport=MemoryTransport(self._network))
        return await self._stack.enter_async_context(Client(ALICE, options))


def too_late(error: WireError | None) -> bool:
    """Whether the time was over: by the asker's clock, or where that was busy, by the miner's own."""
    return isinstance(error, TimedOut) or (isinstance(error, PeerError) and error.peer_code == "deadline_exceeded")


async def numbers(stream: Stream) -> list[int]:
    """All that is left of a stream."""
    return [item.i async for item in stream]


@pytest.fixture(params=["http", "memory"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A world of each kind; nothing may be left running in it."""
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        yield World(stack, MemoryNetwork() if request.param == "memory" else None)
    await asyncio.sleep(0.02)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left


async def test_a_question_is_answered(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    assert await client.ask(peer, Ask(text="hi")) == Ask.Reply(text="hi")


async def test_a_miner_knows_how_long_its_answer_is_of_use(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    await client.ask(peer, Ask(), timeout_s=7.5)
    await client.ask(peer, Ask())
    assert 7.0 < world.work.remaining_s[0] <= 7.5
    assert 11.5 < world.work.remaining_s[1] <= 12.0


async def test_an_outcome_holds_what_was_asked_and_a_proof_of_the_answer(world: World) -> None:
    peer, client, query = await world.serve(), await world.client(), Ask(text="hi")
    outcome = await client.outcome(peer, query)
    assert outcome.ok
    assert outcome.peer is peer
    assert outcome.query is query
    assert outcome.evidence is not None
    assert (outcome.evidence.validator, outcome.evidence.miner) == (ALICE.ss58_address, peer.hotkey)
    outcome.evidence.check()


async def test_times_are_measured_from_sending_and_hang_together(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    timing = (await client.outcome(peer, Ask(after_s=0.05))).timing
    assert timing.waited_s >= 0
    assert timing.first_byte_s is not None
    assert 0.05 <= timing.first_byte_s <= timing.elapsed_s < 1


async def test_all_outcomes_come_in_the_order_of_the_peers(world: World) -> None:
    peers, client = [await world.serve(key) for key in MINERS[:3]], await world.client()
    outcomes = await client.ask_all(peers, Ask(text="same"))
    assert [outcome.peer for outcome in outcomes] == peers
    assert [outcome.unwrap().text for outcome in outcomes] == ["same"] * 3


@pytest.mark.serial
async def test_each_outcome_comes_as_soon_as_it_is_there(world: World) -> None:
    peers, client = [await world.serve(key) for key in MINERS[:3]], await world.client()
    asks = [(peer, Ask(text=str(i), after_s=0.4 * (2 - i))) for i, peer in enumerate(peers)]
    started, times, texts = time.monotonic(), [], []
    async for outcome in client.ask_each(asks):
        times.append(time.monotonic() - started)
        texts.append(outcome.unwrap().text)
    assert texts == ["2", "1", "0"]
    assert times[0] < 0.4


async def test_one_peer_may_be_asked_many_things_at_once(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    assert [outcome.ok for outcome in await client.ask_all([peer] * 40, Ask())] == [True] * 40
    asks = [(peer, Ask(text=str(number))) for number in range(40)]
    texts = {outcome.unwrap().text async for outcome in client.ask_each(asks)}
    assert texts == {str(number) for number in range(40)}


async def test_nobody_asked_is_no_outcome(world: World) -> None:
    client = await world.client()
    assert await client.ask_all([], Ask()) == []
    assert [outcome async for outcome in client.ask_each([])] == []


async def test_a_peer_that_is_not_there_is_unreachable_and_the_others_are_not_held_up(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    gone, there = await client.ask_all([world.nobody(), peer], Ask())
    assert isinstance(gone.error, Unreachable)
    assert gone.timing.first_byte_s is None
    assert there.ok
    with pytest.raises(Unreachable):
        await client.ask(world.nobody(), Ask())


async def test_a_refusal_is_the_peers_error_with_its_code(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    world.work.refusals = [NotAdmitted("not you")]
    with pytest.raises(PeerError) as refused:
        await client.ask(peer, Ask())
    assert refused.value.peer_code == "not_admitted"
    assert "(signed)" in refused.value.message


async def test_a_handlers_bug_is_the_peers_error_and_tells_nothing_of_it(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    world.work.refusals = [RuntimeError("the secret")]
    error = (await client.outcome(peer, Ask())).error
    assert isinstance(error, PeerError)
    assert error.peer_code == "handler_failed"
    assert "secret" not in error.message


async def test_a_query_that_is_not_served_there_is_the_peers_error(world: World) -> None:
    class Other(Ask):
        pass

    peer, client = await world.serve(), await world.client()
    error = (await client.outcome(peer, Other())).error
    assert isinstance(error, PeerError)
    assert error.peer_code == "unknown_route"


async def test_a_question_for_another_hotkey_is_refused(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    error = (await client.outcome(Peer(MINERS[1].ss58_address, peer.url), Ask())).error
    assert isinstance(error, PeerError)
    assert error.peer_code == "wrong_receiver"
    assert "(unsigned)" in error.message


async def test_a_query_that_cannot_be_sent_is_the_askers_own_error(world: World) -> None:
    peer, client, query = await world.serve(), await world.client(), Ask(text="a" * (2 << 20))
    with pytest.raises(BodyTooLarge):
        await client.outcome(peer, query)
    with pytest.raises(BodyTooLarge):
        await client.ask_all([peer], query)
    with pytest.raises(BodyTooLarge):
        await anext(client.ask_each([(peer, query)]))


@pytest.mark.parametrize("refusal", [Overloaded, WarmingUp])
async def test_a_peer_that_started_nothing_is_asked_again_when_it_says_with_a_new_signature(
    world: World, refusal: type[Overloaded]
) -> None:
    slept: list[float] = []

    class Hasty(SystemClock):
        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)

    peer, client = await world.serve(), await world.client(ClientOptions(clock=Hasty()))
    world.work.refusals = [refusal("full", retry_after_s=2.0), refusal("full", retry_after_s=3.0)]
    assert (await client.outcome(peer, Ask())).ok
    assert slept == [3.0, 2.0]
    assert len(world.work.asked) == 3


async def test_a_peer_that_wants_to_be_asked_after_the_deadline_is_not_waited_for(world: World) -> None:
    peer, client = await world.serve(), await world.client(ClientOptions(timeout_s=1.0))
    world.work.refusals = [Overloaded("full", retry_after_s=30.0)]
    outcome = await client.outcome(peer, Ask())
    assert isinstance(outcome.error, PeerError)
    assert outcome.error.peer_code == "overloaded"
    assert outcome.error.retry_after_s == 30.0
    assert outcome.timing.elapsed_s < 0.5


async def test_a_refusal_that_a_second_question_would_not_change_is_not_repeated(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    world.work.refusals = [RateLimited("too much", retry_after_s=1.0)]
    assert not (await client.outcome(peer, Ask())).ok
    assert len(world.work.asked) == 1


async def test_a_peer_that_is_too_slow_times_out_and_its_work_is_cancelled(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    outcome = await client.outcome(peer, Ask(after_s=30), timeout_s=0.1)
    assert too_late(outcome.error)
    assert 0.1 <= outcome.timing.elapsed_s < 0.5
    await asyncio.wait_for(world.work.cancelled.wait(), 1)


async def test_a_stream_comes_item_by_item_to_its_signed_end(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=3, every_s=0.02)) as stream:
        complete_at_once = stream.complete
        assert await numbers(stream) == [0, 1, 2]
    assert (complete_at_once, stream.complete) == (False, True)
    first, second, third = stream.item_times_s
    assert 0 <= first < second - 0.01
    assert second < third - 0.01


async def test_a_stream_of_many_small_and_large_items_is_whole(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=1000)) as stream:
        assert await numbers(stream) == list(range(1000))
    assert stream.complete


async def test_an_empty_stream_is_whole(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=0)) as stream:
        assert [item async for item in stream] == []
    assert stream.complete


async def test_a_stream_that_fails_ends_in_the_peers_signed_error(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=5, fails_at=2)) as stream:
        assert [(await anext(stream)).i, (await anext(stream)).i] == [0, 1]
        with pytest.raises(PeerError) as failed:
            await anext(stream)
    assert failed.value.peer_code == "handler_failed"
    assert not stream.complete


async def test_leaving_a_stream_cancels_the_work_at_the_miner(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=-1, every_s=0.001)) as stream:
        async for item in stream:
            if item.i == 3:
                break
    assert not stream.complete
    await asyncio.wait_for(world.work.cancelled.wait(), 1)


async def test_a_miner_that_streams_faster_than_is_read_is_held_back_and_then_cancelled(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=-1)) as stream:
        assert (await anext(stream)).i == 0
        await asyncio.sleep(0.05)
    await asyncio.wait_for(world.work.cancelled.wait(), 2)


async def test_a_stream_that_stalls_is_cut_at_its_idle_time(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=3, every_s=30), idle_s=0.1) as stream:
        assert (await anext(stream)).i == 0
        with pytest.raises(TimedOut, match=r"stopped after 1 items: 0\.1 s without an item"):
            await anext(stream)
        with pytest.raises(BrokenStream):
            await anext(stream)
    assert not stream.complete
    await asyncio.wait_for(world.work.cancelled.wait(), 1)


@pytest.mark.serial
async def test_a_stream_that_goes_on_is_cut_at_its_time_in_all(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    async with client.stream(peer, Count(n=-1, every_s=0.02), timeout_s=0.1) as stream:
        with pytest.raises(WireError) as late:
            await numbers(stream)
    assert too_late(late.value)
    assert 3 <= len(stream.item_times_s) <= 5


async def test_a_stream_of_somebody_who_is_not_there_is_unreachable(world: World) -> None:
    client = await world.client()
    with pytest.raises(Unreachable):
        async with client.stream(world.nobody(), Count()):
            pytest.fail("entered")


async def test_a_stream_is_asked_again_when_the_peer_says(world: World) -> None:
    class Hasty(SystemClock):
        async def sleep(self, seconds: float) -> None:
            world.work.refusals.clear()

    class Full(AdmitAll):
        def admit(self, caller: Caller, query: type[Synapse]) -> float:
            if world.work.refusals:
                raise world.work.refusals[0]
            return 0.0

    world.work.refusals = [Overloaded("full", retry_after_s=1.0)]
    peer, client = (
        await world.serve(options=ServerOptions(admission=Full())),
        await world.client(ClientOptions(clock=Hasty())),
    )
    async with client.stream(peer, Count(n=1)) as stream:
        assert await numbers(stream) == [0]


@pytest.mark.serial
async def test_higher_priority_goes_first_and_equals_in_their_order(world: World) -> None:
    class ByText(AdmitAll):
        def admit(self, caller: Caller, query: type[Synapse]) -> float:
            return 5.0 if query is Count else 1.0

    options = ServerOptions(admission=ByText(), limits=Limits(slots=1))
    peer, client = await world.serve(options=options), await world.client()
    order: list[str] = []

    async def ask(text: str, after_s: float = 0.0) -> None:
        await client.ask(peer, Ask(text=text, after_s=after_s))
        order.append(text)

    async def count() -> None:
        async with client.stream(peer, Count(n=1)) as stream:
            order.extend([f"item {item.i}" async for item in stream])

    async with asyncio.TaskGroup() as group:
        group.create_task(ask("running", 0.15))
        await asyncio.sleep(0.05)
        group.create_task(ask("waiting first"))
        await asyncio.sleep(0.02)
        group.create_task(ask("waiting second"))
        await asyncio.sleep(0.02)
        group.create_task(count())
    assert world.work.asked == ["running", "waiting first", "waiting second"]
    assert order.index("item 0") < order.index("waiting first") < order.index("waiting second")


async def test_a_server_that_stops_lets_what_runs_end_and_takes_nothing_new(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    running = asyncio.create_task(client.outcome(peer, Ask(after_s=0.2)))
    await asyncio.sleep(0.05)
    stopping = asyncio.create_task(world.servers[peer.hotkey].stop(drain_s=5.0))
    await asyncio.sleep(0.05)
    late = await client.outcome(peer, Ask(text="late"))
    assert isinstance(late.error, PeerError | Unreachable)
    await stopping
    assert (await running).ok
    assert world.work.asked == ["hello"]


async def test_a_server_that_has_waited_long_enough_cuts_what_runs(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    running = asyncio.create_task(client.outcome(peer, Ask(after_s=30.0)))
    await asyncio.sleep(0.05)
    await world.servers[peer.hotkey].stop(drain_s=0.05)
    error = (await running).error
    assert isinstance(error, PeerError)
    assert error.peer_code == "draining"
    assert world.work.cancelled.is_set()


async def test_cancelling_the_asker_cancels_the_work(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    task = asyncio.create_task(client.ask(peer, Ask(after_s=30)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(world.work.cancelled.wait(), 1)
    assert (await client.outcome(peer, Ask())).ok


async def test_leaving_a_round_early_cancels_what_is_under_way(world: World) -> None:
    peers, client = [await world.serve(key) for key in MINERS[:2]], await world.client()
    asks = [(peers[0], Ask(text="quick")), (peers[1], Ask(text="slow", after_s=30))]
    async with aclosing(client.ask_each(asks)) as outcomes:
        async for outcome in outcomes:
            assert outcome.unwrap().text == "quick"
            await asyncio.sleep(0.05)
            break
    await asyncio.wait_for(world.work.cancelled.wait(), 1)


async def test_a_client_that_is_closed_ends_what_is_under_way_and_asks_nobody_any_more(world: World) -> None:
    peer, client = await world.serve(), await world.client()
    ask = asyncio.create_task(client.outcome(peer, Ask(after_s=30)))
    stream = client.stream(peer, Count(n=-1, every_s=0.01))
    async with stream:
        await anext(stream)
        await asyncio.sleep(0.05)
        await client.close()
        assert isinstance((await asyncio.wait_for(ask, 1)).error, Disconnected)
        with pytest.raises(Disconnected):
            await asyncio.wait_for(numbers(stream), 1)
    await asyncio.wait_for(world.work.cancelled.wait(), 1)
    assert isinstance((await client.outcome(peer, Ask())).error, Unreachable)
    await client.close()
