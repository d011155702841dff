# SPDX-License-Identifier: Apache-2.0
"""From replies to scores: what each is worth by the definition, and how far that moves what a miner has earned so far.

A score belongs to one registration of one hotkey. A miner that is new, or that registered anew, starts at 0, whoever
held its uid before. The definition's arithmetic runs in a thread, and what it gives is checked before it is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from protocols.columns import Flags, Floats
from protocols.errors import InvalidSubnet
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.task import Replies, Task
from protocols.types import Block, Hotkey
from validators.store import Standing

__all__ = ["Scored", "aligned", "score"]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a round was worth and why, in the order of asking, and all scores after it."""

    rewards: Floats
    because: Mapping[str, Floats]
    standings: Mapping[Hotkey, Standing]


async def score(
    definition: Subnet,
    task: Task,
    replies: Replies,
    metagraph: Metagraph,
    known: Mapping[Hotkey, Standing],
    thread: Executor | None = None,
) -> Scored:
    """Score a round in a thread, the loop's own by default.

    `InvalidSubnet` where the definition gives what is no reward or no score, and nothing changes.
    """

    def work() -> Scored:
        judgement = definition.judge(task, replies)
        rewards = np.asarray(judgement.rewards)
        moved = _moved(definition, aligned(known, metagraph), *_spread(rewards, replies.hotkeys, metagraph))
        blocks = metagraph.block_at_registration.tolist()
        rows = zip(metagraph.hotkeys, moved.tolist(), blocks, strict=True)
        because = {why: np.asarray(column) for why, column in judgement.because.items()}
        return Scored(rewards, because, {hotkey: Standing(value, Block(block)) for hotkey, value, block in rows})

    return await asyncio.get_running_loop().run_in_executor(thread, work)


def aligned(standings: Mapping[Hotkey, Standing], metagraph: Metagraph) -> Floats:
    """The scores in the order of today's uids, (N,); 0 for whoever is new, or registered anew."""
    nobody = Standing(0.0, Block(-1))
    rows = [standings.get(hotkey, nobody) for hotkey in metagraph.hotkeys]
    scores = np.array([row.score for row in rows], dtype=np.float64)
    registered_at = np.array([row.registered_at for row in rows], dtype=np.int64)
    return np.where(registered_at == metagraph.block_at_registration, scores, 0.0)


def _spread(rewards: Floats, hotkeys: tuple[Hotkey, ...], metagraph: Metagraph) -> tuple[Floats, Flags]:
    """The rewards, and who was asked, by uid."""
    uids = np.array([metagraph.uid_of(hotkey) for hotkey in hotkeys], dtype=np.int64)
    earned, asked = np.zeros(metagraph.n), np.zeros(metagraph.n, dtype=np.bool_)
    earned[uids], asked[uids] = rewards, True
    return earned, asked


def _moved(definition: Subnet, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
    moved = np.asarray(definition.aggregate(scores, rewards, asked), dtype=np.float64)
    if moved.shape != scores.shape:
        raise InvalidSubnet(f"{definition.ref()}: aggregate gave shape {moved.shape}, expected {scores.shape}")
    good = np.isfinite(moved) & (moved >= 0.0)
    if not good.all():
        uid = int(np.argmin(good))
        raise InvalidSubnet(f"{definition.ref()}: aggregate gave {moved[uid]} for uid {uid}, expected 0 or more")
    return moved
