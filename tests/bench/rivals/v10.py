# SPDX-License-Identifier: Apache-2.0
"""bittensor 10.5.0 in its honest form: axon and dendrite with one line mended, run by a Python that has that version.

As shipped, every header set rebuilds the JSON schema of the class (2 to 4 ms, against 0.04 ms for the rest), so the
required fields are cached here. Besides: no question to the internet for an address, 127.0.0.1 only, many axons in one
event loop (a thread each in one process is slower), and `Tensor` without torch, which it needs to look up types only.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import socket
import sys
from collections.abc import Hashable, Sequence
from types import SimpleNamespace
from typing import Any, cast

# bittensor 10 reads the command line of whoever imports it.
os.environ["BT_NO_PARSE_CLI_ARGS"] = "true"

import numpy as np
from bittensor.core import tensor as tensors
from bittensor.core.axon import Axon
from bittensor.core.chain_data import AxonInfo
from bittensor.core.dendrite import Dendrite
from bittensor.core.synapse import Synapse
from bittensor.utils import networking
from bittensor_wallet import Keypair  # type: ignore[import-not-found]

from tests.bench.harness.child import TEXT, Asker, Channel, drive, listen, measure_codec, serve

_SOMEWHERE_ELSE = "203.0.113.1"  # the address a node would learn from the internet; never this machine's


@functools.cache
def _required_fields(cls: Hashable) -> list[str]:
    required: list[str] = cast(Any, cls).model_json_schema().get("required", [])
    return required


class Echo(Synapse):  # type: ignore[misc]
    """What is asked and answered, one object as version 10 has it."""

    text: str
    delay: float = 0.0


async def echo(synapse: Echo) -> Echo:
    """Give the text back after the delay."""
    if synapse.delay:
        await asyncio.sleep(synapse.delay)
    return synapse


# The annotation must be the class itself: attach() reads it without resolving strings.
echo.__annotations__ = {"synapse": Echo, "return": Echo}


def mend() -> None:
    """The `+fix`, and no look-ups on the internet."""
    Synapse.get_required_fields = lambda self: _required_fields(cast(Hashable, type(self)))
    networking.get_external_ip = lambda: _SOMEWHERE_ELSE
    tensors.DTypes._add_torch = lambda self: None


async def miners(channel: Channel, count: int) -> None:
    """Serve that many axons."""
    keypair = Keypair.create_from_uri("//Bob")
    wallet = SimpleNamespace(hotkey=keypair, coldkeypub=keypair)
    sockets = listen(count)
    ports = [own.getsockname()[1] for own in sockets]
    axons = [Axon(wallet=wallet, port=port, external_ip=_SOMEWHERE_ELSE).attach(forward_fn=echo) for port in ports]
    # One axon runs as shipped. Many are many machines in truth, so a thread each in one process would be our doing.
    servers = [Started(axons[0])] if count == 1 else [axon.fast_server for axon in axons]
    await serve(channel, servers, sockets)


class Started:
    """One axon as it is shipped: `start()` runs it in threads of its own."""

    def __init__(self, axon: Axon) -> None:
        self._axon = axon

    @property
    def started(self) -> bool:
        """Whether it listens."""
        return bool(self._axon.fast_server.started)

    async def serve(self, sockets: list[socket.socket]) -> None:
        """Start it on this socket."""
        self._axon.fast_server.run = functools.partial(self._axon.fast_server.run, sockets)
        self._axon.start()


class Client:
    """A validator with a dendrite."""

    def __init__(self) -> None:
        self._miner = Keypair.create_from_uri("//Bob").ss58_address
        self._dendrite = Dendrite(wallet=Keypair.create_from_uri("//Alice"))

    def _axon(self, port: int) -> AxonInfo:
        return AxonInfo(version=10005000, ip="127.0.0.1", port=port, ip_type=4, hotkey=self._miner, coldkey=self._miner)

    async def echo(self, port: int) -> bool:
        """One signed echo of 64 bytes."""
        reply = await self._dendrite.call(self._axon(port), Echo(text=TEXT), timeout=12.0, deserialize=False)
        return bool(reply.is_success and reply.text == TEXT)

    async def round(self, ports: Sequence[int], *, delay: float, deadline: float) -> int:
        """Ask all at once, the way the template's validators do."""
        axons = [self._axon(port) for port in ports]
        ask = Echo(text=TEXT, delay=delay)
        replies = await self._dendrite.forward(axons, ask, timeout=deadline, deserialize=False)
        return sum(bool(reply.is_success) for reply in replies)


def codec() -> object:
    """100,000 floats through `Tensor` and the JSON that carries it, both ways."""
    carried = json.dumps(tensors.Tensor.serialize(_FLOATS).model_dump())
    return tensors.Tensor(**json.loads(carried)).deserialize()


_FLOATS = np.arange(100_000, dtype=np.float32)


async def run(channel: Channel, role: str, count: str) -> None:
    """Be the server, the client or the codec."""
    if role == "server":
        await miners(channel, int(count))
    elif role == "codec":
        await measure_codec(codec, channel)
    else:
        client = Client()
        await drive(Asker(calls={"echo": client.echo}, round=client.round), channel)


def main() -> None:
    """`server MINERS`, `client` or `codec`."""
    channel, (role, *count) = Channel(), sys.argv[1:]
    mend()
    asyncio.run(run(channel, role, count[0] if count else "0"))


if __name__ == "__main__":
    main()
