# SPDX-License-Identifier: Apache-2.0
"""Which vector is set: what the scores give, or the last good one, where too little is known to say anything better.

After a lost file, or in the first rounds, few miners have been asked. Weights on those few alone would take from all
the others, good ones too, what an epoch pays. So the last weights hold: those that the chain took, or where our memory
of them is gone, those that the chain itself shows of us. A definition that fails does not stop weights either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from protocols.chain import Chain
from protocols.columns import Floats
from protocols.errors import NothingToWeigh
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.types import Block, Hotkey
from validators.ballot import Voter, held
from validators.moment import Moment
from validators.scoring import aligned
from validators.store import Journal, Standing

__all__ = ["Chosen", "Coverage", "Holder", "coverage"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The weights to set."""

    voter: Voter
    weights: Floats
    known: int | None
    """Of how many miners something was known when they were decided, or None where nobody can tell."""
    because: str = ""
    """Why they are not those of the scores; empty where they are."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of how many of the miners that can be asked something is known."""

    asked: int
    reachable: int

    def is_thin(self, least: float) -> bool:
        """Whether that is less than this share."""
        return self.asked < least * self.reachable


@dataclass(frozen=True, slots=True)
class _Last:
    weights: Floats
    known: int | None
    whose: str


@dataclass(kw_only=True, eq=False)
class Holder:
    """Chooses for one validator."""

    definition: Subnet
    chain: Chain
    journal: Journal
    settle_blocks: int
    thin: float
    """The share of the reachable miners below which too few have been asked."""
    _waiting_since: int | None = field(default=None, init=False)

    async def choose(self, now: Moment, standings: Mapping[Hotkey, Standing]) -> Chosen:
        """The weights of this moment; `NothingToWeigh` where there is nothing to set, or nothing yet."""
        voter = Voter(now.me.uid, self.definition.weigh, now.rules.min_allowed_weights)
        seen = await coverage(self.journal, now.metagraph, now.me.hotkey, is_local=self.chain.is_local)
        fresh, why = await self._fresh(voter, aligned(standings, now.metagraph), seen)
        if not why:
            self._waiting_since = None
            return Chosen(voter, fresh, seen.asked)
        last = await self._last(voter, now)
        # Thin data are still better than those that were as thin.
        if last is not None and (not fresh.any() or last.known is None or last.known > seen.asked):
            return Chosen(voter, last.weights, last.known, f"{why}, so {last.whose} hold")
        if not fresh.any():
            raise NothingToWeigh(f"{why}, and neither does the chain hold any weights of this hotkey")
        if last is None:
            self._wait(now, why)
        return Chosen(voter, fresh, seen.asked)

    async def _fresh(self, voter: Voter, scores: Floats, seen: Coverage) -> tuple[Floats, str]:
        """What the definition makes of the scores, and why it is not good enough; nothing where it is."""
        try:
            # A designer's arithmetic may take long.
            weights = await asyncio.to_thread(voter.weights, scores)
        except Exception as error:
            why = f"weigh of {self.definition.ref()} failed with {type(error).__name__}: {error}"
            _LOG.exception("%s", why)
            return np.zeros(len(scores)), why
        if not weights.any():
            return weights, "no miner has a score above zero"
        few = f"only {seen.asked} of {seen.reachable} miners have been asked, expected {self.thin:.0%} of them"
        return weights, few if seen.is_thin(self.thin) else ""

    async def _last(self, voter: Voter, now: Moment) -> _Last | None:
        """The last weights that the chain took, for those who are still registered."""
        if (last := await self.journal.last_landed()) is not None:
            kept = voter.others(held(last.weights, now.metagraph))
            if kept.any():
                return _Last(kept, last.known, f"the weights of epoch {last.epoch}")
        shown = voter.others(await self._shown(now))
        return _Last(shown, None, "the weights that the chain shows of this hotkey") if shown.any() else None

    async def _shown(self, now: Moment) -> Floats:
        """The weights that the chain holds of us, (N,); a uid that may have had another holder then has none."""
        column = np.zeros(now.metagraph.n)
        if now.updated_at is None:
            return column
        uids, values = (await self.chain.weights(now.netuid)).row(now.me.uid)
        here = uids < now.metagraph.n
        column[uids[here]] = values[here]
        # What was revealed last had been committed this much before the commitment that is the last update.
        age = (now.rules.reveal_period_epochs + 1) * now.rules.tempo if now.rules.commit_reveal_weights_enabled else 0
        return np.where(now.metagraph.block_at_registration < Block(now.updated_at - age), column, 0.0)

    def _wait(self, now: Moment, why: str) -> None:
        """With nothing to hold, wait for more until the end of the first epoch that was seen from its beginning.

        Then what is known is set. The chain counts a validator without weights as one that gives everybody nothing,
        and forgets it in the end, so that silence does no miner good; and where a definition asks the same few for
        ever, nothing more will come.
        """
        if self._waiting_since is None or self._waiting_since > now.next_epoch:
            self._waiting_since = now.next_epoch
        if now.next_epoch > self._waiting_since and now.is_closing(self.settle_blocks):
            _LOG.warning("%s: their weights are set all the same, since epoch %d ends", why, now.next_epoch)
            return
        until = "the end of the next epoch" if now.next_epoch == self._waiting_since else f"block {now.epoch.next}"
        raise NothingToWeigh(f"{why}: there are no last weights to hold, and more answers are waited for until {until}")


async def coverage(journal: Journal, metagraph: Metagraph, me: Hotkey, *, is_local: bool) -> Coverage:
    """How many miners have been asked in their present registration, of those that publish where they can be asked."""
    published = zip(metagraph.hotkeys, metagraph.endpoints, metagraph.block_at_registration.tolist(), strict=True)
    reachable = {
        hotkey: Block(registered_at)
        for hotkey, place, registered_at in published
        if place is not None and hotkey != me and (is_local or place.is_public)
    }
    rounds = await journal.asked_in()
    asked = {hotkey: rounds[hotkey] for hotkey in reachable if hotkey in rounds}
    began = await _began(journal, min(asked.values())) if asked else Block(0)
    # Who registered since the oldest of these rounds may have been asked before that, in an earlier registration.
    late = {hotkey: number for hotkey, number in asked.items() if reachable[hotkey] > began}
    blocks = {number: await _began(journal, number) for number in set(late.values())}
    gone = sum(blocks[number] < reachable[hotkey] for hotkey, number in late.items())
    return Coverage(len(asked) - gone, len(reachable))


async def _began(journal: Journal, number: int) -> Block:
    """The block in which a round began; 0 where it is not kept any more."""
    done = await journal.round(number)
    return Block(0) if done is None else done.block
