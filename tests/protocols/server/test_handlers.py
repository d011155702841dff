# SPDX-License-Identifier: Apache-2.0
"""The miner's own code: it may be slow, wrong or stubborn, and the server stays quick, typed and in charge."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from protocols.client import Client, Peer
from protocols.errors import (
    ForgedReply,
    InvalidSynapse,
    NotAdmitted,
    Overloaded,
    PeerError,
    RateLimited,
)
from protocols.server import AdmitAll, Context, Route, Server, ServerOptions
from protocols.synapse import Synapse
from tests.attacks.miner import ALICE, MINER, Ask, Count, Gate, Letter, Seen, Target, serving
from tests.attacks.raw import exchange, get


async def in_flight(target: Target) -> int:
    """How many queries are under way, by the server's own count."""
    text = (await get(target.url, "/metrics")).body.decode()
    return int(float(text.partition("\nsubnet_queries_in_flight ")[2].split()[0]))


async def test_a_plain_function_runs_in_a_thread_of_the_pool() -> None:
    def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        return Ask.Reply(text=threading.current_thread().name, caller=ctx.caller.hotkey)

    async with serving({Ask: answer}) as target:
        reply = (await exchange(target.url, Letter().bytes())).json()
    assert reply["text"].startswith("subnet-answer")
    assert reply["caller"] == ALICE.ss58_address


class Broken(Exception):
    """What a miner's own code raises."""


async def raises(ask: Ask, ctx: Context) -> Ask.Reply:
    """Fail with a secret."""
    raise Broken("password=1234")


def raises_in_a_thread(ask: Ask, ctx: Context) -> Ask.Reply:
    """Fail with a secret."""
    raise Broken("password=1234")


async def returns_a_dict(ask: Ask, ctx: Context) -> Any:
    """Forget to make a reply of it."""
    return {"text": "password=1234"}


async def returns_nothing(ask: Ask, ctx: Context) -> Any:
    """Forget to return."""


async def returns_another_reply(ask: Ask, ctx: Context) -> Any:
    """Mix up two queries."""
    return Count.Reply(i=1234)


async def returns_too_much(ask: Ask, ctx: Context) -> Ask.Reply:
    """Break the reply's own limit."""
    return Ask.Reply(text="x" * 3_000_000)


async def loses_a_task(ask: Ask, ctx: Context) -> Ask.Reply:
    """Wait for something that somebody else cancelled."""
    task = asyncio.create_task(asyncio.sleep(5))
    asyncio.get_running_loop().call_soon(task.cancel)
    await task
    raise AssertionError


async def fails_at_another_peer(ask: Ask, ctx: Context) -> Ask.Reply:
    """Pass on an error that says something about somebody else."""
    raise ForgedReply("password=1234")


def exits(ask: Ask, ctx: Context) -> Ask.Reply:
    """End the process, as some libraries do when they dislike their arguments."""
    raise SystemExit("password=1234")


async def times_out_itself(ask: Ask, ctx: Context) -> Ask.Reply:
    """Run into a time limit of its own."""
    async with asyncio.timeout(0.01):
        await asyncio.sleep(5)
    raise AssertionError


@pytest.mark.parametrize(
    "answer",
    [
        raises,
        raises_in_a_thread,
        returns_a_dict,
        returns_nothing,
        returns_another_reply,
        returns_too_much,
        loses_a_task,
        fails_at_another_peer,
        times_out_itself,
        exits,
    ],
    ids=lambda answer: str(answer.__name__),
)
async def test_a_handler_that_fails_is_a_signed_error_and_one_log_entry(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving({Ask: answer}) as target:
        response = await exchange(target.url, Letter().bytes())
        assert (response.status, response.code, response.signed) == (500, "handler_failed", True)
        assert b"1234" not in response.body
        assert "Traceback" not in response.body.decode()
        assert await in_flight(target) == 0
        assert (await get(target.url, "/livez")).status == 200
    (record,) = caplog.records
    assert record.exc_info is not None
    assert response.error["message"].rpartition(" ")[2] in record.getMessage()
    caplog.clear()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotAdmitted("not today"), 403),
        (RateLimited("budget is spent", retry_after_s=30.0), 429),
        (Overloaded("no memory left", retry_after_s=2.0), 503),
    ],
    ids=["not admitted", "rate limited", "overloaded"],
)
async def test_a_handler_may_refuse_and_the_caller_is_told_why(error: Exception, status: int) -> None:
    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        raise error

    async with serving({Ask: answer}) as target:
        response = await exchange(target.url, Letter().bytes())
        assert (response.status, response.error["message"], response.signed) == (status, str(error), True)


async def test_a_stream_that_fails_says_so_after_its_items_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def count(ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        yield Count.Reply(i=1)
        raise Broken("password=1234")

    async with serving({Count: count}) as target, Client(ALICE) as client:
        stream = client.stream(Peer(MINER.ss58_address, target.url), Count(n=9))
        async with stream:
            assert (await anext(aiter(stream))).i == 1
            with pytest.raises(PeerError, match=r"500 handler_failed \(signed\)") as error:
                await anext(aiter(stream))
    assert "1234" not in str(error.value)
    assert len(caplog.records) == 1
    caplog.clear()


async def test_a_policy_that_breaks_is_an_error_and_not_an_open_door(caplog: pytest.LogCaptureFixture) -> None:
    class Policy(AdmitAll):
        def admit(self, caller: object, query: type[Synapse]) -> float:
            raise ValueError("password=1234 is not in list")

    gate = Gate()
    async with serving({Ask: gate.answer}, ServerOptions(admission=Policy())) as target:
        response = await exchange(target.url, Letter().bytes())
    assert (response.status, response.code, response.signed) == (500, "handler_failed", True)
    assert b"1234" not in response.body
    assert gate.entered == 0
    assert len(caplog.records) == 1
    caplog.clear()


async def test_a_policy_is_asked_only_about_callers_who_proved_who_they_are() -> None:
    asked: list[str] = []

    class Policy(AdmitAll):
        def admit(self, caller: Any, query: type[Synapse]) -> float:
            asked.append(caller.hotkey)
            raise NotAdmitted("not registered")

    gate = Gate()
    async with serving({Ask: gate.answer}, ServerOptions(admission=Policy())) as target:
        forged = Letter().bytes().replace(b'"hello"', b'"hullo"')
        assert (await exchange(target.url, forged)).code == "bad_signature"
        assert asked == []
        response = await exchange(target.url, Letter(body=b"not even json").bytes())
        assert (response.status, response.code, response.signed) == (403, "not_admitted", True)
        assert asked == [ALICE.ss58_address]


def test_a_handler_of_the_wrong_shape_is_refused_before_anyone_asks() -> None:
    async def one(ask: Ask) -> Ask.Reply:
        raise AssertionError

    def generator(ask: Count, ctx: Context) -> Iterator[Count.Reply]:
        yield Count.Reply(i=1)

    with pytest.raises(InvalidSynapse, match="takes 1 arguments"):
        Route.of(Ask, one)  # type: ignore[arg-type]
    with pytest.raises(InvalidSynapse, match="plain generator"):
        Route.of(Count, generator)


async def test_a_handler_may_be_a_method_a_partial_or_an_object() -> None:
    class Miner:
        async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
            return Ask.Reply(text="method")

        async def __call__(self, ask: Ask, ctx: Context) -> Ask.Reply:
            return Ask.Reply(text="object")

    async def answer(prefix: str, ask: Ask, ctx: Context) -> Ask.Reply:
        return Ask.Reply(text=prefix)

    for handler, said in ((Miner().answer, "method"), (Miner(), "object"), (functools.partial(answer, "part"), "part")):
        async with serving({Ask: handler}) as target:
            assert (await exchange(target.url, Letter().bytes())).json()["text"] == said


def test_two_queries_of_one_name_cannot_share_a_server() -> None:
    ours = Ask

    def another() -> type[Ask]:
        class Ask(ours):  # type: ignore[valid-type, misc]
            class Reply(ours.Reply):  # type: ignore[name-defined, misc]
                pass

        return Ask

    with pytest.raises(InvalidSynapse, match="2 queries share 1 names"):
        Server(MINER, {Ask: Seen().answer, another(): Seen().answer})
