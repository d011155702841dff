# SPDX-License-Identifier: Apache-2.0
"""Ours under measurement: `Server` and `Client` with the options they have anyway, replies sealed and checked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import numpy as np
import uvloop

from protocols import synapse
from protocols.client import Client, Peer
from protocols.codec import MSGPACK
from protocols.keys import Keypair
from protocols.server import Context, Limits, Server
from protocols.synapse import Synapse
from protocols.tensor import Tensor
from tests.bench.harness.child import TENSOR_FLOATS, TEXT, Asker, Channel, drive, measure_codec

MINER = Keypair.from_uri("//Bob")
VALIDATOR = Keypair.from_uri("//Alice")


class Echo(Synapse):
    """The text comes back after the delay."""

    text: str
    delay: float = 0.0

    class Reply(synapse.Reply):
        """What is answered."""

        text: str


class Numbers(Synapse):
    """A tensor comes back; its designer allows more than the default of a message."""

    max_bytes = max_field_bytes = 1 << 22
    tensor: Tensor

    class Reply(synapse.Reply):
        """What is answered."""

        max_bytes = max_field_bytes = 1 << 22
        tensor: Tensor


async def echo(ask: Echo, ctx: Context) -> Echo.Reply:
    """Give the text back."""
    if ask.delay:
        await asyncio.sleep(ask.delay)
    return Echo.Reply(text=ask.text)


async def numbers(ask: Numbers, ctx: Context) -> Numbers.Reply:
    """Give the tensor back."""
    return Numbers.Reply(tensor=ask.tensor)


async def miners(channel: Channel, count: int) -> None:
    """Serve that many miners until told to stop."""
    servers = [Server(MINER, {Echo: echo, Numbers: numbers}) for _ in range(count)]
    urls = [await server.start() for server in servers]
    # A server with its replay window in memory accepts nothing until the clock skew is over.
    await asyncio.sleep(Limits().max_skew_s + 0.1)
    await channel.serving([int(url.rpartition(":")[2]) for url in urls])
    for server in servers:
        await server.stop(drain_s=0.0)


class Validator:
    """Our client, asking ports of this machine."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tensor = np.arange(TENSOR_FLOATS, dtype=np.float32)

    async def echo(self, port: int) -> bool:
        """One signed echo of 64 bytes."""
        outcome = await self._client.outcome(_peer(port), Echo(text=TEXT))
        return outcome.ok and outcome.reply.text == TEXT

    async def tensor(self, port: int) -> bool:
        """One mebibyte of floats, there and back."""
        outcome = await self._client.outcome(_peer(port), Numbers(tensor=Tensor(self._tensor)))
        if not outcome.ok:
            return False
        array = outcome.reply.tensor.array
        return array.shape == self._tensor.shape and bool(array[-1] == self._tensor[-1])

    async def round(self, ports: Sequence[int], *, delay: float, deadline: float) -> int:
        """Ask all at once."""
        peers = [_peer(port) for port in ports]
        outcomes = await self._client.ask_all(peers, Echo(text=TEXT, delay=delay), timeout_s=deadline)
        return sum(outcome.ok and outcome.reply.text == TEXT for outcome in outcomes)


def _peer(port: int) -> Peer:
    return Peer(MINER.ss58_address, f"http://127.0.0.1:{port}")


def codec() -> object:
    """100,000 floats in a reply, to MessagePack and back."""
    return MSGPACK.decode(MSGPACK.encode(Numbers.Reply(tensor=Tensor(_FLOATS))), Numbers.Reply).tensor.array


_FLOATS = np.arange(100_000, dtype=np.float32)


async def ask(channel: Channel) -> None:
    """Be a client until told to stop."""
    async with Client(VALIDATOR) as client:
        validator = Validator(client)
        await drive(Asker(calls={"echo": validator.echo, "tensor": validator.tensor}, round=validator.round), channel)


async def run(channel: Channel, role: str, count: str) -> None:
    """Be the server, the client or the codec."""
    if role == "server":
        await miners(channel, int(count))
    elif role == "codec":
        await measure_codec(codec, channel)
    else:
        await ask(channel)


def main() -> None:
    """`server MINERS`, `client` or `codec`."""
    channel, (role, *count) = Channel(), sys.argv[1:]
    uvloop.run(run(channel, role, count[0] if count else "0"))


if __name__ == "__main__":
    main()
