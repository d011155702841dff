# SPDX-License-Identifier: Apache-2.0
"""Checks of the miner's side: an answer comes in time, leaves others their turn, and survives the wire.

A miner that holds its event loop answers nobody else meanwhile, and cannot even refuse; a query that does not survive
the wire fails for every miner alike.
"""

from __future__ import annotations

from typing import Final

from protocols.codec import JSON, MSGPACK
from protocols.errors import InvalidSubnet
from protocols.synapse import Reply, Synapse
from subnet.check.trial import Trial

__all__ = ["answers", "carried", "event_loop", "wire"]

_HELD_S: Final = 0.050
_TRIES: Final = 3


def answers(trial: Trial) -> str:
    """`answer` gives a reply of its type before the deadline."""
    slowest = max(given.elapsed_s for given in trial.answers())
    return f"{trial.count} answers, the slowest in {slowest:.3f} s of {trial.deadline_s:g} s"


def event_loop(trial: Trial) -> str:
    """`answer` lets other work run meanwhile."""
    held_s = []
    for at, (task, given) in enumerate(zip(trial.tasks(), trial.answers(), strict=True)):
        least = given.held_s
        # A first call may load something, and a busy machine may pause us: what comes back each time is the answer's.
        for _ in range(_TRIES - 1):
            least = least if least <= _HELD_S else min(least, trial.answer(at, task.ask).held_s)
        held_s.append(least)
        if least > _HELD_S:
            raise InvalidSubnet(
                f"answer held the event loop for {least * 1000:.0f} ms at task {at}, limit {_HELD_S * 1000:.0f} ms",
                help="run what takes long in a thread: await asyncio.to_thread(work, ask)",
            )
    return f"held for at most {max(held_s) * 1000:.0f} ms"


def wire(trial: Trial) -> str:
    """Queries and replies come through JSON and MessagePack unchanged."""
    largest = 0
    for at, task in enumerate(trial.tasks()):
        largest = max(largest, carried(task.ask, f"the query of task {at}"))
    for at, items in enumerate(trial.honest()):
        largest = max(largest, *(carried(item, f"the answer to task {at}") for item in items))
    return f"the largest has {largest} bytes"


def carried(message: Synapse | Reply, what: str) -> int:
    """The bytes of a message in the larger codec; `InvalidSubnet` where it does not arrive as it was sent."""
    size = 0
    for codec in (JSON, MSGPACK):
        data = codec.encode(message)
        arrived = codec.decode(data, type(message))
        for field in message.__struct_fields__:
            sent, got = getattr(message, field), getattr(arrived, field)
            if sent != got:
                raise InvalidSubnet(
                    f"{field} of {what} is {sent!r:.80}, and {got!r:.80} after {codec.name}",
                    help=f"give {field} a value of the type that it is declared with",
                )
        size = max(size, len(data))
    return size
