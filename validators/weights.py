# SPDX-License-Identifier: Apache-2.0
"""Weights on the chain exactly once an epoch, whatever dies in between.

What is to be sent is written down first, as intended, and as landed when the receipt is here. An intention without a
receipt is compared with the chain, which keeps the block of our last update: it has either landed, or may still, or
never will, and only in the last case is it sent again. Nothing is sent that the chain would refuse by its own rules.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from protocols.calls import RevealWeights, SetWeights
from protocols.chain import Chain, Receipt
from protocols.errors import ExtrinsicFailed, LedgerError, NothingToWeigh
from protocols.keys import Signer
from protocols.spec import Subnet
from protocols.types import Block, Hotkey, NetUid
from validators.ballot import Voter, held
from validators.moment import Moment
from validators.patience import Patience
from validators.reveal import Revealer, shown
from validators.scoring import aligned
from validators.store import Journal, Standing
from validators.submission import State, Submission

__all__ = ["Setter", "Weighed"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of the weights in one round."""

    reason: str
    receipt: Receipt | None = None
    revealed: Receipt | None = None


@dataclass(kw_only=True, eq=False)
class Setter:
    """Sets one validator's weights."""

    definition: Subnet
    chain: Chain
    netuid: NetUid
    key: Signer
    journal: Journal
    settle_blocks: int
    """How long a call without a receipt may still land."""
    _patience: Patience = field(default_factory=Patience, init=False)
    _said: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._hotkey = Hotkey(self.key.ss58_address)
        self._revealer = Revealer(chain=self.chain, key=self.key, journal=self.journal)

    async def weigh(self, epoch: int, standings: Mapping[Hotkey, Standing]) -> Weighed:
        """Set the weights of the epoch that the next block belongs to; says why where nothing was sent."""
        if await self.journal.landed_in(epoch) and await self._is_idle(epoch):
            return Weighed(_are_set(epoch))
        try:
            return await self._weigh(standings)
        except NothingToWeigh as error:
            self._say(error.message)
            return Weighed(error.message)
        except LedgerError as error:
            # The round itself is done and recorded; the next one tries again.
            _LOG.warning("weights were not set: %s", error.message)
            return Weighed(f"{error.code}: {error.message}")

    async def _is_idle(self, epoch: int) -> bool:
        """Whether all that is still to come is reveals of a later epoch."""
        rows = await self.journal.unsettled()
        return all(row.state == "committed" and (row.landed_epoch or 0) >= epoch for row in rows)

    async def _weigh(self, standings: Mapping[Hotkey, Standing]) -> Weighed:
        now = await Moment.read(self.chain, self.netuid, self._hotkey)
        await self._confirm(now)
        pending = await self._resolve(now)
        revealed = await self._revealer.reveal(now)
        if why := await self._hindrance(now, pending):
            self._say(why)
            return Weighed(why, revealed=revealed)
        submission = await self._decided(now, standings, pending)
        receipt = await self._send(submission, now, if_refused="refused" if pending is None else "intended")
        return Weighed(self._said, receipt, revealed)

    async def _confirm(self, now: Moment) -> None:
        """Look whether the chain holds what it took: the block of a receipt may have been replaced by another."""
        for row in await self.journal.unsettled():
            if row.landed_at is None or now.block < row.landed_at:
                continue
            if row.state in ("set", "committed") and now.me.last_update < row.landed_at:
                _LOG.error("the chain took back the weights of epoch %d", row.epoch)
                await self.journal.write(replace(row, state="lost", landed_epoch=None))
            elif row.state in ("set", "revealed"):
                is_shown = shown(row, await self.chain.weights(self.netuid), now.me.uid)
                if not is_shown:
                    _LOG.error("the chain holds other weights than those of epoch %d that it took", row.epoch)
                await self.journal.write(replace(row, state="confirmed" if is_shown else "contradicted"))

    async def _resolve(self, now: Moment) -> Submission | None:
        """Find out what became of intentions without a receipt; returns the one that the chain does not have."""
        pending = None
        for submission in await self.journal.unsettled():
            if submission.state != "intended":
                continue
            if now.has_landed(submission):
                await self._landed(submission, now, now.me.last_update)
            elif submission.epoch == now.next_epoch or self._may_land(submission, now):
                pending = submission
            else:
                _LOG.error("weights of epoch %d never reached the chain", submission.epoch)
                await self.journal.write(replace(submission, state="lost"))
        return pending

    async def _hindrance(self, now: Moment, pending: Submission | None) -> str | None:
        """Why weights are not to be sent now."""
        if await self.journal.landed_in(now.next_epoch):
            return _are_set(now.next_epoch)
        if not now.me.validator_permit:
            return "this hotkey has no validator permit: it needs more stake, and then an epoch"
        # Set by this hotkey, and not out of this store: by hand, or by a file that is gone.
        is_hidden, updated = now.rules.commit_reveal_weights_enabled, now.me.last_update
        if not is_hidden and now.epoch_at(updated) == now.next_epoch:
            return f"the chain has weights of this hotkey since block {updated}, in epoch {now.next_epoch}"
        if pending is not None and self._may_land(pending, now):
            return f"weights were sent after block {pending.intended_at} without an answer, they may still land"
        # A call lands in the next block at the earliest.
        if now.block + 1 < (earliest := max(now.earliest, self._patience.until)):
            return f"the next weights can be set in block {earliest}"
        return None

    def _may_land(self, submission: Submission, now: Moment) -> bool:
        return now.block - submission.intended_at <= self.settle_blocks

    async def _decided(
        self, now: Moment, standings: Mapping[Hotkey, Standing], pending: Submission | None
    ) -> Submission:
        """The weights of this epoch, with the uids of this moment; raises `NothingToWeigh`."""
        is_hidden = now.rules.commit_reveal_weights_enabled
        if is_hidden and pending and isinstance(pending.call, RevealWeights):
            return pending  # the same commitment: whichever of the two lands, its salt is known
        voter = Voter(now.me.uid, self.definition.weigh, now.rules.min_allowed_weights)
        last = await self.journal.last_landed()
        column, scores = held(last.weights if last else (), now.metagraph), aligned(standings, now.metagraph)
        # A designer's arithmetic may take long.
        ballot = await asyncio.to_thread(voter.ballot, now.metagraph, scores, column)
        call = (ballot.hidden if is_hidden else ballot.shown)(self.netuid, self.definition.version)
        return Submission(epoch=now.next_epoch, call=call, weights=ballot.weights, intended_at=now.block)

    async def _send(self, submission: Submission, now: Moment, if_refused: State) -> Receipt:
        submission, call = replace(submission, intended_at=now.block), submission.first_call(self._hotkey)
        await self.journal.write(submission)
        try:
            receipt = (await self.chain.submit(call, self.key)).raise_for_error()
        except ExtrinsicFailed:
            # What was sent before and refused now may be refused because it has landed after all.
            await self.journal.write(replace(submission, state=if_refused))
            self._patience.failed(now.block)
            raise
        await self._landed(replace(submission, extrinsic_hash=receipt.extrinsic_hash), now, receipt.block)
        what = "set" if isinstance(call, SetWeights) else "committed"
        self._say(f"the weights of epoch {submission.epoch} were {what} in block {receipt.block}")
        return receipt

    async def _landed(self, submission: Submission, now: Moment, block: Block) -> None:
        state: State = "set" if isinstance(submission.call, SetWeights) else "committed"
        await self.journal.write(replace(submission, state=state, landed_epoch=now.epoch_at(block), landed_at=block))
        self._patience.succeeded()

    def _say(self, why: str) -> None:
        if why != self._said:  # once, not every round
            _LOG.info("%s", why)
            self._said = why


def _are_set(epoch: int) -> str:
    return f"the weights of epoch {epoch} are set"
