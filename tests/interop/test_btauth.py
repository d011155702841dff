# SPDX-License-Identifier: Apache-2.0
"""`btauth/1` both ways with the official implementation, `bittensor.http_auth` of bittensor 11.3.0.

What it signs our server accepts, what our client signs it accepts, and nothing that it refuses gets past us.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
import uvicorn
from bittensor import http_auth
from bittensor.sp_core import CRYPTO_ED25519, CRYPTO_SR25519
from bittensor.sp_core import Keypair as TheirKeypair
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from protocols import auth, synapse
from protocols.auth import Claim
from protocols.client import Client, Peer
from protocols.dialect import Caller
from protocols.errors import CATALOGUE, AuthError, UnsignedReply
from protocols.keys import Keypair, Scheme
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.synapse import Synapse

pytestmark = pytest.mark.interop

SCHEMES: dict[Scheme, int] = {"sr25519": CRYPTO_SR25519, "ed25519": CRYPTO_ED25519}
BOB = Keypair.from_uri("//Bob")
BODY = b'{"prompt": "hi"}'


class Ask(Synapse):
    prompt: str

    class Reply(synapse.Reply):
        text: str


@dataclass(frozen=True)
class Signed:
    """A request signed by the official implementation, perhaps changed since."""

    headers: dict[str, str]
    body: bytes = BODY
    target: str = "/Ask"

    def theirs(self, store: http_auth.NonceStore | None = None, now_ns: int | None = None) -> str:
        """What the official verifier says: the name of its error, or nothing."""
        try:
            http_auth.verify(
                self.headers,
                self.body,
                method="POST",
                path=self.target,
                self_hotkey_ss58=BOB.ss58_address,
                nonce_store=store or http_auth.InMemoryNonceStore(),
                now_ns=now_ns,
            )
        except http_auth.AuthError as error:
            return type(error).__name__
        return ""

    def ours(self, now_ns: int) -> str:
        """What our verifier says of the same."""
        try:
            auth.verify(
                self.headers,
                self.body,
                method="POST",
                target=self.target,
                receiver=BOB.ss58_address,
                now_ns=now_ns,
            )
        except AuthError as error:
            return type(error).__name__
        return ""


def sign(
    *,
    scheme: Scheme = "sr25519",
    target: str = "/Ask",
    receiver: str | None = BOB.ss58_address,
    nonce_ns: int | None = None,
) -> Signed:
    """A request of //Alice, signed by the official implementation."""
    alice = TheirKeypair.create_from_uri("//Alice", crypto_type=SCHEMES[scheme])
    headers = http_auth.sign(alice, method="POST", path=target, body=BODY, receiver_ss58=receiver, nonce_ns=nonce_ns)
    return Signed(headers, BODY, target)


class Ours:
    """Our server, and whom it believed."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.url = ""

    async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
        self.callers.append(ctx.caller)
        return Ask.Reply(text=ask.prompt.upper())

    async def send(self, signed: Signed) -> str:
        """What our server says: the name of its error, or nothing."""
        headers = signed.headers | {"Content-Type": "application/json"}
        url = URL(self.url + signed.target, encoded=True)
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers, data=signed.body) as response:
            answer = await response.json()
        return "" if response.status == 200 else CATALOGUE[answer["error"]["code"]].__name__


@pytest.fixture
async def ours() -> AsyncIterator[Ours]:
    ours = Ours()
    options = ServerOptions(replay=MemoryReplay.never_served_before())
    async with Server(BOB, {Ask: ours.answer}, options) as server:
        ours.url = await server.start()
        yield ours


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("target", ["/Ask", "/Ask?x=1&y=a%20b"])
async def test_our_server_accepts_what_the_official_implementation_signs(
    ours: Ours, scheme: Scheme, target: str
) -> None:
    signed = sign(scheme=scheme, target=target)
    assert await ours.send(signed) == signed.theirs() == ""
    assert [caller.hotkey for caller in ours.callers] == [Keypair.from_uri("//Alice", scheme).ss58_address]
    assert ours.callers[0].nonce_ns == int(signed.headers["X-Bittensor-Nonce"])


REFUSED: dict[str, tuple[str, Callable[[], Signed]]] = {
    "a tampered body": ("BadSignature", lambda: replace(sign(), body=b'{"prompt": "ho"}')),
    "another target": ("BadSignature", lambda: replace(sign(), target="/Ask?x=1")),
    "a lost query string": ("BadSignature", lambda: replace(sign(target="/Ask?x=1"), target="/Ask")),
    "another receiver": ("WrongReceiver", lambda: sign(receiver=Keypair.from_uri("//Charlie").ss58_address)),
    "no receiver": ("WrongReceiver", lambda: sign(receiver=None)),
    "a changed receiver": ("BadSignature", lambda: changed(sign(receiver=None), Receiver=BOB.ss58_address)),
    "another sender": ("BadSignature", lambda: changed(sign(), Hotkey=BOB.ss58_address)),
    "an old nonce": ("StaleRequest", lambda: sign(nonce_ns=time.time_ns() - 11_000_000_000)),
    "a nonce to come": ("StaleRequest", lambda: sign(nonce_ns=time.time_ns() + 4_000_000_000)),
    "another nonce": ("BadSignature", lambda: changed(sign(), Nonce=str(time.time_ns()))),
    "another scheme": ("BadSignature", lambda: changed(sign(), Crypto="ed25519")),
    "the default scheme": ("BadSignature", lambda: changed(sign(scheme="ed25519"), Crypto="sr25519")),
    "an unknown scheme": ("MalformedAuth", lambda: changed(sign(), Crypto="rsa")),
    "another version": ("MalformedAuth", lambda: changed(sign(), Version="2")),
    "an unreadable nonce": ("MalformedAuth", lambda: changed(sign(), Nonce="now")),
    "an unreadable signature": ("MalformedAuth", lambda: changed(sign(), Signature="0xzz")),
    "an unreadable sender": ("MalformedAuth", lambda: changed(sign(), Hotkey="alice")),
} | {
    f"no {name}": ("MalformedAuth", lambda name=name: changed(sign(), **{name: None}))
    for name in ("Version", "Hotkey", "Nonce", "Signature")
}


def changed(signed: Signed, **headers: str | None) -> Signed:
    """The same request with other headers; None takes one away."""
    merged = signed.headers | {f"X-Bittensor-{name}": value for name, value in headers.items()}
    return replace(signed, headers={name: value for name, value in merged.items() if value is not None})


@pytest.mark.parametrize("case", REFUSED)
async def test_our_server_refuses_what_the_official_implementation_refuses(ours: Ours, case: str) -> None:
    reason, make = REFUSED[case]
    signed = make()
    assert signed.theirs() == reason
    assert await ours.send(signed) == reason
    assert not ours.callers


async def test_a_request_is_accepted_once_by_both(ours: Ours) -> None:
    signed, store = sign(), http_auth.InMemoryNonceStore()
    assert (signed.theirs(store), signed.theirs(store)) == ("", "ReplayedRequest")
    assert (await ours.send(signed), await ours.send(signed)) == ("", "ReplayedRequest")
    assert len(ours.callers) == 1


NAMES = ("Version", "Hotkey", "Receiver", "Nonce", "Signature", "Crypto")
HEADERS = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.sampled_from(["1", "sr25519", "ed25519", BOB.ss58_address, "0x" + "00" * 64, "00" * 64, "-", "1_7"]),
    st.integers(-20, 20).map(lambda seconds: str(NONCE + seconds * 1_000_000_000)),
)
NONCE = 1_700_000_000_000_000_000
STILL = sign(nonce_ns=NONCE)


@given(st.dictionaries(st.sampled_from(NAMES), HEADERS), st.integers(-4_000_000_000, 12_000_000_000))
def test_nothing_that_the_official_verifier_refuses_gets_past_ours(headers: dict[str, Any], age_ns: int) -> None:
    request = changed(STILL, **headers)
    if request.theirs(now_ns=NONCE + age_ns):
        assert request.ours(NONCE + age_ns)
    elif request == STILL:
        assert not request.ours(NONCE + age_ns)


@given(
    st.sampled_from(sorted(SCHEMES)),
    st.sampled_from(["GET", "POST", "PUT"]),
    st.text(st.characters(codec="utf-8")),
    st.binary(),
    st.integers(1, 2**64),
    st.none() | st.just(BOB.ss58_address),
)
def test_the_signed_bytes_are_the_official_ones(
    scheme: Scheme, method: str, target: str, body: bytes, nonce_ns: int, receiver: str | None
) -> None:
    claim = Claim(BOB.ss58_address, receiver, nonce_ns, scheme, b"")
    assert auth.request_payload(
        claim, method=method, target=target, digest=auth.body_digest(body)
    ) == http_auth.build_payload(
        scheme=scheme,
        method=method,
        path=target,
        body=body,
        nonce_ns=nonce_ns,
        sender_ss58=BOB.ss58_address,
        receiver_ss58=receiver,
    )


class Theirs:
    """A server as the official guide builds one: FastAPI, uvicorn, and `http_auth.verify` over the raw body."""

    def __init__(self) -> None:
        self.callers: list[str] = []
        self._store = http_auth.InMemoryNonceStore()
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = FastAPI()
        app.post("/Ask")(self.answer)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    async def answer(self, request: Request) -> JSONResponse:
        """Say who asked."""
        try:
            caller = http_auth.verify(
                request.headers,
                await request.body(),
                method=request.method,
                path=request.url.path,
                self_hotkey_ss58=BOB.ss58_address,
                nonce_store=self._store,
            )
        except http_auth.AuthError as error:
            return JSONResponse({"error": {"code": type(error).__name__, "message": str(error)}}, 401)
        self.callers.append(caller.hotkey_ss58)
        return JSONResponse({"text": "HI"})

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def theirs() -> Iterator[Theirs]:
    theirs = Theirs()
    yield theirs
    theirs.close()


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_official_verifier_accepts_our_client_which_believes_no_unsigned_reply(
    theirs: Theirs, scheme: Scheme
) -> None:
    alice = Keypair.from_uri("//Alice", scheme)
    peer = Peer(BOB.ss58_address, theirs.url)
    async with Client(alice) as client:
        outcomes = await asyncio.gather(*(client.outcome(peer, Ask(prompt="hi")) for _ in range(10)))
        astray = await client.outcome(Peer(alice.ss58_address, theirs.url), Ask(prompt="hi"))
    assert [type(outcome.error) for outcome in outcomes] == [UnsignedReply] * 10
    assert theirs.callers == [alice.ss58_address] * 10
    assert "401 WrongReceiver (unsigned)" in str(astray.error)
