# SPDX-License-Identifier: Apache-2.0
"""The recipe of bittensor 11: FastAPI on uvicorn with `http_auth.verify`, asked by aiohttp with `http_auth.sign`.

What a subnet gets by following the official guide for signed requests: uvloop and httptools, models in and out are
pydantic's, raw bytes go out as a plain `Response`, nothing is logged a request, and the client opens as many
connections as it needs. It does not sign its replies.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import aiohttp
import numpy as np
import uvicorn
import uvloop
from bittensor import http_auth
from bittensor_core import Keypair
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

from tests.bench.harness.child import TENSOR_FLOATS, TEXT, Asker, Channel, drive, listen, serve

MINER = Keypair.create_from_uri("//Bob")
VALIDATOR = Keypair.create_from_uri("//Alice")
_KEEP_ALIVE_S = 75

app = FastAPI()


class Ask(BaseModel):
    """What is asked: the text comes back after the delay."""

    text: str
    delay: float = 0.0


class Answer(BaseModel):
    """What is answered."""

    text: str


async def _verified(request: Request) -> bytes:
    body = await request.body()
    try:
        http_auth.verify(
            request.headers,
            body,
            method=request.method,
            path=request.url.path,
            self_hotkey_ss58=MINER.ss58_address,
        )
    except http_auth.AuthError as error:
        raise HTTPException(status_code=401, detail=str(error)) from error
    return body


@app.post("/generate")
async def generate(request: Request) -> Answer:
    """Echo a text."""
    ask = Ask.model_validate_json(await _verified(request))
    if ask.delay:
        await asyncio.sleep(ask.delay)
    return Answer(text=ask.text)


@app.post("/tensor")
async def tensor(request: Request) -> Response:
    """Echo raw bytes, read as the array they are."""
    array = np.frombuffer(await _verified(request), dtype=np.float32)
    return Response(content=array.tobytes(), media_type="application/octet-stream")


async def miners(channel: Channel, count: int) -> None:
    """Serve that many miners, each with its own port and its own uvicorn."""
    sockets = listen(count)
    config = uvicorn.Config(
        app, http="httptools", log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=_KEEP_ALIVE_S
    )
    await serve(channel, [uvicorn.Server(config) for _ in sockets], sockets)


class Client:
    """A validator that follows the recipe."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._tensor = np.arange(TENSOR_FLOATS, dtype=np.float32)

    async def _post(self, port: int, path: str, body: bytes, content_type: str, deadline: float) -> bytes | None:
        headers = http_auth.sign(VALIDATOR, method="POST", path=path, body=body, receiver_ss58=MINER.ss58_address)
        headers["Content-Type"] = content_type
        url = f"http://127.0.0.1:{port}{path}"
        timeout = aiohttp.ClientTimeout(total=deadline)
        try:
            async with self._session.post(url, data=body, headers=headers, timeout=timeout) as response:
                return await response.read() if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def echo(self, port: int, delay: float = 0.0, deadline: float = 12.0) -> bool:
        """One signed echo of 64 bytes."""
        body = Ask(text=TEXT, delay=delay).model_dump_json().encode()
        reply = await self._post(port, "/generate", body, "application/json", deadline)
        return reply is not None and Answer.model_validate_json(reply).text == TEXT

    async def tensor(self, port: int) -> bool:
        """One mebibyte of floats, there and back."""
        reply = await self._post(port, "/tensor", self._tensor.tobytes(), "application/octet-stream", 12.0)
        if reply is None:
            return False
        array = np.frombuffer(reply, dtype=np.float32)
        return array.shape == self._tensor.shape and bool(array[-1] == self._tensor[-1])

    async def round(self, ports: Sequence[int], *, delay: float, deadline: float) -> int:
        """Ask all at once."""
        return sum(await asyncio.gather(*(self.echo(port, delay, deadline) for port in ports)))


async def ask(channel: Channel) -> None:
    """Be a client until told to stop."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        client = Client(session)
        await drive(Asker(calls={"echo": client.echo, "tensor": client.tensor}, round=client.round), channel)


def main() -> None:
    """`server MINERS` or `client`."""
    channel, (role, *count) = Channel(), sys.argv[1:]
    uvloop.run(miners(channel, int(count[0])) if role == "server" else ask(channel))


if __name__ == "__main__":
    main()
