# SPDX-License-Identifier: Apache-2.0
"""The connections to a server that does an engine's work: each wait has an end, each answer a size, no error the key.

Nothing is sent twice that may have been begun: asked again is only a server that refused the connection, or that said
it is too busy before it said anything else.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Final, TypeVar

import aiohttp
from yarl import URL

from miners.engines.completions import said
from protocols.clock import Clock
from protocols.errors import DeadlineExceeded, EngineFailed, ModelUnloadable, Overloaded, SubnetError
from protocols.faults import retry_after

__all__ = ["Answer", "Upstream", "address"]

T = TypeVar("T")

_CONNECT_S: Final = 5.0
_IDLE_S: Final = 120.0
"""How long a server may say nothing while somebody still waits."""
_KEEP_S: Final = 2.0
"""Shorter than servers keep a connection that is not used, so that none is closed in the moment it is used again."""
_PAUSES_S: Final = (0.25, 0.5, 1.0)
"""Between one attempt and the next, at least."""
_FAULT_BYTES: Final = 4096


def address(url: str) -> URL:
    """A server's address as it was typed, checked; raises `ModelUnloadable`."""
    help = "name it like this: --url http://127.0.0.1:8000/v1"
    if "@" in url:
        # Not shown: it has a secret in it.
        raise ModelUnloadable("url has a user or password in it, expected none", help="set SUBNET_MINER_API_KEY")
    try:
        found = URL(url)
    except ValueError as error:
        raise ModelUnloadable(f"url is no address: {error}", help=help) from None
    if found.scheme not in ("http", "https") or not found.host or found.query_string or found.fragment:
        raise ModelUnloadable(f"url is {url!r}, expected http(s)://HOST:PORT/PATH", help=help)
    return found


class Upstream:
    """A server under one address; open it on the loop that asks."""

    def __init__(self, root: URL, key: str, clock: Clock) -> None:
        self.root = root
        self._key = key.strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ModelUnloadable("the api key has other characters than printable ASCII, expected none")
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        """Be ready to connect."""
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_S),
            headers=headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {}),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close all connections; whoever waits on one learns that it has ended."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def asked(self, path: str, body: bytes | None, deadline: float) -> AsyncIterator[Answer]:
        """The answer to a POST, or to a GET where there is no body; the connection is kept only if all was read."""
        response = await self._response(path, body, deadline)
        try:
            yield Answer(response, self, deadline)
        finally:
            # Not released: that would let a server go on with work that nobody waits for.
            response.close()

    async def within(self, deadline: float, work: Awaitable[T]) -> T:
        """What comes of a wait; raises `DeadlineExceeded`, or `EngineFailed` where the connection or patience ends."""
        left_s = deadline - self._clock.monotonic()
        try:
            async with asyncio.timeout(max(0.0, min(left_s, _IDLE_S))):
                return await work
        except TimeoutError as error:
            if left_s > _IDLE_S or isinstance(error, aiohttp.ClientError):
                raise EngineFailed(f"{self.root} did not answer in time: {type(error).__name__}") from None
            raise DeadlineExceeded("the model's server took longer than the time that was left") from None
        except (aiohttp.ClientError, OSError) as error:
            was_refused = isinstance(error, aiohttp.ClientConnectorError) and error.errno == errno.ECONNREFUSED
            # Without its cause: what aiohttp raises may carry the request's headers, and the key in them.
            raise EngineFailed(
                f"connection to {self.root} failed: {self.said(str(error).encode())}",
                retry_after_s=0.0 if was_refused else None,
            ) from None

    def said(self, data: bytes) -> str:
        """The server's words as an error may repeat them."""
        return said(data, self._key)

    async def _response(self, path: str, body: bytes | None, deadline: float) -> aiohttp.ClientResponse:
        for pause_s in _PAUSES_S:
            try:
                return await self._attempt(path, body, deadline)
            except SubnetError as error:
                # Only those errors name a time after which nothing was begun.
                if error.retry_after_s is None:
                    raise
                wait_s = max(pause_s, error.retry_after_s)
                if wait_s >= deadline - self._clock.monotonic():
                    raise
            await self._clock.sleep(wait_s)
        return await self._attempt(path, body, deadline)

    async def _attempt(self, path: str, body: bytes | None, deadline: float) -> aiohttp.ClientResponse:
        if self._session is None or self._session.closed:
            raise EngineFailed(f"the connection to {self.root} is not open, expected a started engine")
        url, method = self.root / path, "GET" if body is None else "POST"
        data = None if body is None else BytesIO(body)  # written in parts, where bytes would go all at once
        response = await self.within(deadline, self._session.request(method, url, data=data, allow_redirects=False))
        if response.status == 200:
            return response
        try:
            fault = await Answer(response, self, deadline).piece()
        finally:
            response.close()
        if response.status in (429, 503):
            # Told to strangers, so nothing of what the server said, or where it is.
            busy = f"the model's server answered {response.status}, expected 200"
            raise Overloaded(busy, retry_after_s=retry_after(response.headers) or 0.0)
        raise EngineFailed(f"{url} answered {response.status}, expected 200: {self.said(fault[:_FAULT_BYTES])}")


@dataclass(slots=True)
class Answer:
    """A response of which only the head was read."""

    response: aiohttp.ClientResponse
    upstream: Upstream
    deadline: float

    @property
    def kind(self) -> str:
        """Its media type."""
        return self.response.content_type

    async def piece(self) -> bytes:
        """The bytes that have come since; none at the end."""
        return await self.upstream.within(self.deadline, self.response.content.readany())

    async def whole(self, limit: int) -> bytes:
        """All that it says, up to so many bytes."""
        data = bytearray()
        while piece := await self.piece():
            data += piece
            if len(data) > limit:
                raise EngineFailed(f"{self.upstream.root} sent more than {limit} bytes, expected fewer")
        return bytes(data)
