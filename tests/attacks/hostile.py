# SPDX-License-Identifier: Apache-2.0
"""A miner that misbehaves as told: a real server on loopback that reads a question and then does anything at all.

A behaviour is a coroutine that gets the question and the line to write to. What an honest miner would have said can be
made with `sealed` and `response`, then bent.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

import msgspec

from protocols import seal, synapse
from protocols.client import Client, ClientOptions, Peer
from protocols.keys import Keypair
from protocols.synapse import Synapse

VALIDATOR = Keypair.from_uri("//Alice")
MINER = Keypair.from_uri("//Bob")
OTHER = Keypair.from_uri("//Charlie")
MSGPACK = "application/msgpack"
STREAM = "application/vnd.subnet.stream+msgpack"


def has_ipv6() -> bool:
    """Whether this machine can listen on ::1; a container may not."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Ask(Synapse):
    """What all these miners are asked."""

    prompt: str = "hello"

    class Reply(synapse.Reply):
        """A text, of at most 64 KiB in all."""

        max_bytes = 65_536
        text: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it arrived."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def signature(self) -> bytes:
        """The request's signature, to which replies are bound."""
        return bytes.fromhex(self.headers["x-bittensor-signature"][2:])


class Line:
    """The miner's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.sent = 0

    async def say(self, data: bytes) -> None:
        """Write, and wait until it is out; raises `ConnectionError` once the caller has gone."""
        if self.writer.transport.is_closing():
            raise ConnectionResetError
        self.writer.write(data)
        self.sent += len(data)
        await self.writer.drain()

    def cut(self) -> None:
        """Close the connection."""
        self.writer.close()

    async def gone(self) -> None:
        """Wait until the caller has closed the connection."""
        with suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass


Behaviour = Callable[[Question, Line], Awaitable[None]]


class Miner:
    """The server, and what it has seen."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.questions: list[Question] = []
        self.connections = 0
        self.open: set[asyncio.Task[None]] = set()
        self.url = ""
        self.address = MINER.ss58_address
        self._behaviour = behaviour

    @property
    def peer(self) -> Peer:
        """This miner as a client asks it."""
        return Peer(self.address, self.url)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        self.connections += 1
        try:
            while (question := await read_question(reader)) is not None:
                self.questions.append(question)
                await self._behaviour(question, Line(reader, writer))
        except (ConnectionError, asyncio.CancelledError):
            pass  # the caller has left, or the test is over
        finally:
            self.open.discard(task)
            writer.transport.abort()

    async def deserted(self, within_s: float = 1.0) -> bool:
        """Whether every connection is closed by the other side within this time."""
        if self.open:
            await asyncio.wait(tuple(self.open), timeout=within_s)
        return not self.open


@asynccontextmanager
async def misbehaving(behaviour: Behaviour, *, host: str = "127.0.0.1") -> AsyncIterator[Miner]:
    """Run such a miner."""
    it = Miner(behaviour)
    server = await asyncio.start_server(it.serve, host, 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    it.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        yield it
    finally:
        server.close()
        for task in tuple(it.open):
            task.cancel()
        await asyncio.gather(*it.open, return_exceptions=True)


@contextmanager
def misbehaving_elsewhere(behaviour: Behaviour) -> Iterator[Miner]:
    """Run such a miner in a thread of its own, so that it goes on while the caller's event loop is blocked."""
    ready: Future[tuple[Miner, Callable[[], object]]] = Future()

    async def run() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        async with misbehaving(behaviour) as it:
            ready.set_result((it, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    thread = Thread(target=asyncio.run, args=(run(),))
    thread.start()
    it, stop = ready.result(5)
    try:
        yield it
    finally:
        stop()
        thread.join()


@asynccontextmanager
async def asked(behaviour: Behaviour, *, timeout_s: float = 5.0) -> AsyncIterator[tuple[Client, Miner]]:
    """A client, and a miner that behaves like this."""
    async with misbehaving(behaviour) as it, Client(VALIDATOR, ClientOptions(timeout_s=timeout_s)) as client:
        yield client, it


async def read_question(reader: asyncio.StreamReader) -> Question | None:
    """The next request on a connection, or None where it was closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        return Question(head[0], headers, await reader.readexactly(int(headers.get("content-length", "0"))))
    except asyncio.IncompleteReadError:
        return None


async def read_response(reader: asyncio.StreamReader) -> bytes:
    """One whole response with a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return head + await reader.readexactly(int(length))


def sealed(
    question: Question, body: bytes, *, key: Keypair = MINER, status: int = 200, content_type: str = MSGPACK
) -> dict[str, str]:
    """The headers with which `key` answers this question."""
    said = seal.Said(status, content_type, seal.reply_digest(body))
    headers = {name.decode(): value.decode() for name, value in seal.seal(key, said, question.signature)}
    return {"content-type": content_type, **headers}


def response(body: bytes, headers: Mapping[str, str], *, status: int = 200) -> bytes:
    """A whole response on the wire."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("latin-1") + body


def honest(question: Question, text: str = "hi") -> bytes:
    """What an honest miner answers."""
    body = msgspec.msgpack.encode({"text": text})
    return response(body, sealed(question, body))


def fault(code: str, message: str = "no") -> bytes:
    """The body of an error."""
    return msgspec.json.encode({"error": {"code": code, "message": message, "help": ""}})


def streamed(frames: Iterable[bytes], *, content_type: str = STREAM) -> bytes:
    """A whole streamed response on the wire, each frame a chunk of its own."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    return head + b"".join(map(chunk, frames)) + chunk(b"")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def saying(data: bytes | Callable[[Question], bytes]) -> Behaviour:
    """Answer with exactly these bytes."""

    async def say(question: Question, line: Line) -> None:
        await line.say(data if isinstance(data, bytes) else data(question))

    return say


def saying_then_cutting(data: bytes | Callable[[Question], bytes]) -> Behaviour:
    """Answer with exactly these bytes and close the connection."""

    async def say(question: Question, line: Line) -> None:
        await saying(data)(question, line)
        line.cut()

    return say


async def silent(question: Question, line: Line) -> None:
    """Never answer."""
    await line.gone()


__all__ = [
    "Ask",
    "Behaviour",
    "Line",
    "MINER",
    "MSGPACK",
    "Miner",
    "OTHER",
    "Question",
    "STREAM",
    "VALIDATOR",
    "asked",
    "chunk",
    "fault",
    "has_ipv6",
    "honest",
    "misbehaving",
    "misbehaving_elsewhere",
    "read_question",
    "read_response",
    "response",
    "saying",
    "saying_then_cutting",
    "sealed",
    "silent",
    "streamed",
]
