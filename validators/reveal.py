# SPDX-License-Identifier: Apache-2.0
"""The second half of hidden weights: showing them in the one epoch in which the chain will look.

A commitment that is not revealed in time is an epoch without weights. So a reveal is tried again until the chain has
it, through restarts too. What goes wrong here is logged and kept from the weights of the next epoch. Weights that were
encrypted the chain reveals by itself; of those it is only seen to that it did.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from protocols.chain import Chain, Receipt
from protocols.errors import ExtrinsicFailed, LedgerError
from protocols.keys import Signer, short
from protocols.metagraph import Metagraph
from protocols.sparse import SparseRows
from protocols.types import Hotkey, Uid
from validators.moment import Moment
from validators.patience import Patience
from validators.store import Journal
from validators.submission import Submission

__all__ = ["Revealer", "shown"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(kw_only=True, eq=False)
class Revealer:
    """Shows what one validator has committed."""

    chain: Chain
    key: Signer
    journal: Journal
    _patience: Patience = field(default_factory=Patience, init=False)

    async def reveal(self, now: Moment) -> Receipt | None:
        """Show all weights whose time has come; the receipt of the newest, or None where the chain took none."""
        revealed = None
        for submission in await self.journal.unsettled():
            if submission.state not in ("committed", "revealing") or now.block < self._patience.until(now.block):
                continue
            try:
                revealed = await self._reveal(submission, now) or revealed
            except LedgerError as error:
                _LOG.warning("weights of epoch %d were not revealed: %s", submission.epoch, error.message)
                self._patience.failed(now.block, now.rules.tempo)
        return revealed

    async def _reveal(self, submission: Submission, now: Moment) -> Receipt | None:
        assert submission.landed_epoch is not None
        due = submission.landed_epoch + now.rules.reveal_period_epochs
        if now.next_epoch < due:
            return None
        # The epoch of a commitment without a receipt is an estimate, which one epoch more makes up for.
        if now.next_epoch > due + 1:
            _LOG.error("weights of epoch %d were not revealed in epoch %d and are lost", submission.epoch, due)
            await self.journal.write(replace(submission, state="expired"))
            return None
        if submission.sealed is not None:
            await self._look(submission, now)
            return None
        if not now.rules.commit_reveal_weights_enabled:
            return None  # the chain takes no reveals for now
        if (stranger := _stranger(submission, now.metagraph)) is not None:
            # The chain leaves out who registered since the commitment. It cannot know that it gave out uids anew.
            hotkey = short(now.metagraph.hotkeys[stranger]) if stranger < now.metagraph.n else "nobody"
            _LOG.error("weights of epoch %d stay hidden: uid %d is now of %s", submission.epoch, stranger, hotkey)
            await self.journal.write(replace(submission, state="expired"))
            return None
        return await self._send(submission, now)

    async def _send(self, submission: Submission, now: Moment) -> Receipt | None:
        await self.journal.write(replace(submission, state="revealing"))
        try:
            receipt = (await self.chain.submit(submission.call, self.key)).raise_for_error()
        except ExtrinsicFailed:
            # Refused may mean: has landed before, when no answer came. To look first would not do, since the weights of
            # the epoch before may have been the same.
            if submission.state == "revealing" and await self._look(submission, now):
                return None
            raise
        await self.journal.write(replace(submission, state="revealed", revealed_at=receipt.block))
        self._patience.succeeded()
        return receipt

    async def _look(self, submission: Submission, now: Moment) -> bool:
        """Whether the chain shows them already, which is then remembered."""
        is_shown = shown(submission, await self.chain.weights(now.netuid), now.metagraph, now.me.hotkey)
        if is_shown:
            await self.journal.write(replace(submission, state="confirmed", seen_at=now.block))
        return is_shown


def shown(submission: Submission, weights: SparseRows, metagraph: Metagraph, me: Hotkey) -> bool:
    """Whether the chain holds these weights for us, of those miners who are still there."""
    uids, values = weights.row(metagraph.uid_of(me))
    # What weighs nothing need not be stored; by hotkey, since a chain that shrinks gives out its uids anew.
    stored = {metagraph.hotkeys[uid]: value for uid, value in zip(uids.tolist(), values.tolist(), strict=True) if value}
    registered = dict(zip(metagraph.hotkeys, metagraph.block_at_registration.tolist(), strict=True))
    wanted = {row.hotkey: row.value for row in submission.weights if registered.get(row.hotkey) == row.registered_at}
    return stored == wanted


def _stranger(submission: Submission, metagraph: Metagraph) -> Uid | None:
    """A uid whose weight would go to somebody else, who was there already when the weights were decided."""
    known = {(row.hotkey, row.registered_at) for row in submission.weights}
    for uid, value in zip(submission.call.uids, submission.call.values, strict=True):
        if not value:
            continue
        if uid >= metagraph.n:
            return uid
        registered_at = metagraph.block_at_registration[uid].item()
        if (metagraph.hotkeys[uid], registered_at) not in known and registered_at <= submission.intended_at:
            return uid
    return None
