# SPDX-License-Identifier: Apache-2.0
"""Both ways between us and a peer that speaks Epistula 2 without any code of ours.

It is written here from the protocol's text (epistula.sybil.com/protocol) and does what the implementations in use do,
Secret-Signature headers included. Keys are those of bittensor_core, HTTP is aiohttp's.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import math
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import bittensor_core
import pytest
from aiohttp import web

from protocols import synapse
from protocols.client import Client, Peer
from protocols.dialect import Caller
from protocols.errors import BrokenStream, MalformedReply, PeerError, RedirectRefused
from protocols.keys import Keypair
from protocols.legacy.epistula import EpistulaHearing, EpistulaSpeaking
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.synapse import Synapse

pytestmark = pytest.mark.interop

ALICE = bittensor_core.Keypair.from_uri("//Alice", bittensor_core.CRYPTO_SR25519)
BOB = bittensor_core.Keypair.from_uri("//Bob", bittensor_core.CRYPTO_SR25519)
CHARLIE = bittensor_core.Keypair.from_uri("//Charlie", bittensor_core.CRYPTO_SR25519)


class Ask(Synapse):
    prompt: str

    class Reply(synapse.Reply):
        text: str


class Count(Synapse):
    n: int

    class Reply(synapse.Reply):
        i: int


def their_headers(body: bytes, signed_for: str | None = BOB.ss58_address, *, age_s: float = 0.0) -> dict[str, str]:
    """A request of //Alice as a validator of theirs makes it."""
    timestamp, request_id = round((time.time() - age_s) * 1000), str(uuid.uuid4())
    message = f"{hashlib.sha256(body).hexdigest()}.{request_id}.{timestamp}.{signed_for or ''}"
    headers = {
        "Content-Type": "application/json",
        "Epistula-Version": "2",
        "Epistula-Timestamp": str(timestamp),
        "Epistula-Uuid": request_id,
        "Epistula-Signed-By": ALICE.ss58_address,
        "Epistula-Request-Signature": "0x" + ALICE.sign(message.encode()).hex(),
    }
    if signed_for is None:
        return headers
    interval = math.ceil(timestamp / 1e4)
    secrets = {
        f"Epistula-Secret-Signature-{i}": "0x" + ALICE.sign(f"{interval + i - 1}.{signed_for}".encode()).hex()
        for i in range(3)
    }
    return headers | {"Epistula-Signed-For": signed_for} | secrets


def their_verdict(headers: Mapping[str, str], body: bytes) -> str:
    """What a miner of theirs that is //Bob holds against a request, or nothing."""
    timestamp, signed_for = int(headers["Epistula-Timestamp"]), headers["Epistula-Signed-For"]
    if headers["Epistula-Version"] != "2" or uuid.UUID(headers["Epistula-Uuid"]).version != 4:
        return "Malformed"
    if signed_for != BOB.ss58_address:
        return "Bad Request, message is not intended for self"
    if timestamp + 8000 < round(time.time() * 1000):
        return "Request is too stale"
    public_key = bittensor_core.decode_ss58(headers["Epistula-Signed-By"])
    sender = bittensor_core.Keypair(public_key=public_key, crypto_type=bittensor_core.CRYPTO_SR25519)
    message = f"{hashlib.sha256(body).hexdigest()}.{headers['Epistula-Uuid']}.{timestamp}.{signed_for}"
    signature = headers["Epistula-Request-Signature"]
    if not signature.startswith("0x") or not sender.verify(message.encode(), bytes.fromhex(signature[2:])):
        return "Signature Mismatch"
    return ""


@dataclass
class Theirs:
    """A miner of theirs; `manner` is how it answers, `callers` whom it believed."""

    manner: str = ""
    url: str = ""
    callers: list[str] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if verdict := their_verdict(request.headers, body):
            return web.json_response({"detail": verdict}, status=400)
        self.callers.append(request.headers["Epistula-Signed-By"])
        if self.manner == "redirect":
            return web.Response(status=307, headers={"Location": self.url + "/elsewhere"})
        if self.manner == "gzip":
            packed = gzip.compress(b'{"text": "HI"}')
            return web.Response(body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        asked = json.loads(body)
        if request.path == "/Ask":
            return web.json_response({"text": asked["prompt"].upper()})
        return await self._stream(request, asked["n"])

    async def _stream(self, request: web.Request, n: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b": ping\r\n\r\n")
        for i in range(n):
            # One event in two pieces, as a network may deliver it.
            await response.write(b'data: {"i"')
            await asyncio.sleep(0.002)
            await response.write(f": {i}}}\n\n".encode())
        if self.manner == "fail":
            await response.write(b'data: {"error": {"message": "out of memory", "code": "oom"}}\n\n')
        if self.manner != "stop":
            await response.write(b"data: [DONE]\n\n")
        return response


@pytest.fixture
async def theirs() -> AsyncIterator[Theirs]:
    theirs = Theirs()
    app = web.Application()
    app.router.add_post("/{query}", theirs.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    theirs.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield theirs
    await runner.cleanup()


@dataclass
class Ours:
    """Our server as //Bob, and whom it believed."""

    url: str = ""
    callers: list[Caller] = field(default_factory=list)

    async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
        self.callers.append(ctx.caller)
        return Ask.Reply(text=ask.prompt.upper())

    async def count(self, ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        for i in range(abs(ask.n)):
            yield Count.Reply(i=i)
        if ask.n < 0:
            raise RuntimeError("a secret of the miner's")

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, str]:
        """Status, content type and body of what comes back."""
        async with aiohttp.ClientSession() as session:
            response = await session.post(self.url + path, data=body, headers=headers)
            return response.status, response.content_type, await response.text()


@pytest.fixture
async def ours() -> AsyncIterator[Ours]:
    ours = Ours()
    options = ServerOptions(legacy=(EpistulaHearing(),), replay=MemoryReplay.never_served_before())
    key = Keypair.from_uri("//Bob")
    async with Server(key, {Ask: ours.answer, Count: ours.count}, options) as server:
        ours.url = await server.start()
        yield ours


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(Keypair.from_uri("//Alice")) as client:
        yield client


def peer(theirs: Theirs, hotkey: str = BOB.ss58_address) -> Peer:
    return Peer(hotkey, theirs.url, EpistulaSpeaking())


async def test_their_validator_is_answered_by_our_server(ours: Ours) -> None:
    # Spaces and order as Python writes them: what is signed is what was sent, not what we would have written.
    body = json.dumps({"prompt": "hé"}).encode()
    headers = their_headers(body)
    status, content_type, text = await ours.post("/Ask", body, headers)
    assert (status, content_type, json.loads(text)) == (200, "application/json", {"text": "HÉ"})
    caller = ours.callers[0]
    assert (caller.hotkey, caller.request_id) == (ALICE.ss58_address, headers["Epistula-Uuid"])


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        (lambda body: their_headers(body), b'{"prompt": "ho"}', 401, "bad_signature"),
        (lambda body: their_headers(body, CHARLIE.ss58_address), None, 403, "wrong_receiver"),
        (lambda body: their_headers(body, None), None, 403, "wrong_receiver"),
        (lambda body: their_headers(body, age_s=9.0), None, 401, "stale_request"),
        (lambda body: their_headers(body, age_s=-3.0), None, 401, "stale_request"),
        (lambda body: their_headers(body) | {"Epistula-Request-Signature": ""}, None, 401, "malformed_auth"),
        (lambda body: their_headers(body) | {"Epistula-Version": "1"}, None, 401, "malformed_auth"),
    ],
)
async def test_what_is_no_fresh_request_to_us_our_server_refuses(
    ours: Ours, headers: Any, body: bytes | None, status: int, code: str
) -> None:
    original = b'{"prompt": "hi"}'
    answer = await ours.post("/Ask", body or original, headers(original))
    assert (answer[0], json.loads(answer[2])["error"]["code"]) == (status, code)
    assert not ours.callers


async def test_their_validator_may_ask_once_with_each_signature_and_many_at_a_time(ours: Ours) -> None:
    body = b'{"prompt": "hi"}'
    requests = [their_headers(body) for _ in range(20)]
    answers = await asyncio.gather(*(ours.post("/Ask", body, headers) for headers in requests))
    assert [answer[0] for answer in answers] == [200] * 20
    again = await ours.post("/Ask", body, requests[0])
    assert (again[0], json.loads(again[2])["error"]["code"]) == (409, "replayed_request")


async def test_their_validator_reads_our_streams(ours: Ours) -> None:
    body = b'{"n": 3}'
    status, content_type, text = await ours.post("/Count", body, their_headers(body))
    assert (status, content_type) == (200, "text/event-stream")
    events = [event.removeprefix("data: ") for event in text.split("\n\n") if event]
    assert events == ['{"i":0}', '{"i":1}', '{"i":2}', "[DONE]"]
    body = b'{"n": -1}'
    status, _, text = await ours.post("/Count", body, their_headers(body))
    item, failure = (event.removeprefix("data: ") for event in text.split("\n\n") if event)
    assert (item, json.loads(failure)["error"]["code"]) == ('{"i":0}', "handler_failed")
    assert "secret" not in text


async def test_their_miner_answers_our_client(theirs: Theirs, client: Client) -> None:
    outcomes = await client.ask_all([peer(theirs)] * 10, Ask(prompt="hi"))
    assert [outcome.unwrap().text for outcome in outcomes] == ["HI"] * 10
    assert [outcome.evidence for outcome in outcomes] == [None] * 10
    assert theirs.callers == [ALICE.ss58_address] * 10


async def test_our_client_shows_what_their_miner_has_against_it(theirs: Theirs, client: Client) -> None:
    outcome = await client.outcome(peer(theirs, CHARLIE.ss58_address), Ask(prompt="hi"))
    assert isinstance(outcome.error, PeerError)
    assert "400 unknown (unsigned): Bad Request, message is not intended for self" in outcome.error.message
    assert not theirs.callers


@pytest.mark.parametrize(("manner", "error"), [("redirect", RedirectRefused), ("gzip", MalformedReply)])
async def test_our_client_follows_nothing_and_unpacks_nothing(
    theirs: Theirs, client: Client, manner: str, error: type[Exception]
) -> None:
    theirs.manner = manner
    assert isinstance((await client.outcome(peer(theirs), Ask(prompt="hi"))).error, error)
    assert len(theirs.callers) == 1


async def test_our_client_reads_their_streams(theirs: Theirs, client: Client) -> None:
    async with client.stream(peer(theirs), Count(n=5)) as stream:
        assert [item.i async for item in stream] == list(range(5))
    assert stream.complete


@pytest.mark.parametrize(
    ("manner", "error", "said"),
    [("stop", BrokenStream, "without \\[DONE\\]"), ("fail", PeerError, "200 oom \\(unsigned\\): out of memory")],
)
async def test_a_stream_of_theirs_that_does_not_end_well_is_not_whole(
    theirs: Theirs, client: Client, manner: str, error: type[Exception], said: str
) -> None:
    theirs.manner = manner
    async with client.stream(peer(theirs), Count(n=2)) as stream:
        assert [(await anext(stream)).i for _ in range(2)] == [0, 1]
        with pytest.raises(error, match=said):
            await anext(stream)
    assert not stream.complete
