# SPDX-License-Identifier: Apache-2.0
"""Both ways between us and the real bittensor 10.5.0, over HTTP on this machine.

A dendrite and an axon run in processes of their own, by a Python of their own; nothing leaves 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import synapse
from protocols.client import Client, Outcome, Peer
from protocols.dialect import Caller, Head
from protocols.errors import NotAdmitted, PeerError
from protocols.keys import Keypair
from protocols.legacy.v10 import V10Hearing, V10Speaking
from protocols.legacy.v10.wire import HashFields
from protocols.replay import MemoryReplay
from protocols.server import Answer, Context, Limits, Server, ServerOptions
from protocols.synapse import Synapse
from tests.interop.environment import v10_python

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]  # the environment may have to be built first

ALICE, BOB, CHARLIE = (Keypair.from_uri(f"//{name}") for name in ("Alice", "Bob", "Charlie"))


class Ask(Synapse):
    prompt: str
    max_tokens: int = 64

    class Reply(synapse.Reply):
        text: str


class Chat(Synapse):
    messages: list[str]

    class Reply(synapse.Reply):
        text: str


class Barred(Synapse):
    word: str

    class Reply(synapse.Reply):
        text: str


class Spot(msgspec.Struct, frozen=True):
    x: float = 0.0
    y: int = 0


class Kinds(Synapse):
    word: str
    whole: int
    real: float
    yes: bool
    words: list[str]
    by_name: dict[str, float]
    deep: list[dict[str, Any]]
    maybe: str | None = None
    pair: tuple[int, float] = (0, 0.0)
    spot: Spot = Spot()

    class Reply(synapse.Reply):
        text: str


# In the order of the v10 class, which is the order of its hash.
FIELDS = ("word", "whole", "real", "yes", "maybe", "words", "pair", "by_name", "deep", "spot")
SIGNED: HashFields = {Ask: ("prompt", "max_tokens"), Kinds: FIELDS}
MIXED = Kinds(
    word="it's",
    whole=7,
    real=1,
    yes=True,
    words=['"', "ü"],
    by_name={"a": 1, "b": 1e22},
    deep=[{"x": [None, 0.1]}],
    pair=(1, 2),
    spot=Spot(1, 2),
)
OPEN = V10Hearing(SIGNED)


class Child:
    """A process that runs a v10 party; `hello` is the first thing it said."""

    def __init__(self, module: str) -> None:
        command = [str(v10_python()), "-m", f"tests.interop.{module}"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.hello: dict[str, Any] = self._answer()

    def tell(self, does: str, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": does, **command}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        self._process.communicate(timeout=10)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def dendrite() -> Iterator[Child]:
    child = Child("v10_dendrite")
    yield child
    child.close()


@pytest.fixture(scope="module")
def axon() -> Iterator[Child]:
    child = Child("v10_axon")
    yield child
    child.close()


@asynccontextmanager
async def serving(
    query: type[Synapse], answer: Answer, *legacy: V10Hearing, handler_s: float = 5.0
) -> AsyncIterator[dict[str, Any]]:
    """One of our servers, as //Bob, and where a dendrite finds it."""
    limits = Limits(handler_s=handler_s)
    options = ServerOptions(legacy=legacy, limits=limits, replay=MemoryReplay.never_served_before())
    async with Server(BOB, {query: answer}, options) as server:
        yield {"port": urlsplit(await server.start()).port, "hotkey": server.hotkey}


async def told(dendrite: Child, where: Mapping[str, Any], query: str, **command: Any) -> dict[str, Any]:
    """What the dendrite saw of our answer."""
    answer = await asyncio.to_thread(dendrite.tell, "ask", synapse=query, **where, **command)
    reply: dict[str, Any] = answer["replies"][0]
    return reply


class Recorder:
    """A handler that answers in upper case and keeps who asked."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []

    async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
        self.callers.append(ctx.caller)
        return Ask.Reply(text=ask.prompt.upper())


async def test_a_dendrite_gets_its_synapse_back_with_our_reply(dendrite: Child) -> None:
    recorder = Recorder()
    async with serving(Ask, recorder.answer, OPEN) as where:
        reply = await told(dendrite, where, "Ask", fields={"prompt": "grüezi", "max_tokens": 7})
    assert (reply["success"], reply["status"], reply["message"]) == (True, 200, "Success")
    assert reply["axon"] == BOB.ss58_address
    assert reply["fields"]["text"] == "GRÜEZI"
    assert (reply["fields"]["prompt"], reply["fields"]["max_tokens"], reply["fields"]["timeout"]) == ("grüezi", 7, 5.0)
    (caller,) = recorder.callers
    assert (caller.hotkey, caller.dialect, caller.body_authenticated) == (dendrite.hello["hotkey"], "v10", True)


async def test_every_kind_of_field_is_hashed_as_the_dendrite_hashed_it(dendrite: Child) -> None:
    async def answer(ask: Kinds, ctx: Context) -> Any:
        return Kinds.Reply(text=repr((ask.word, ask.real, ask.pair, ask.deep)))

    async with serving(Kinds, answer, OPEN) as where:
        reply = await told(dendrite, where, "Kinds", fields=msgspec.to_builtins(MIXED))
    assert reply["fields"]["text"] == repr(("it's", 1.0, (1, 2.0), [{"x": [None, 0.1]}]))


async def test_requests_of_one_dendrite_may_overtake_each_other(dendrite: Child) -> None:
    recorder = Recorder()
    async with serving(Ask, recorder.answer, OPEN) as where:
        answer = await asyncio.to_thread(
            dendrite.tell, "ask", synapse="Ask", fields={"prompt": "hi"}, times=20, **where
        )
    assert [reply["status"] for reply in answer["replies"]] == [200] * 20
    assert len({caller.nonce_ns for caller in recorder.callers}) == 20


async def test_a_dendrite_that_signs_no_body_is_refused_until_the_operator_says_otherwise(dendrite: Child) -> None:
    callers: list[Caller] = []

    async def answer(ask: Chat, ctx: Context) -> Any:
        callers.append(ctx.caller)
        return Chat.Reply(text=" ".join(ask.messages))

    chat = {"fields": {"messages": ["a", "b"]}}
    async with serving(Chat, answer, OPEN) as where:
        refused = await told(dendrite, where, "Chat", **chat)
    async with serving(Chat, answer, V10Hearing(unsigned_bodies={Chat})) as where:
        served = await told(dendrite, where, "Chat", **chat)
    async with serving(Chat, answer) as where:
        closed = await told(dendrite, where, "Chat", **chat)
    assert (refused["status"], refused["unverified"]) == (closed["status"], closed["unverified"]) == (401, True)
    assert (served["success"], served["fields"]["text"]) == (True, "a b")
    assert [caller.body_authenticated for caller in callers] == [False]


async def test_what_a_dendrite_signed_is_worth_nothing_changed_bare_or_twice(dendrite: Child) -> None:
    recorder = Recorder()
    charlie = json.dumps({"hotkey": CHARLIE.ss58_address})
    async with serving(Ask, recorder.answer, OPEN) as where, aiohttp.ClientSession() as session:
        signed = await asyncio.to_thread(dendrite.tell, "sign", synapse="Ask", fields={"prompt": "hi"}, **where)

        async def send(headers: Mapping[str, str], body: str) -> tuple[int, str]:
            headers = {**headers, "Content-Type": "application/json"}
            async with session.post(f"http://127.0.0.1:{where['port']}/Ask", headers=headers, data=body) as response:
                return response.status, await response.text()

        headers, body = signed["headers"], signed["body"]
        bare = {name: value for name, value in headers.items() if name != "bt_header_dendrite_signature"}
        renamed = headers | {"bt_header_dendrite_hotkey": CHARLIE.ss58_address}
        rehashed = headers | {"computed_body_hash": "0" * 64}
        for changed_headers, changed_body in (
            (headers, body.replace('"prompt": "hi"', '"prompt": "ho"')),
            (bare, body),
            (renamed, body),
            (rehashed, body),
        ):
            assert changed_headers != headers or changed_body != body
            assert (await send(changed_headers, changed_body))[0] == 401
        assert not recorder.callers
        assert (await send(headers, body.replace('"dendrite": {', f'"dendrite": {charlie[:-1]}, ')))[0] == 200
        status, message = await send(headers, body)
    assert (status, "accepted before" in message) == (401, True)
    assert [caller.hotkey for caller in recorder.callers] == [ALICE.ss58_address]


async def test_a_dendrite_understands_our_refusals(dendrite: Child) -> None:
    async def answer(ask: Ask, ctx: Context) -> Any:
        if ask.prompt == "deny":
            raise NotAdmitted("no permit")
        if ask.prompt == "late":
            await asyncio.sleep(5.0)
        raise RuntimeError("a secret")

    async with serving(Ask, answer, OPEN, handler_s=0.2) as where:
        denied = await told(dendrite, where, "Ask", fields={"prompt": "deny"})
        late = await told(dendrite, where, "Ask", fields={"prompt": "late"})
        failed = await told(dendrite, where, "Ask", fields={"prompt": "fail"})
        astray = await told(dendrite, {**where, "hotkey": CHARLIE.ss58_address}, "Ask", fields={"prompt": "hi"})
    assert (denied["status"], denied["blacklist"], denied["message"]) == (403, True, "no permit")
    assert (late["status"], late["timeout"]) == (408, True)
    assert failed["status"] == 500
    assert "secret" not in failed["message"]
    assert (astray["status"], astray["unverified"]) == (401, True)
    assert "signed for" in astray["message"]


@settings(max_examples=20)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "word": st.text(st.characters(codec="utf-8")),
                "whole": st.integers(),
                "real": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
                "yes": st.booleans(),
                "maybe": st.none() | st.text(st.characters(codec="utf-8")),
                "words": st.lists(st.text(st.characters(codec="utf-8")), max_size=3),
                "pair": st.tuples(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
                "spot": st.fixed_dictionaries(
                    {"x": st.floats(allow_nan=False, allow_infinity=False), "y": st.integers()}
                ),
                "by_name": st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(-(2**53), 2**53)),
                "deep": st.lists(
                    st.dictionaries(
                        st.text(st.characters(codec="utf-8")),
                        st.recursive(st.none() | st.booleans() | st.integers() | st.text("'\"\\é\n\t"), st.lists),
                    ),
                    max_size=2,
                ),
            }
        ),
        min_size=1,
        max_size=10,
    )
)
def test_our_hash_of_a_body_is_the_dendrites(dendrite: Child, many: list[dict[str, Any]]) -> None:
    speaking = V10Speaking(SIGNED)
    for digest, body in dendrite.tell("hash", many=many)["hashed"]:
        query = {name: value for name, value in json.loads(body).items() if name in FIELDS}
        composed = speaking.compose(msgspec.convert(query, Kinds))
        assert composed.digest == digest
        headers = {n.lower(): v for n, v in speaking.ask(composed, ALICE, BOB.ss58_address, 1).headers.items()}
        heard = OPEN.hear(Head("POST", "/Kinds", headers), BOB, 1)
        assert heard.authenticate(body.encode()).body_authenticated


async def asked(axon: Child, query: Synapse, speaking: V10Speaking) -> Outcome:
    """What our client made of the axon's answer."""
    url = f"http://127.0.0.1:{axon.hello['port']}"
    async with Client(ALICE) as client:
        return await client.outcome(Peer(axon.hello["hotkey"], url, speaking), query, timeout_s=5.0)


async def test_an_axon_answers_our_client_and_cannot_touch_the_question(axon: Child) -> None:
    query = Ask(prompt="grüezi", max_tokens=6)
    outcome = await asked(axon, query, V10Speaking(SIGNED))
    assert outcome.unwrap() == Ask.Reply(text="GRÜEZI")
    assert outcome.query == Ask(prompt="grüezi", max_tokens=6)
    assert outcome.evidence is None


async def test_an_axon_verifies_our_hash_of_every_kind_of_field(axon: Child) -> None:
    outcome = await asked(axon, MIXED, V10Speaking(SIGNED))
    assert outcome.unwrap().text == repr(("it's", 1.0, (1, 2.0), [{"x": [None, 0.1]}]))


async def test_an_axon_that_signs_no_body_is_asked_only_if_told_to(axon: Child) -> None:
    speaking = V10Speaking(unsigned_bodies={Chat}, sender=ALICE.ss58_address)
    outcome = await asked(axon, Chat(messages=["a", "b"]), speaking)
    assert outcome.unwrap().text == f"{ALICE.ss58_address}: a b"


async def test_an_axons_errors_are_typed(axon: Child) -> None:
    barred = await asked(axon, Barred(word="x"), V10Speaking(unsigned_bodies={Barred}))
    failed = await asked(axon, Ask(prompt="fail"), V10Speaking(SIGNED))
    mishashed = await asked(axon, Ask(prompt="hi"), V10Speaking({Ask: ("prompt",)}))
    for outcome, code in ((barred, "not_admitted"), (failed, "handler_failed"), (mishashed, "handler_failed")):
        assert isinstance(outcome.error, PeerError)
        assert outcome.error.peer_code == code
    assert "blacklisted: nobody may" in str(barred.error)


async def test_our_requests_follow_each_other_on_one_connection(axon: Child) -> None:
    url = f"http://127.0.0.1:{axon.hello['port']}"
    peer = Peer(axon.hello["hotkey"], url, V10Speaking(SIGNED))
    async with Client(ALICE) as client:
        replies = [await client.ask(peer, Ask(prompt=str(at))) for at in range(5)]
    assert [reply.text for reply in replies] == ["0", "1", "2", "3", "4"]
