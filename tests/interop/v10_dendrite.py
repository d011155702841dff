# SPDX-License-Identifier: Apache-2.0
"""A real bittensor 10.5.0 dendrite as //Alice, commanded in lines of JSON.

Run as `python -m tests.interop.v10_dendrite` by the Python that has it. `ask` queries a server, several times at once
where told to; `sign` shows what would have been sent; `hash` shows what would have been signed of a body.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tests.interop import v10_synapses
from tests.interop.v10_synapses import Channel, Kinds, mend  # first: it readies bittensor

from bittensor.core.chain_data import AxonInfo  # isort: skip
from bittensor.core.dendrite import Dendrite  # isort: skip
from bittensor_wallet import Keypair  # type: ignore[import-not-found] # isort: skip


def target(command: Mapping[str, Any]) -> AxonInfo:
    """The axon to ask."""
    hotkey = command["hotkey"]
    return AxonInfo(version=10005000, ip="127.0.0.1", port=command["port"], ip_type=4, hotkey=hotkey, coldkey=hotkey)


def synapse(command: Mapping[str, Any]) -> Any:
    """The question."""
    return getattr(v10_synapses, command["synapse"])(**command["fields"])


async def ask(dendrite: Dendrite, command: Mapping[str, Any]) -> dict[str, Any]:
    """What a validator sees of its answers."""
    axons = [target(command)] * command.get("times", 1)
    timeout = command.get("timeout", 5.0)
    replies = await dendrite.forward(axons, synapse(command), timeout=timeout, deserialize=False)
    return {"replies": [seen(reply) for reply in replies]}


def seen(reply: Any) -> dict[str, Any]:
    """One answer."""
    return {
        "status": int(reply.dendrite.status_code),
        "message": reply.dendrite.status_message,
        "success": reply.is_success,
        "timeout": reply.is_timeout,
        "blacklist": reply.is_blacklist,
        "unverified": reply.failed_verification,
        "axon": reply.axon.hotkey,
        "fields": reply.model_dump(exclude={"axon", "dendrite"}),
    }


async def sign(dendrite: Dendrite, command: Mapping[str, Any]) -> dict[str, Any]:
    """The request that would have been sent."""
    signed = dendrite.preprocess_synapse_for_request(target(command), synapse(command), 5.0)
    return {"headers": signed.to_headers(), "body": json.dumps(signed.model_dump())}


async def digest(dendrite: Dendrite, command: Mapping[str, Any]) -> dict[str, Any]:
    """Bodies as they would have been sent, each with its hash."""
    kinds = [Kinds(**fields) for fields in command["many"]]
    return {"hashed": [[kind.body_hash, json.dumps(kind.model_dump())] for kind in kinds]}


async def main() -> None:
    """Do as told until the test closes its end."""
    channel = Channel()
    mend()
    does = {"ask": ask, "sign": sign, "hash": digest}
    async with Dendrite(wallet=Keypair.create_from_uri("//Alice")) as dendrite:
        channel.say({"hotkey": dendrite.keypair.ss58_address})
        for command in channel.commands():
            channel.say(await does[command["do"]](dendrite, command))


if __name__ == "__main__":
    asyncio.run(main())
