# SPDX-License-Identifier: Apache-2.0
"""A miner to attack, with real keys and a real socket, and requests that are signed as they should be, or nearly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from protocols import auth, synapse
from protocols.keys import Keypair, Scheme, Signer
from protocols.replay import MemoryReplay
from protocols.server import Answer, Context, Server, ServerOptions
from protocols.synapse import Synapse
from tests.attacks.raw import exchange, get, request

MINER = Keypair.from_uri("//Bob")
ALICE = Keypair.from_uri("//Alice")
CHARLIE = Keypair.from_uri("//Charlie")

BODY = b'{"prompt":"hello"}'


class Ask(Synapse):
    """A prompt; who asks is answered too."""

    prompt: str
    hotkey: str = ""

    class Reply(synapse.Reply):
        """What is answered."""

        text: str
        caller: str = ""


class Count(Synapse):
    """A stream of numbers, for ever where `n` is negative."""

    n: int

    class Reply(synapse.Reply):
        """One number."""

        i: int


@dataclass
class Seen:
    """What reached the miner's own code."""

    asked: list[str] = field(default_factory=list)
    counted: int = 0
    finished: int = 0

    async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
        """Answer at once."""
        self.asked.append(ask.prompt)
        return Ask.Reply(text=ask.prompt.upper(), caller=ctx.caller.hotkey)

    async def count(self, ask: Count, ctx: Context) -> AsyncIterator[Count.Reply]:
        """Count and never wait."""
        try:
            while ask.n < 0 or self.counted < ask.n:
                self.counted += 1
                yield Count.Reply(i=self.counted)
        finally:
            self.finished += 1


class Recording:
    """A signer that remembers what it was made to sign."""

    def __init__(self, key: Signer) -> None:
        self.ss58_address = key.ss58_address
        self.scheme: Scheme = key.scheme
        self.signed: list[bytes] = []
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """Sign, and remember."""
        self.signed.append(message)
        return self._key.sign(message)


@dataclass(frozen=True)
class Target:
    """A miner that runs."""

    url: str
    server: Server
    seen: Seen


@asynccontextmanager
async def serving(
    answers: Mapping[type[Synapse], Answer] | None = None, options: ServerOptions | None = None, *, key: Signer = MINER
) -> AsyncIterator[Target]:
    """A miner on a port of its own, stopped afterwards."""
    options, seen = options or ServerOptions(), Seen()
    if options.replay is None:
        options = replace(options, replay=MemoryReplay.never_served_before())
    server = Server(key, answers or {Ask: seen.answer, Count: seen.count}, options)
    url = await server.start()
    try:
        yield Target(url, server, seen)
    finally:
        await server.stop(drain_s=0.0)


@dataclass(frozen=True)
class Letter:
    """A request to be signed; each part can be changed before or after that."""

    target: str = "/Ask"
    body: bytes = BODY
    method: str = "POST"
    key: Signer = ALICE
    receiver: str = MINER.ss58_address
    nonce_ns: int | None = None
    content_type: str = "application/json"

    def headers(self) -> dict[str, str]:
        """The headers that carry the signature."""
        nonce_ns = time.time_ns() if self.nonce_ns is None else self.nonce_ns
        _, headers = auth.sign(
            self.key,
            method=self.method,
            target=self.target,
            digest=auth.body_digest(self.body),
            nonce_ns=nonce_ns,
            receiver=self.receiver,
        )
        return {**headers, "Content-Type": self.content_type}

    def bytes(self, extra: Mapping[str, str] | None = None) -> bytes:
        """The signed request as it is sent, with headers that the signature does not cover."""
        headers = {**self.headers(), **(extra or {})}
        return request(self.target, headers.items(), self.body, method=self.method)


def altered(name: str, value: str, letter: Letter | None = None) -> bytes:
    """A signed request with one header written over afterwards."""
    letter = letter or Letter()
    return request(letter.target, {**letter.headers(), name: value}.items(), letter.body)


@dataclass
class Gate:
    """A handler that waits until it is let go, and tells how it ended."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    entered: int = 0
    left: list[str] = field(default_factory=list)

    async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
        """Wait at the gate."""
        self.entered += 1
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.left.append("cancelled")
            raise
        self.left.append("answered")
        return Ask.Reply(text=ask.prompt)


async def still_serves(target: Target) -> bool:
    """Whether anyone sees it alive, and an honest caller is answered."""
    live = await get(target.url, "/livez")
    asked = await exchange(target.url, Letter().bytes())
    return live.status == asked.status == 200


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until something holds, looking often."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + within_s
    while not holds():
        assert loop.time() < give_up, "this never came to hold"
        await asyncio.sleep(0.002)
