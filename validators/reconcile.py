# SPDX-License-Identifier: Apache-2.0
"""What is written down of our weights, compared with what the chain says of them.

An answer may be lost on the way, a block may be replaced after its receipt, and a chain for development may begin anew
under the same genesis. The chain is right each time, and keeps the block of our last update.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from protocols.chain import Chain
from protocols.types import Block
from validators.moment import Moment
from validators.reveal import shown
from validators.store import Journal
from validators.submission import Submission

__all__ = ["Reconciler"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reconciler:
    """Keeps one validator's journal true."""

    chain: Chain
    journal: Journal
    settle_blocks: int

    async def confirm(self, now: Moment) -> None:
        """Look whether the chain holds what it took."""
        rows = {row.epoch: row for row in await self.journal.unsettled()}
        if (current := await self.journal.landed_in(now.next_epoch)) is not None:
            rows[current.epoch] = current
        for row in rows.values():
            newest = row.revealed_at if row.state == "revealed" else row.landed_at
            if row.landed_at is not None and (now.is_ahead(row.landed_at) or now.block >= (newest or 0)):
                await self._confirm(row, row.landed_at, now)

    async def resolve(self, now: Moment) -> Submission | None:
        """Find out what became of intentions without a receipt; returns the one that the chain does not have."""
        pending = None
        for submission in await self.journal.unsettled():
            if submission.state != "intended":
                continue
            may_land = now.may_land(submission, self.settle_blocks)
            if now.has_landed(submission):
                assert now.updated_at is not None
                await self.landed(submission, now, now.updated_at)
            elif may_land or (submission.epoch == now.next_epoch and not now.is_ahead(submission.intended_at)):
                pending = submission
            else:
                _LOG.error("weights of epoch %d never reached the chain", submission.epoch)
                await self.journal.write(replace(submission, state="lost"))
        return pending

    async def landed(self, submission: Submission, now: Moment, block: Block) -> None:
        """Remember that the chain took it in this block."""
        state = "committed" if submission.is_hidden else "set"
        await self.journal.write(
            replace(submission, state=state, landed_epoch=now.epoch_at(block), landed_at=block, seen_at=None)
        )

    async def _confirm(self, row: Submission, landed_at: Block, now: Moment) -> None:
        # What is revealed may have been committed before the last update, but not after it.
        if now.is_ahead(landed_at) or (now.updated_at or 0) < landed_at:
            _LOG.error("the chain took back the weights of epoch %d", row.epoch)
            await self.journal.write(replace(row, state="lost", landed_epoch=None))
        elif row.state == "committed" and row.seen_at is None:
            # By now the epoch is certain, also where its end was moved under way.
            epoch = now.epoch_at(landed_at) if landed_at >= now.epoch.last else row.landed_epoch
            await self.journal.write(replace(row, landed_epoch=epoch, seen_at=now.block))
        elif row.state in ("set", "revealed"):
            is_shown = shown(row, await self.chain.weights(now.netuid), now.metagraph, now.me.hotkey)
            if not is_shown:
                _LOG.error("the chain holds other weights than those of epoch %d that it took", row.epoch)
            state = "confirmed" if is_shown else "contradicted"
            await self.journal.write(replace(row, state=state, seen_at=now.block))
