# SPDX-License-Identifier: Apache-2.0
"""Queries over HTTP with aiohttp's connections and parser: no redirects, no cookies, no proxies, no decompression.

aiohttp opens, keeps and reads the connections. Its session, which does for each request what a browser needs, is left
out: it costs as much as a signature, and the other end is a stranger who may answer with a redirect to an inside
address, a bomb, or a body without end. What aiohttp itself does not promise to keep is used in this file only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.connector import Connection
from aiohttp.http_writer import StreamWriter
from yarl import URL

from protocols.allocator import keep_large_blocks
from protocols.dialect import Arrived
from protocols.errors import Disconnected, MalformedReply, ReplyTooLarge, Unreachable
from protocols.transport import Depart

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
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, body: bytes, depart: Depart) -> HttpArrival:
        """Send a POST; raises `Unreachable` where nothing was sent and `Disconnected` where it may have been."""
        session = self._session or self._open()
        try:
            request = _Request(URL(url, encoded=True), body, session)
        except ValueError as error:
            raise Unreachable(f"{url[:200]!r} is not an address that can be asked") from error
        connection = await self._connect(session, request, url)
        try:
            request.depart = depart
            response = await request.send(connection)
            await response.start(connection)
        except aiohttp.ClientResponseError as error:
            connection.close()
            raise MalformedReply(f"{url} did not answer in HTTP: {str(error)[:200]}") from error
        except (aiohttp.ClientError, OSError) as error:
            connection.close()
            raise Disconnected(f"connection to {url} ended before a reply: {error!r}"[:300]) from error
        except BaseException:
            connection.close()
            raise
        return HttpArrival(response)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _connect(self, session: aiohttp.ClientSession, request: ClientRequest, url: str) -> Connection:
        options, connector = self._options, session.connector
        assert connector is not None
        try:
            connection = await connector.connect(request, [], aiohttp.ClientTimeout(connect=options.connect_s))
        except TimeoutError as error:
            raise Unreachable(f"no connection to {url} within {options.connect_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"no connection to {url}: {error!s}"[:300]) from error
        assert connection.protocol is not None
        connection.protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=options.read_buffer,
            max_line_size=options.head_line,
            max_field_size=options.head_line,
            max_headers=options.head_count,
        )
        return connection

    def _open(self) -> aiohttp.ClientSession:
        keep_large_blocks()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=self._options.keep_alive_s, ttl_dns_cache=300)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        return self._session


class _Request(ClientRequest):
    """A POST with our headers and no others, signed when it really leaves, with a connection in hand."""

    depart: Depart

    def __init__(self, url: URL, body: bytes, session: aiohttp.ClientSession) -> None:
        super().__init__("POST", url, loop=asyncio.get_running_loop(), session=session)
        self._bytes = body

    async def send(self, conn: Connection) -> ClientResponse:
        """Write head and body at once, without aiohttp's task for bodies that are still being made."""
        protocol = conn.protocol
        assert protocol is not None
        assert protocol.transport is not None
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

    __slots__ = ("_response", "head")

    def __init__(self, response: ClientResponse) -> None:
        self._response = response
        self.head = Arrived(response.status, response.headers)

    async def read(self, limit: int) -> bytes:
        """The whole body, up to `limit`."""
        length = self._response.content_length
        if length is not None and length > limit:
            raise ReplyTooLarge(f"reply has {length} bytes, at most {limit} are read")
        pieces, size = [], 0
        while piece := await self._next():
            size += len(piece)
            if size > limit:
                raise ReplyTooLarge(f"reply has over {size} bytes, at most {limit} are read")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while piece := await self._next():
            yield piece

    def release(self) -> None:
        """Keep the connection where the body was read to its end, close it otherwise."""
        # aiohttp's own `release` would wait for the rest of a body that a hostile peer never ends.
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()

    async def _next(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise Disconnected(f"connection ended within the reply: {error!r}"[:300]) from error


__all__ = ["HttpArrival", "HttpOptions", "HttpTransport"]
