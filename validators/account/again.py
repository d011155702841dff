# SPDX-License-Identifier: Apache-2.0
"""A round gone through again with the definition in hand: the same question, the same replies, the same arithmetic.

The true answer to a question is not kept. It need not be: the question was drawn by chance that follows from the
validator's seed and the round's number, so it is drawn once more, and its answer with it. What comes out is compared
with what was paid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from protocols.clock import Clock
from protocols.codec import JSON, MSGPACK
from protocols.errors import InvalidSubnet
from protocols.keys import short
from protocols.spec import Subnet
from protocols.task import Replies, Returned, Task
from protocols.types import Hotkey
from validators.account.value import Check, bodies, is_json
from validators.store import Mark, Proof, RoundRecord
from validators.tasks import TaskSource
from validators.vetting.canaries import overheard

__all__ = ["Replay"]

_DRAW_S: Final = 30.0
_CLOSE: Final = 1e-6  # models give other last digits on other machines
_EXACT: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One round, and what is needed to go through it again."""

    definition: Subnet
    clock: Clock
    seed: int
    record: RoundRecord
    proofs: Sequence[Proof | None]

    async def checks(self, hotkey: Hotkey) -> tuple[Check, ...]:
        """Whether a miner's question, its reward and its score come out as they were recorded."""
        ours, theirs = self.definition.ref(), self.record.definition
        if ours != theirs:
            return (Check("reward", None, f"the round was scored by {theirs}, at hand is {ours}"),)
        at = next(at for at, mark in enumerate(self.record.marks) if mark.hotkey == hotkey)
        try:
            reward = await self._reward(at)
        except Exception as error:  # a designer's code may raise anything
            reward = (Check("reward", None, f"it cannot be scored again: {error}"),)
        return (*reward, await asyncio.to_thread(self._score, hotkey))

    async def _reward(self, at: int) -> tuple[Check, ...]:
        record, marks = self.record, self.record.marks
        lost = sum(1 for mark, proof in zip(marks, self.proofs, strict=True) if not mark.miss and proof is None)
        if lost:
            return (Check("reward", None, f"the answers of {lost} of {len(marks)} miners are no longer kept"),)
        task, variants = await self._drawn()
        if task is None:
            return (Check("reward", None, "the definition now draws another question, so the true answer is unknown"),)
        asked = [self._asked(row, task, variant) for row, variant in enumerate(variants)]
        if asked[at] is None:
            return (Check("question", False, "it is not what the definition asks in this round"),)
        counted = [not mark.struck for mark in marks]
        replies = self._replies(counted, [one or task for one in asked])
        rewards = await asyncio.to_thread(self.definition.rewards, task, replies)
        gives, paid = float(rewards[at]), marks[at].reward
        question = Check("question", True, "a user's own" if record.is_organic else "drawn again it is the same")
        struck = self._struck(at, [one or task for one in asked])
        said = f"scored again the answer is worth {gives:.6g}, it was paid {paid:.6g}"
        return (question, *struck, Check("reward", abs(gives - paid) <= _CLOSE, said))

    async def _drawn(self) -> tuple[Task | None, list[Task]]:
        """The question and what each was asked, as the definition makes them again; no question where it differs."""
        hotkeys, record = [mark.hotkey for mark in self.record.marks], self.record
        query = MSGPACK.decode(record.query, self.definition.synapse)
        if record.is_organic:
            return Task(query), [Task(query)] * len(hotkeys)
        # One that was under way may have left behind what it drew when it began.
        for earlier in ((), (0,)):
            source = TaskSource(self.definition, self.clock, self.seed)
            try:
                async with asyncio.timeout(_DRAW_S):
                    for number in earlier:
                        await source.draw(number)
                    task = await source.draw(record.number)
            except TimeoutError:
                raise InvalidSubnet(f"{record.definition}: tasks gave none in {_DRAW_S:g} s") from None
            finally:
                await source.close()
            if task.ask == query:
                return task, source.each(task, record.number, hotkeys)
        return None, []

    def _asked(self, row: int, task: Task, variant: Task) -> Task | None:
        """What this miner was asked: its own variant, the plain question, or neither."""
        proof = self.proofs[row]
        if proof is None:
            return variant
        query: Any = (JSON if is_json(proof) else MSGPACK).decode(bodies(proof)[0], self.definition.synapse)
        if self.record.is_organic:
            return Task(query)
        return next((one for one in (variant, task) if one.ask == query), None)

    def _struck(self, at: int, asked: Sequence[Task]) -> tuple[Check, ...]:
        """Whether what a miner was struck out for, where it is another's canary, stands in its answer."""
        hotkey, struck = self.record.marks[at].hotkey, self.record.marks[at].struck
        kind, _, owner = struck.partition(":")
        if kind != "canary_of":
            return ()
        found = overheard(self._replies([True] * len(asked), asked)).get(hotkey)
        there = "stands" if found == owner else "does not stand"
        said = f"the canary in the question of {short(owner)} alone {there} in this answer"
        return (Check("struck", found == owner, said),)

    def _replies(self, counted: Sequence[bool], asked: Sequence[Task]) -> Replies:
        rows = zip(self.record.marks, self.proofs, asked, counted, strict=True)
        return Replies(tuple(self._returned(mark, proof if counts else None, one) for mark, proof, one, counts in rows))

    def _returned(self, mark: Mark, proof: Proof | None, asked: Task) -> Returned:
        if mark.miss or proof is None:
            return Returned(mark.hotkey, asked=asked)
        codec = JSON if is_json(proof) else MSGPACK
        items = tuple(codec.decode(item, self.definition.synapse.Reply) for item in bodies(proof)[1])
        return Returned(mark.hotkey, items, mark.elapsed_s, mark.first_item_s, asked)

    def _score(self, hotkey: Hotkey) -> Check:
        record = self.record
        places = {name: at for at, name in enumerate(record.standings)}
        if hotkey not in places or len(record.before) < len(places):
            return Check("score", None, "the scores before and after this round are not kept")
        rewards, asked = np.zeros(len(places)), np.zeros(len(places), dtype=np.bool_)
        for mark in record.marks:
            rewards[places[mark.hotkey]], asked[places[mark.hotkey]] = mark.reward, True
        before = np.array([record.before[name] for name in places])
        try:
            moved = float(np.asarray(self.definition.aggregate(before, rewards, asked))[places[hotkey]])
        except Exception as error:  # a designer's code may raise anything
            return Check("score", None, f"it cannot be moved again: {error}")
        kept = record.standings[hotkey].score
        said = f"moved again it is {moved:.6g}, kept was {kept:.6g}"
        return Check("score", abs(moved - kept) <= _EXACT * max(1.0, abs(kept)), said)
