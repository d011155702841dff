# SPDX-License-Identifier: Apache-2.0
"""Whole networks that are out to mislead: pay follows true quality, nothing else, and no validator misses an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from scipy.stats import spearmanr

from subnet.templates.text.text import Text
from tests.e2e.rogues import SWIFT_S
from tests.e2e.validating import Town, Watched, cast, hotkey
from validators.vetting import VettingOptions

GOOD: Final = (0.98, 0.94, 0.9, 0.86, 0.82, 0.78, 0.74, 0.7)
MEDIOCRE: Final = (0.62, 0.54, 0.46, 0.38, 0.3)
VICTIMS: Final = {f"copier-{at}": "good-1" for at in range(1, 5)} | {"copier-5": "good-3"}
HONEST: Final = frozenset({"good", "mediocre", "liar"})
"""Whose answers are their own and in time; a liar's are too, only what it says of its time is not true."""
EPOCHS: Final = 20


ROGUES: Final[Mapping[str, tuple[float, ...]]] = {
    "late_liar": (0.9,),
    "unclocked": (0.9,),
    "slow": (0.95, 0.9, 0.85),
    "mute": (0.9, 0.9),
    "nobody": (0.9, 0.9),
    "forger": (0.9,),
    "unsigned": (0.9,),
    "garbage": (0.9,),
    "mistyped": (0.9,),
}
FIRST: Final = VettingOptions(precedence="reply")


class Brisk(Text):
    """The text subnet, whose scores forget faster: who copies is known after 8 rounds, and these are 40 in all."""

    alpha = 0.15


@pytest.mark.timeout(300)
async def test_of_32_miners_only_the_honest_are_paid_by_quality_and_all_validators_vote_once_an_epoch(
    tmp_path: Path,
) -> None:
    parts = cast(good=GOOD, mediocre=MEDIOCRE, copier=[0.0] * 5, liar=[0.5], **ROGUES)
    assert len(parts) == 32
    async with Town(tmp_path, parts, VICTIMS, Brisk(), vetting=FIRST) as town:
        await town.epochs(EPOCHS)
        scores, paid = town.scores(), await town.incentive()
        for earned in (scores, paid):
            assert correlation(town, earned, honest(town)) >= 0.9, earned
            check_copies(earned)
        check_rogues(town, paid)
        await check_times(town)
        await check_updates(town)


@pytest.mark.timeout(180)
async def test_without_precedence_an_answer_and_its_copies_together_earn_what_the_answer_alone_would(
    tmp_path: Path,
) -> None:
    parts = cast(good=GOOD, mediocre=MEDIOCRE, copier=[0.0] * 5)
    watched = Watched(parts, VICTIMS)
    async with Town(tmp_path, parts, VICTIMS, watched, validators=2) as town:
        await town.epochs(EPOCHS)
        assert len(watched.families) == len(set(VICTIMS.values()))
        for victim, rounds in watched.families.items():
            together, alone = np.mean(rounds, axis=0)
            assert 0 < together <= 1.05 * alone, victim
        for earned in (town.scores(), await town.incentive()):
            families = {name: earned[name] + copies_of(name, earned) for name in honest(town)}
            assert correlation(town, families, families) >= 0.9, families
            assert correlation(town, earned, honest(town) - set(VICTIMS.values())) >= 0.9, earned
        await check_updates(town)


def honest(town: Town) -> set[str]:
    """Whose answers are their own and in time."""
    return {part.name for part in town.parts if part.role in HONEST}


def copies_of(victim: str, earned: Mapping[str, float]) -> float:
    """What a miner's copies earned together."""
    return sum(earned[copier] for copier, whom in VICTIMS.items() if whom == victim)


def check_copies(earned: Mapping[str, float]) -> None:
    """All copies of a miner together have next to nothing of what it has."""
    for victim in set(VICTIMS.values()):
        assert copies_of(victim, earned) <= 0.02 * earned[victim], (victim, earned)


def check_rogues(town: Town, paid: Mapping[str, float]) -> None:
    """Nothing that a miner cannot be held to, and nothing that was late, was ever worth anything."""
    misses = town.misses()
    rounds = sum(len(seat.rounds) for seat in town.seats)
    for part in town.parts:
        missed = misses.get(part.name, {})
        if part.role in ROGUES:
            assert sum(missed.values()) == rounds, (part.name, missed)
            assert paid[part.name] == 0.0
            assert {seat.rounds[-1].scores[hotkey(part)] for seat in town.seats} == {0.0}
        elif part.role in HONEST:
            # A busy machine may make anybody late once; nobody honest is ever held for a copier.
            assert sum(missed.values()) <= 0.05 * rounds, (part.name, missed)
            assert "copy_of" not in missed, (part.name, missed)


async def check_times(town: Town) -> None:
    """What a validator keeps of times is what it measured, whatever a miner said."""
    liar = next(hotkey(part) for part in town.parts if part.role == "liar")
    for seat in town.seats:
        marks = {mark.hotkey: mark for mark in await seat.journal.marks(seat.rounds[-1].number)}
        assert marks[liar].elapsed_s >= SWIFT_S


async def check_updates(town: Town) -> None:
    """Each validator: one update in each epoch since it has a permit, and the chain stores what its book says."""
    for seat in town.seats:
        assert [update.epoch for update in seat.updates] == list(range(1, len(seat.updates) + 1))
        for update in seat.updates:
            landed = await seat.journal.landed_in(update.epoch)
            assert landed is not None
            assert update.blocks == (landed.landed_at,)
            assert update.row == dict(zip(landed.call.uids, landed.call.values, strict=True))


def correlation(town: Town, earned: Mapping[str, float], names: Iterable[str]) -> float:
    """Spearman's rank correlation of true quality and what was earned, among these."""
    skills = {part.name: part.skill for part in town.parts}
    order = sorted(names)
    return float(spearmanr([skills[name] for name in order], [earned[name] for name in order]).statistic)
