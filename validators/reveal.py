# SPDX-License-Identifier: Apache-2.0
"""The second half of hidden weights: showing them in the one epoch in which the chain will look.

A commitment that is not revealed in time is an epoch without weights. So a reveal is tried again until the chain has
it, through restarts too. What goes wrong here is logged and kept from the weights of the next epoch.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from protocols.calls import RevealWeights
from protocols.chain import Chain, Receipt
from protocols.errors import ExtrinsicFailed, LedgerError
from protocols.keys import Signer
from protocols.sparse import SparseRows
from protocols.types import Uid
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
            if submission.state not in ("committed", "revealing") or now.block < self._patience.until:
                continue
            try:
                revealed = await self._reveal(submission, now) or revealed
            except LedgerError as error:
                _LOG.warning("weights of epoch %d were not revealed: %s", submission.epoch, error.message)
                self._patience.failed(now.block)
        return revealed

    async def _reveal(self, submission: Submission, now: Moment) -> Receipt | None:
        assert isinstance(submission.call, RevealWeights)
        assert submission.landed_epoch is not None
        due = submission.landed_epoch + now.rules.reveal_period_epochs
        if now.next_epoch < due:
            return None
        # The epoch of a commitment without a receipt is an estimate, which one epoch more makes up for.
        if now.next_epoch > due + 1:
            _LOG.error("weights of epoch %d were not revealed in epoch %d and are lost", submission.epoch, due)
            await self.journal.write(replace(submission, state="expired"))
            return None
        await self.journal.write(replace(submission, state="revealing"))
        try:
            receipt = (await self.chain.submit(submission.call, self.key)).raise_for_error()
        except ExtrinsicFailed:
            # Refused may mean: has landed before, when no answer came. To look first would not do, since the weights of
            # the epoch before may have been the same.
            if submission.state == "revealing" and shown(submission, await self.chain.weights(now.netuid), now.me.uid):
                await self.journal.write(replace(submission, state="confirmed"))
                return None
            raise
        await self.journal.write(replace(submission, state="revealed", landed_at=receipt.block))
        self._patience.succeeded()
        return receipt


def shown(submission: Submission, weights: SparseRows, me: Uid) -> bool:
    """Whether the chain holds these weights for us."""
    uids, values = weights.row(me)
    wanted = set(zip(submission.call.uids, submission.call.values, strict=True))
    stored = set(zip(uids.tolist(), values.tolist(), strict=True))
    return {entry for entry in wanted ^ stored if entry[1]} == set()  # what weighs nothing need not be stored
