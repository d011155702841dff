# SPDX-License-Identifier: Apache-2.0
"""Queries over HTTP with aiohttp's connections and parser: no redirects, no cookies, no proxies, no decompression.

aiohttp opens, keeps and reads the connections. Its session, which does for each request what a browser needs, is left
out: it costs as much as a signature, and the other end is a stranger who may answer with a redirect to an inside
address, a bomb, or a body without end. What aiohttp itself does not promise to keep is used in this file only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.connector import Connection
from aiohttp.helpers import _EXC_SENTINEL
from aiohttp.http_writer import StreamWriter
from yarl import URL

from protocols.allocator import keep_large_blocks
from protocols.dialect import Arrived
from protocols.errors import Disconnected, MalformedReply, ReplyTooLarge, Unreachable
from protocols.faults import printable
from protocols.transport import Depart, read_whole

_JOINED_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Bounds of the client's connections."""

    connect_s: float = 4.0
    """Time to open a connection; it does not count against the miner's deadline."""
    keep_alive_s: float = 30.0
    """Idle time after which a connection is closed; shorter than the server's, which would otherwise close it first."""
    read_buffer: int = 1 << 20
    """Bytes read ahead of us before the connection is paused."""
    head_line: int = 8_190
    """Length of a line in the head of a reply."""
    head_count: int = 64
    """Number of headers of a reply."""


class HttpTransport:
    """Opens its first connection inside the running event loop; `close` it in the same."""

    def __init__(self, options: HttpOptions | None = None) -> None:
        self._options = options or HttpOptions()
        self._timeout = aiohttp.ClientTimeout(connect=self._options.connect_s)
        self._session: aiohttp.ClientSession | None = None
        self._arrivals: set[HttpArrival] = set()
        self._closed = False

    async def send(self, url: str, body: bytes, depart: Depart) -> HttpArrival:
        """Send a POST; raises `Unreachable` where nothing was sent and `Disconnected` where it may have been."""
        session = self._session or self._open()
        request = _request(url, body, session)
        connection = await self._connect(session, request)
        try:
            request.depart = depart
            response = await request.send(connection)
            await response.start(connection)
        except aiohttp.ClientResponseError as error:
            _abandon(connection)
            raise MalformedReply(_said(f"{url} did not answer in HTTP", error.message)) from error
        except (aiohttp.ClientError, OSError) as error:
            _abandon(connection)
            raise Disconnected(_said(f"connection to {url} ended before a reply", repr(error))) from error
        except BaseException:
            _abandon(connection)
            raise
        arrival = HttpArrival(response, self._arrivals.discard)
        self._arrivals.add(arrival)
        return arrival

    async def close(self) -> None:
        """Close all connections; whoever still waits on one learns that it has ended."""
        self._closed = True
        for arrival in tuple(self._arrivals):
            arrival.release()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _connect(self, session: aiohttp.ClientSession, request: ClientRequest) -> Connection:
        options = self._options
        connection = await self._take(session, request)
        if _protocol(connection).should_close:
            # Something was said on a kept connection before it was asked: our answer will not be found behind that.
            _abandon(connection)
            connection = await self._take(session, request)
        _protocol(connection).set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=options.read_buffer,
            max_line_size=options.head_line,
            max_field_size=options.head_line,
            max_headers=options.head_count,
        )
        return connection

    async def _take(self, session: aiohttp.ClientSession, request: ClientRequest) -> Connection:
        url, connector = request.url, session.connector
        try:
            if connector is None:
                raise Unreachable(f"this client is closed, nothing was sent to {url}")
            return await connector.connect(request, [], self._timeout)
        except TimeoutError as error:
            raise Unreachable(
                _said(f"no connection to {url}", f"not open within {self._options.connect_s:g} s")
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # A host that cannot be a name is found out only when it is looked up, as a ValueError.
            raise Unreachable(_said(f"no connection to {url}", str(error))) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise Unreachable("this client is closed, nothing was sent")
        keep_large_blocks()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=self._options.keep_alive_s, ttl_dns_cache=300)
        factory: Callable[[asyncio.AbstractEventLoop], ResponseHandler] = _Handler
        connector._factory = partial(factory, asyncio.get_running_loop())
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        return self._session


class _Handler(ResponseHandler):
    """One connection; where it breaks within a body, whoever reads that body learns it at once."""

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """Fail the reply whose head is awaited, and the one whose body is."""
        payload = self._payload
        super().set_exception(exc, exc_cause)
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(aiohttp.ClientPayloadError(str(exc)))


class _Request(ClientRequest):
    """A POST with our headers and no others, signed when it really leaves, with a connection in hand."""

    depart: Depart

    def __init__(self, url: URL, body: bytes, session: aiohttp.ClientSession) -> None:
        super().__init__("POST", url, loop=asyncio.get_running_loop(), session=session)
        self._bytes = body

    async def send(self, conn: Connection) -> ClientResponse:
        """Write head and body at once, without aiohttp's task for bodies that are still being made."""
        protocol = _protocol(conn)
        if protocol.transport is None:
            raise aiohttp.ServerDisconnectedError
        writer = StreamWriter(protocol, self.loop)
        self.headers.update(self.depart())
        self.headers["Accept-Encoding"] = "identity"
        self.headers["Content-Length"] = str(len(self._bytes))
        await writer.write_headers(f"POST {self.url.raw_path_qs} HTTP/1.1", self.headers)
        if len(self._bytes) > _JOINED_BYTES:
            # aiohttp would copy head and body into one buffer, which for a tensor costs more than a second write.
            writer.send_headers()
            protocol.transport.write(self._bytes)
            await writer.write_eof()
        else:
            await writer.write_eof(self._bytes)
        return ClientResponse(
            "POST",
            self.url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add none of the headers that a browser would send."""


class HttpArrival:
    """A response of aiohttp's."""

    __slots__ = ("_on_release", "_response", "head")

    def __init__(self, response: ClientResponse, on_release: Callable[[HttpArrival], None]) -> None:
        self._response = response
        self._on_release = on_release
        self.head = Arrived(response.status, response.headers)

    async def read(self, limit: int) -> bytes:
        """The whole body, up to `limit`."""
        length = self._response.content_length
        if length is not None and length > limit:
            raise ReplyTooLarge(f"reply has {length} bytes, at most {limit} are read")
        return await read_whole(self, limit)

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        return self

    def __aiter__(self) -> HttpArrival:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise Disconnected(_said("connection ended within the reply", repr(error))) from error
        if not piece:
            raise StopAsyncIteration
        return piece

    def release(self) -> None:
        """Keep the connection where the body was read to its end, close it otherwise."""
        # aiohttp's own `release` would wait for the rest of a body that a hostile peer never ends.
        if self._response.content.at_eof():
            self._response.release()
        else:
            if self._response.connection is not None:
                _abandon(self._response.connection)
            self._response.close()
        self._on_release(self)


def _request(url: str, body: bytes, session: aiohttp.ClientSession) -> _Request:
    try:
        address = URL(url, encoded=True)
        if address.scheme in ("http", "https") and url.isprintable():
            return _Request(address, body, session)
    except ValueError:
        pass
    raise Unreachable(f"{url[:200]!a} is not an address that can be asked", help="write http://HOST:PORT")


def _protocol(connection: Connection) -> ResponseHandler:
    protocol = connection.protocol
    assert protocol is not None
    return protocol


def _abandon(connection: Connection) -> None:
    # Closing in order would wait until what we still have to say is read, which a hostile peer never does.
    if connection.protocol is not None:
        connection.protocol.abort()
    connection.close()


def _said(what: str, why: str) -> str:
    return printable(f"{what[:200]}: {why}"[:400])


__all__ = ["HttpArrival", "HttpOptions", "HttpTransport"]
