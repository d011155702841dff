# SPDX-License-Identifier: Apache-2.0
"""What happened in one round, as a value: for the log, for whoever watches, and for a test that compares two runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import repeat

from protocols.chain import Receipt
from protocols.codec import MSGPACK
from protocols.task import Returned, Task
from protocols.types import Block, Hotkey
from validators.query import Heard
from validators.scoring import Scored
from validators.store import Mark, Proof, RoundRecord, Standing, Unsigned
from validators.vetting import Vetted
from validators.weights import Weighed

__all__ = ["Judged", "Round", "Setting"]


@dataclass(frozen=True, slots=True)
class Setting:
    """Which round it is, by which definition, and what the chain said as it began."""

    number: int
    definition: str
    block: Block
    epoch: int
    is_organic: bool = False
    """Whether a user asked."""
    seed: int | None = None
    """What its choices follow from, where that is not the store's own seed."""

    def record(
        self, task: Task, judged: Judged, known: Mapping[Hotkey, Standing], kept: Mapping[str, bytes]
    ) -> RoundRecord:
        """What is remembered of the round, beside it what stages want to find again; `known` are the scores before."""
        scored = judged.scored
        return RoundRecord(
            number=self.number,
            block=self.block,
            epoch=self.epoch,
            definition=self.definition,
            marks=judged.marks(),
            standings=scored.standings,
            before={hotkey: _before(known.get(hotkey), standing) for hotkey, standing in scored.standings.items()},
            query=MSGPACK.encode(task.ask),
            is_organic=self.is_organic,
            seed=self.seed,
            proofs=judged.proofs(),
            kept=kept,
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What came, what of it was its senders' own, and what that was worth."""

    heard: Heard
    vetted: Vetted
    scored: Scored

    def marks(self) -> list[Mark]:
        """What each of those asked earned, and why."""
        struck, because = self.vetted.struck, self.scored.because
        reasons = zip(*(column.tolist() for column in because.values()), strict=True) if because else repeat(())
        rows = zip(self.heard.replies, self.scored.rewards.tolist(), self.heard.misses, reasons, strict=False)
        return [
            Mark(
                row.hotkey,
                reward,
                row.elapsed_s,
                miss,
                struck.get(row.hotkey, ""),
                row.first_item_s,
                dict(zip(because, factors, strict=True)),
            )
            for row, reward, miss, factors in rows
        ]

    def proofs(self) -> list[Proof | None]:
        """What each of those asked was asked and answered: signed, or where nobody signed, as it came."""
        return [
            evidence or _unsigned(row) for row, evidence in zip(self.heard.replies, self.heard.evidence, strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of a validator."""

    number: int
    block: Block
    """The block of the metagraph that it went by."""
    epoch: int
    asked: tuple[Hotkey, ...]
    misses: Mapping[Hotkey, str]
    """Those of whom nothing came that they can be held to, each with the error's code."""
    struck: Mapping[Hotkey, str]
    """Those whose reply was not their own, each with the reason."""
    rewards: Mapping[Hotkey, float]
    """What each of those asked earned."""
    scores: Mapping[Hotkey, float]
    """All scores after the round."""
    submitted: Receipt | None
    """The weights, or their commitment, that the chain took in this round."""
    revealed: Receipt | None
    """The committed weights that the chain was shown in this round."""
    reason: str
    """Why weights were sent, or were not."""
    elapsed_s: float = field(compare=False)
    """How long it took; what happened in two rounds may be the same all the same."""

    @classmethod
    def of(cls, setting: Setting, judged: Judged, weighed: Weighed, *, elapsed_s: float) -> Round:
        """Put together what the stages gave."""
        heard, scored = judged.heard, judged.scored
        asked = heard.replies.hotkeys
        return cls(
            number=setting.number,
            block=setting.block,
            epoch=setting.epoch,
            asked=asked,
            misses={hotkey: miss for hotkey, miss in zip(asked, heard.misses, strict=True) if miss},
            struck=judged.vetted.struck,
            rewards=dict(zip(asked, scored.rewards.tolist(), strict=True)),
            scores={hotkey: standing.score for hotkey, standing in scored.standings.items()},
            submitted=weighed.receipt,
            revealed=weighed.revealed,
            reason=weighed.reason,
            elapsed_s=elapsed_s,
        )

    @property
    def answered(self) -> int:
        """How many replies counted."""
        return len(self.asked) - len(self.misses)


def _before(known: Standing | None, standing: Standing) -> float:
    """The score that a miner had: a newcomer none, whoever held its hotkey or its uid."""
    return known.score if known is not None and known.registered_at == standing.registered_at else 0.0


def _unsigned(row: Returned) -> Unsigned | None:
    if row.asked is None or not row.items:
        return None
    return Unsigned(MSGPACK.encode(row.asked.ask), tuple(map(MSGPACK.encode, row.items)))
