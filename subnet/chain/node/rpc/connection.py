# SPDX-License-Identifier: Apache-2.0
"""One connection until it is known what it speaks: HTTP, or WebSocket from some request on.

Both share one port, as on a Substrate node. HTTP and its bounds are those of our other servers; a request that asks
for a WebSocket is recognised before they see it, since there they are refused.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from uvicorn import Config

from protocols.server.door import Door
from protocols.server.guard import GuardedProtocol
from subnet.chain.node.rpc.websocket import Office, WebSocket

__all__ = ["Connection"]

_GET: Final = b"GET "
_END: Final = b"\r\n\r\n"
_UPGRADE: Final = re.compile(rb"\r\nupgrade[ \t]*:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)


class Connection(GuardedProtocol):
    """A connection that can become a WebSocket."""

    def __init__(self, config: Config, door: Door, office: Office) -> None:
        super().__init__(config, door)
        self._office = office
        self._head = b""
        self._raw: asyncio.Transport | None = None
        self.websocket: WebSocket | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        self._raw = transport
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, holding back the head of a GET until it is known what for."""
        if self.arriving or self.answering:
            super().data_received(data)
            return
        self._head += data
        if self._head[:4] != _GET[: len(self._head)]:
            self._pass_on()
        elif _END in self._head or len(self._head) > self._door.limits.head_bytes:
            if _UPGRADE.search(self._head.partition(_END)[0] + b"\r\n"):
                self._become_websocket()
            else:
                self._pass_on()

    def abort(self) -> None:
        """Drop the connection, whatever it speaks."""
        if self._raw is not None:
            self._raw.abort()

    def _pass_on(self) -> None:
        data, self._head = self._head, b""
        super().data_received(data)

    def _become_websocket(self) -> None:
        assert self._raw is not None
        data, self._head = self._head, b""
        # From here on only the other protocol sets timers; this one stays to be counted until the connection ends.
        self._disarm()
        if self._idle is not None:
            self._idle.cancel()
        self.websocket = WebSocket(self._office, self._raw, self.connection_lost)
        self._raw.set_protocol(self.websocket)
        self.websocket.data_received(data)
