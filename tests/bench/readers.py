# SPDX-License-Identifier: Apache-2.0
"""256 miners of the text subnet that answer at once what they were asked before: `python -m tests.bench.readers 256`.

They are servers of the same class as any miner's, each on a port of its own. How well one reads follows from its
number, and what it read it words in a voice of its own, so that there are as many different answers as miners.
"""

from __future__ import annotations

import sys

import uvloop

from protocols.keys import Keypair
from protocols.replay import MemoryReplay
from protocols.server import Context, Server, ServerOptions
from protocols.types import Hotkey
from subnet.templates.text.text import Ask
from subnet.text import Extractive
from tests.bench.harness.child import Channel

__all__ = ["Miner", "main", "miner_hotkey", "miner_key"]


class Miner:
    """Reads a prompt once, the better the later its seed among fifty, and says the same again when asked again."""

    def __init__(self, seed: int) -> None:
        self._model = Extractive(skill=0.5 + seed % 50 / 100, seed=seed)
        self._read = ("", "")

    async def answer(self, ask: Ask, ctx: Context) -> Ask.Reply:
        """What it says to a prompt."""
        if self._read[0] != ask.prompt:
            self._read = (ask.prompt, await self._model.generate(ask.prompt, ask.max_tokens))
        return Ask.Reply(text=self._read[1])


async def mine(channel: Channel, count: int) -> None:
    """Serve that many miners until told to stop."""
    servers = []
    for at in range(1, count + 1):
        options = ServerOptions(replay=MemoryReplay.never_served_before())
        servers.append(Server(miner_key(at), {Ask: Miner(at).answer}, options))
    urls = [await server.start() for server in servers]
    await channel.serving([int(url.rpartition(":")[2]) for url in urls])
    for server in servers:
        await server.stop(drain_s=0.0)


def miner_key(number: int) -> Keypair:
    """The hotkey of a miner, the first of whom is number 1."""
    return Keypair.from_uri(f"//Miner{number}")


def miner_hotkey(number: int) -> Hotkey:
    """Its address."""
    return Hotkey(miner_key(number).ss58_address)


def main() -> None:
    """So many of them."""
    uvloop.run(mine(Channel(), int(sys.argv[1])))


if __name__ == "__main__":
    main()
