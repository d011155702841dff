# SPDX-License-Identifier: Apache-2.0
"""Miners that give a validator every reason for a mistake: silent, late, malformed, forged, and lying about time.

Each is a real server on loopback under a key of its own. What an honest miner would say is at hand in each of them, so
that nothing but the flaw under test keeps it from being paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from protocols.clock import SystemClock
from protocols.codec import MSGPACK
from protocols.keys import Keypair
from subnet.templates.text.text import Ask
from subnet.text import Extractive
from tests.attacks.hostile import OTHER, Behaviour, Line, Question, response, saying, sealed, silent

__all__ = ["CLAIM", "SWIFT_S", "SetBack", "behaviours", "says"]

CLAIM: Final[Mapping[str, str]] = {
    "x-process-time": "0.000001",
    "server-timing": "total;dur=0.001",
    "bt_header_axon_process_time": "0.000001",
    "date": "Thu, 01 Jan 1970 00:00:00 GMT",
    "age": "0",
}
"""What a miner says of its own time: that it took none."""

SWIFT_S: Final = 0.15
"""What a liar within the deadline really takes, at least."""

_HOUR_NS: Final = 3_600 * 10**9
_LATE: Final = 3.0


class SetBack(SystemClock):
    """The clock of a machine that is an hour behind."""

    __slots__ = ()

    def time_ns(self) -> int:
        """An hour ago."""
        return super().time_ns() - _HOUR_NS


async def says(question: Question, skill: float) -> bytes:
    """The body that an honest miner of this skill would give."""
    ask = MSGPACK.decode(question.body, Ask)
    text = await Extractive(skill=skill, seed=int(skill * 1_000)).generate(ask.prompt, ask.max_tokens)
    return MSGPACK.encode(Ask.Reply(text=text))


def behaviours(key: Keypair, skill: float, deadline_s: float) -> dict[str, Behaviour]:
    """What each kind of rogue does under this key; all but the flaw is as good as `skill`."""

    async def late(question: Question, line: Line) -> None:
        body = await says(question, skill)
        await asyncio.sleep(_LATE * deadline_s)
        await line.say(response(body, sealed(question, body, key=key)))

    async def late_and_lying(question: Question, line: Line) -> None:
        body = await says(question, skill)
        await asyncio.sleep(_LATE * deadline_s)
        await line.say(response(body, {**sealed(question, body, key=key), **CLAIM}))

    async def lying(question: Question, line: Line) -> None:
        body = await says(question, skill)
        await asyncio.sleep(SWIFT_S)
        await line.say(response(body, {**sealed(question, body, key=key), **CLAIM}))

    async def forged(question: Question, line: Line) -> None:
        body = await says(question, skill)
        headers = {**sealed(question, body, key=OTHER), "x-subnet-hotkey": key.ss58_address}
        await line.say(response(body, headers))

    async def unsigned(question: Question, line: Line) -> None:
        await line.say(response(await says(question, skill), {"content-type": MSGPACK.media_type}))

    return {
        "slow": late,
        "late_liar": late_and_lying,
        "liar": lying,
        "forger": forged,
        "unsigned": unsigned,
        "garbage": saying(_sealing(key, b"\xc1\xff\x00garbage")),
        "mistyped": saying(_sealing(key, MSGPACK_NUMBER)),
        "mute": silent,
    }


MSGPACK_NUMBER: Final = b"\x81\xa4text\x07"
"""A reply whose text is the number 7."""


def _sealing(key: Keypair, body: bytes) -> Callable[[Question], bytes]:
    """Honestly signed nonsense."""
    return lambda question: response(body, sealed(question, body, key=key))
