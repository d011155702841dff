# SPDX-License-Identifier: Apache-2.0
"""A neutral load generator: the same sockets, loop and check for every server, so that only the server differs.

It keeps a fixed number of connections busy, signs every request at the moment it sends it, and asks for nothing but
status 200. An HTTP client would be the bottleneck here: aiohttp alone costs more a request than a thin server does.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import uvloop
from bittensor_core import Keypair

from tests.bench.harness.child import Channel

_VALIDATOR = Keypair.create_from_uri("//Alice")
_MINER = Keypair.create_from_uri("//Bob").ss58_address
_NO_FIELDS = hashlib.sha3_256(b"").hexdigest()

Request = Callable[[], bytes]


def _http(target: str, body: bytes, headers: dict[str, str]) -> Callable[[dict[str, str]], bytes]:
    """A request whose unsigned part is rendered once."""
    lines = {"Host": "127.0.0.1", "Content-Length": str(len(body)), **headers}
    start = f"POST {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    def render(signed: dict[str, str]) -> bytes:
        return (start + "".join(f"{name}: {value}\r\n" for name, value in signed.items()) + "\r\n").encode() + body

    return render


def btauth(target: str, body: bytes, content_type: str) -> Request:
    """Requests of bittensor 11: `btauth/1` over the raw body."""
    fixed = {"Content-Type": content_type, "X-Bittensor-Version": "1", "X-Bittensor-Receiver": _MINER}
    fixed["X-Bittensor-Hotkey"] = _VALIDATOR.ss58_address
    render = _http(target, body, fixed)
    sender, digest = _VALIDATOR.ss58_address, hashlib.sha256(body).hexdigest()

    def request() -> bytes:
        nonce = str(time.time_ns())
        payload = "\n".join(("btauth/1", "sr25519", "POST", target, digest, nonce, sender, _MINER))
        signature = _VALIDATOR.sign(payload.encode()).hex()
        return render({"X-Bittensor-Nonce": nonce, "X-Bittensor-Signature": f"0x{signature}"})

    return request


def v10(target: str, body: bytes, content_type: str) -> Request:
    """Requests of bittensor 10, headers and body as a dendrite sends them.

    One uuid a connection, because an axon refuses nonces of one uuid that overtake each other.
    """
    name, ours, hotkey = target.removeprefix("/"), str(uuid.uuid4()), _VALIDATOR.ss58_address
    dendrite: dict[str, object] = {"ip": "127.0.0.1", "version": 10005000, "uuid": ours, "hotkey": hotkey}
    axon: dict[str, object] = {"ip": "127.0.0.1", "port": 8091, "hotkey": _MINER}
    fixed = {
        "Content-Type": content_type,
        "name": name,
        "timeout": "12.0",
        **{f"bt_header_axon_{key}": str(value) for key, value in axon.items()},
        **{f"bt_header_dendrite_{key}": str(value) for key, value in dendrite.items()},
        "bt_header_input_obj_text": base64.b64encode(b'""').decode(),
        "header_size": "464",
        "total_size": "3107",
        "computed_body_hash": _NO_FIELDS,
    }
    common = {"name": name, "timeout": 12.0, "total_size": 3107, "header_size": 0, "computed_body_hash": ""}
    whole = common | {"dendrite": _terminal(dendrite), "axon": _terminal(axon)} | json.loads(body)
    render = _http(target, json.dumps(whole).encode(), fixed)

    def request() -> bytes:
        nonce = str(time.time_ns())
        signature = _VALIDATOR.sign(f"{nonce}.{hotkey}.{_MINER}.{ours}.{_NO_FIELDS}".encode()).hex()
        return render({"bt_header_dendrite_nonce": nonce, "bt_header_dendrite_signature": f"0x{signature}"})

    return request


def _terminal(known: dict[str, object]) -> dict[str, object]:
    seldom = dict.fromkeys(("status_code", "status_message", "process_time", "port", "version", "nonce", "uuid"))
    return {**seldom, "signature": None, **known}


DIALECTS = {"btauth": btauth, "v10": v10}


@dataclass
class Tally:
    """How many requests are left to send and to come back, and how many came back wrong."""

    to_send: int
    to_come: int
    failed: int
    done: asyncio.Event


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request in flight."""

    def __init__(self, request: Request, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count a complete reply and send the next request."""
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0 or len(self._received) < head + 4 + _content_length(self._received[:head]):
            return
        good = self._received.startswith(b"HTTP/1.1 200")
        self._received.clear()
        self._back(good)
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """A connection that the server closed loses the request in flight."""
        if self._tally.to_come > 0:
            self._back(False)

    def close(self) -> None:
        """Close this end."""
        if self._transport is not None:
            self._transport.close()

    def _back(self, good: bool) -> None:
        tally = self._tally
        tally.to_come -= 1
        tally.failed += not good
        if tally.to_come == 0:
            tally.done.set()

    def _send(self) -> None:
        if self._tally.to_send > 0 and self._transport is not None:
            self._tally.to_send -= 1
            self._transport.write(self._request())


def _content_length(head: bytearray) -> int:
    lowered = bytes(head).lower()
    start = lowered.index(b"content-length:") + 15
    end = lowered.find(b"\r\n", start)
    return int(lowered[start : end if end > 0 else None])


async def load(port: int, requests: list[Request], count: int) -> Tally:
    """Send `count` requests over one connection for each of `requests`."""
    tally = Tally(to_send=count, to_come=count, failed=0, done=asyncio.Event())
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda request=request: Connection(request, tally), "127.0.0.1", port)  # type: ignore[misc]
        for request in requests
    ]
    await tally.done.wait()
    for _, connection in opened:
        connection.close()
    return tally


async def run(channel: Channel) -> None:
    """Load servers as commanded."""
    channel.say({"ready": True})
    async for command in channel.commands():
        make, body = DIALECTS[command["dialect"]], command["body"].encode()
        requests = [make(command["target"], body, "application/json") for _ in range(command["connections"])]
        wall, cpu = time.perf_counter(), time.process_time()
        tally = await load(command["port"], requests, command["calls"])
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        channel.say({"wall_s": wall, "client_busy": cpu / wall, "failed": tally.failed})


if __name__ == "__main__":
    uvloop.run(run(Channel()))
