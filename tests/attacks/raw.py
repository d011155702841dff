# SPDX-License-Identifier: Apache-2.0
"""HTTP without manners: what a client library would never send, and what really comes back for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from yarl import URL

Headers = Iterable[tuple[str, str]]

PATIENCE_S = 10.0
"""How long anything here may take before it is called a hang."""


@dataclass(frozen=True)
class Response:
    """What came back, headers as they came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header that is there at most once."""
        values = [value for given, value in self.headers if given == name]
        assert len(values) <= 1, f"{name} is given {len(values)} times"
        return values[0] if values else None

    @property
    def error(self) -> dict[str, str]:
        """The error that a refusal carries, in exactly the shape that is promised."""
        assert self.header("content-type") == "application/json", self.headers
        assert len(self.body) <= 1024, self.body
        fault = json.loads(self.body)
        assert list(fault) == ["error"], fault
        assert sorted(fault["error"]) == ["code", "help", "message"], fault
        assert "Traceback" not in fault["error"]["message"]
        error: dict[str, str] = fault["error"]
        return error

    @property
    def code(self) -> str:
        """The error's code."""
        return self.error["code"]

    def refuses(self, status: int, code: str) -> bool:
        """Whether this is that refusal, unsigned, on a connection that ends."""
        assert (self.status, self.code) == (status, code)
        return not self.signed and self.header("connection") == "close"

    @property
    def signed(self) -> bool:
        """Whether the server put its name to this."""
        return any(name.startswith("x-subnet-") for name, _ in self.headers)

    def json(self) -> Any:
        """The body of a page or reply."""
        return json.loads(self.body)


class Connection:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write, whether or not anybody still reads."""
        self.writer.write(data)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.writer.drain()
        except ConnectionError:
            return

    async def flood(self, piece: bytes, limit: int) -> tuple[int, Response | None]:
        """Send the same again and again until the server answers or closes; returns how much was sent, and the answer.

        `limit` only bounds a test that fails.
        """
        sent, answered = 0, asyncio.create_task(self.last())
        async with asyncio.timeout(PATIENCE_S):
            while sent < limit and not answered.done() and not self.writer.is_closing():
                self.writer.write(piece)
                sent += len(piece)
                drained = asyncio.create_task(self.writer.drain())
                await asyncio.wait({drained, answered}, return_when=asyncio.FIRST_COMPLETED)
                drained.cancel()
                await asyncio.wait({drained})
            return sent, await answered

    async def last(self) -> Response | None:
        """The next response, or None where the server closed without one."""
        try:
            return await self.response()
        except (ConnectionError, asyncio.IncompleteReadError):
            return None

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        """The status line and headers of the next response."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")[:-2]
        version, status, *_ = lines[0].split(" ")
        assert version == "HTTP/1.1", lines[0]
        pairs = [line.partition(":") for line in lines[1:]]
        return int(status), [(name.lower(), value.strip()) for name, _, value in pairs]

    async def response(self, method: str = "POST") -> Response:
        """The next response, whole."""
        async with asyncio.timeout(PATIENCE_S):
            status, headers = await self.head()
            named = dict(headers)
            if method == "HEAD":
                return Response(status, headers, b"")
            if named.get("transfer-encoding") == "chunked":
                return Response(status, headers, b"".join([chunk async for chunk in self.chunks()]))
            return Response(status, headers, await self.reader.readexactly(int(named["content-length"])))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces of a chunked body."""
        while True:
            size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
            piece = await self.reader.readexactly(size + 2)
            if size == 0:
                return
            yield piece[:-2]

    async def ended(self, within_s: float = PATIENCE_S) -> bytes:
        """Whatever else comes until the server closes, which it must do in time."""
        rest = bytearray()
        async with asyncio.timeout(within_s):
            try:
                while piece := await self.reader.read(65_536):
                    rest += piece
            except ConnectionError:
                pass
        return bytes(rest)

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


@asynccontextmanager
async def connect(url: str, *, read_ahead: int = 1 << 20) -> AsyncIterator[Connection]:
    """A connection to a server, closed afterwards."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port, limit=read_ahead)
    connection = Connection(reader, writer)
    try:
        yield connection
    finally:
        await connection.close()


async def exchange(url: str, data: bytes, *, method: str = "POST") -> Response:
    """Send these bytes on a connection of their own and read one response."""
    async with connect(url) as connection:
        await connection.send(data)
        return await connection.response(method)


async def get(url: str, path: str) -> Response:
    """Read a page."""
    return await exchange(url, request(path, method="GET"), method="GET")


def request(
    target: str = "/Ask",
    headers: Headers = (),
    body: bytes = b"",
    *,
    method: str = "POST",
    version: str = "HTTP/1.1",
    framed: bool = True,
) -> bytes:
    """The bytes of a request; not `framed` leaves it to the headers to say how long the body is."""
    length = [("Content-Length", str(len(body)))] if framed and (body or method == "POST") else []
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in [*headers, *length])]
    if version == "HTTP/1.1":
        lines.insert(1, "Host: miner")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
