# SPDX-License-Identifier: Apache-2.0
"""A JSON-RPC client over a WebSocket that costs next to nothing: what is timed is the node, not whoever asks it.

Frames are put together before the clock starts, with a mask of zeros, and sent as they are. Messages of the node that
come in several frames are not understood: the nodes measured here send none.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Final, Self

from tests.bench.harness.peer import PeerFailed

__all__ = ["Wire", "frame", "free_port", "ready"]

_ANSWER_S: Final = 60.0
_START_S: Final = 120.0
_TEXT, _CLOSE, _PING = 1, 8, 9
_READ: Final = 1 << 16


def frame(message: str, opcode: int = _TEXT) -> bytes:
    """A message as it is sent."""
    data = message.encode()
    size = len(data)
    if size < 126:
        length = bytes([size | 0x80])
    elif size < 1 << 16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + data


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def ready(port: int, alive: Callable[[], bool], since: float) -> float:
    """Seconds from `since` until a node answers for its newest block; raises `PeerFailed`."""
    while alive() and time.perf_counter() - since < _START_S:
        try:
            with Wire(port) as wire:
                wire.ask("chain_getHeader")
                return time.perf_counter() - since
        except (ConnectionError, PeerFailed):
            time.sleep(0.002)
    raise PeerFailed(f"a node did not serve a block within {_START_S:g} s")


class Wire:
    """One connection to a node on this machine."""

    def __init__(self, port: int) -> None:
        """Connect; raises `OSError` where nobody listens yet."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = bytearray()
        self._id = 0
        self._shake_hands(port)

    def _shake_hands(self, port: int) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        while b"\r\n\r\n" not in self._rest:
            self._more()
        status, _, self._rest = self._rest.partition(b"\r\n\r\n")
        if b" 101 " not in status:
            raise PeerFailed(f"the node does not speak WebSocket: {status[:80]!r}")

    def ask(self, method: str, *params: object) -> Any:
        """One call and its result; notifications that come in between are lost."""
        wanted = self.request(method, *params)
        while (said := json.loads(self.receive())).get("id") != wanted:
            pass
        if "error" in said:
            raise PeerFailed(f"{method}: {said['error']}")
        return said["result"]

    def request(self, method: str, *params: object) -> int:
        """Send a call; the id that its answer will have."""
        self._id += 1
        call = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        self.send(frame(json.dumps(call)))
        return self._id

    def send(self, frames: bytes) -> None:
        """Send frames."""
        self._socket.sendall(frames)

    def receive(self) -> bytes:
        """The next message."""
        while True:
            opcode, data = self._frame()
            if opcode == _CLOSE:
                raise PeerFailed(f"the node hung up: {data[2:].decode(errors='replace')}")
            if opcode != _PING:
                return data
            self.send(frame(data.decode(), 10))

    def _frame(self) -> tuple[int, bytes]:
        rest = self._rest
        while len(rest) < 2:
            self._more()
        size, at = rest[1], 2
        if size > 125:
            at = 4 if size == 126 else 10
            while len(rest) < at:
                self._more()
            size = int.from_bytes(rest[2:at], "big")
        while len(rest) < at + size:
            self._more()
        opcode, data = rest[0] & 15, bytes(rest[at : at + size])
        del rest[: at + size]
        return opcode, data

    def _more(self) -> None:
        try:
            data = self._socket.recv(_READ)
        except TimeoutError:
            raise PeerFailed(f"the node gave no answer within {_ANSWER_S:g} s") from None
        if not data:
            raise PeerFailed("the node hung up")
        self._rest += data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
