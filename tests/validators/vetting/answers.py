# SPDX-License-Identifier: Apache-2.0
"""Rounds without a network: who said what, how long it took, and when each was asked."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from protocols import synapse
from protocols.columns import Floats
from protocols.metagraph import Metagraph, Neuron
from protocols.seal import Evidence
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Returned, Task, TaskContext
from protocols.types import Block, Coldkey, Hotkey, NetUid, Uid
from validators.query import Heard

__all__ = ["Ask", "Came", "Lookalike", "Story", "heard", "metagraph", "vetter_rounds"]


class Ask(Synapse):
    """Asks for anything."""

    prompt: str = ""

    class Reply(synapse.Reply):
        """Anything."""

        text: str = ""
        words: list[str] = msgspec.field(default_factory=list)
        facts: dict[str, str] = msgspec.field(default_factory=dict)
        raw: bytes = b""


class Story(Subnet):
    """Pays for every reply; equal ones are alike."""

    name, version = "story", 1
    synapse = Ask

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        """One for ever."""
        while True:
            yield Task(Ask(prompt="a story"))

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        """An echo."""
        return Ask.Reply(text=ask.prompt)

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        """One each."""
        return [1.0] * len(replies)


class Lookalike(Story):
    """Says what it was made to say of how alike replies are."""

    name = "lookalike"

    def __init__(self, given: Any) -> None:
        self._given = given

    def likeness(self, replies: Replies) -> Floats:
        """Whatever."""
        given: Floats = self._given
        return given


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one miner: a text, None where nothing did, and when."""

    text: str | None
    elapsed_s: float = 1.0
    sent_s: float | None = 0.0


def metagraph(names: Sequence[str], *, registered: Mapping[str, int] | None = None) -> Metagraph:
    """These miners, in this order."""
    blocks = registered or {}
    return Metagraph.of(
        NetUid(1),
        Block(100),
        [
            Neuron(Uid(at), Hotkey(name), Coldkey(name), block_at_registration=Block(blocks.get(name, 1)))
            for at, name in enumerate(names)
        ],
    )


def heard(came: Mapping[str, Came | str | None], task: Task | None = None) -> Heard:
    """A round in which each gave this."""
    rows, proofs = [], []
    for name, given in came.items():
        one = given if isinstance(given, Came) else Came(given)
        items = () if one.text is None else (Ask.Reply(text=one.text),)
        rows.append(Returned(Hotkey(name), items, one.elapsed_s if items else math.inf, asked=task))
        proofs.append(None if one.sent_s is None or not items else _proof(name, one.sent_s))
    return Heard(Replies(tuple(rows)), tuple("" if row.items else "timed_out" for row in rows), tuple(proofs))


def vetter_rounds(names: Sequence[str], seed: int, texts: int, count: int) -> list[Heard]:
    """Rounds in which each says one of so many texts by chance, and each is as quick as the next."""
    rng = np.random.default_rng(seed)
    return [
        heard({name: Came(f"text {rng.integers(texts)}", float(rng.random())) for name in names}) for _ in range(count)
    ]


def _proof(name: str, sent_s: float) -> Evidence:
    return Evidence(
        target="/ask",
        nonce_ns=round(sent_s * 1e9),
        validator="validator",
        validator_scheme="sr25519",
        request_signature=b"",
        request_body=b"",
        miner=name,
        miner_scheme="sr25519",
        reply_signature=b"",
        status=200,
        content_type="",
        reply_body=b"",
    )
