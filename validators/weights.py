# SPDX-License-Identifier: Apache-2.0
"""Weights on the chain exactly once an epoch, whatever dies in between.

What is to be sent is written down first, as intended, and as landed when the receipt is here. An intention without a
receipt is compared with the chain, which keeps the block of our last update: it has either landed, or may still, or
never will, and only in the last case is it sent again. Nothing is sent that the chain would refuse by its own rules.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from protocols.calls import SetWeights
from protocols.chain import Chain, Epoch, Receipt
from protocols.errors import ExtrinsicFailed, LedgerError, NothingToWeigh
from protocols.keys import Signer
from protocols.metagraph import Metagraph
from protocols.spec import Subnet
from protocols.types import Hotkey, NetUid
from validators.holding import Holder
from validators.moment import Moment, coming
from validators.patience import Patience
from validators.reconcile import Reconciler
from validators.reveal import Revealer
from validators.store import Journal, Standing
from validators.submission import State, Submission
from validators.timelock import Timelock

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
    """How long a call without a receipt may still land, at least."""
    thin: float = 0.5
    """The share of the reachable miners below which too few have been asked, and the last weights hold."""
    timelock: Timelock | None = None
    """Who encrypts weights that are to be hidden, where the chain can open them by itself."""
    _patience: Patience = field(default_factory=Patience, init=False)
    _said: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._hotkey = Hotkey(self.key.ss58_address)
        self._revealer = Revealer(chain=self.chain, key=self.key, journal=self.journal)
        self._reconciler = Reconciler(chain=self.chain, journal=self.journal, settle_blocks=self.settle_blocks)
        self._holder = Holder(
            definition=self.definition,
            chain=self.chain,
            journal=self.journal,
            settle_blocks=self.settle_blocks,
            thin=self.thin,
        )

    async def weigh(self, epoch: Epoch, metagraph: Metagraph, standings: Mapping[Hotkey, Standing]) -> Weighed:
        """Set the weights of the epoch that the next block belongs to; says why where nothing was sent."""
        due = coming(epoch, metagraph.block)
        try:
            if await self._is_done(due, metagraph):
                return Weighed(_are_set(due))
            return await self._weigh(standings)
        except NothingToWeigh as error:
            self._say(error.message)
            return Weighed(error.message)
        except LedgerError as error:
            # The round itself is done and recorded; the next one tries again.
            _LOG.warning("weights were not set: %s", error.message)
            return Weighed(f"{error.code}: {error.message}")

    async def _is_done(self, epoch: int, metagraph: Metagraph) -> bool:
        """Whether the chain has the weights of the epoch, and all that is to come is reveals of a later one."""
        landed, rows = await self.journal.landed_in(epoch), await self.journal.unsettled()
        if landed is None or landed.landed_at is None or landed.seen_at is None:
            return False
        if metagraph.by_hotkey(self._hotkey).last_update < landed.landed_at:
            return False
        return all(row.state == "committed" and (row.landed_epoch or 0) >= epoch for row in rows)

    async def _weigh(self, standings: Mapping[Hotkey, Standing]) -> Weighed:
        now = await Moment.read(self.chain, self.netuid, self._hotkey)
        await self._reconciler.confirm(now)
        pending = await self._reconciler.resolve(now)
        revealed = await self._revealer.reveal(now)
        if why := await self._hindrance(now, pending):
            self._say(why)
            return Weighed(why, revealed=revealed)
        try:
            submission = await self._decided(now, standings, pending)
        except NothingToWeigh as error:
            self._say(error.message)
            return Weighed(error.message, revealed=revealed)
        receipt = await self._send(submission, now, if_refused="refused" if pending is None else "intended")
        return Weighed(self._said, receipt, revealed)

    async def _hindrance(self, now: Moment, pending: Submission | None) -> str | None:
        """Why weights are not to be sent now."""
        if await self.journal.landed_in(now.next_epoch):
            return _are_set(now.next_epoch)
        if not now.me.validator_permit:
            return "this hotkey has no validator permit: it needs more stake, and then an epoch"
        if (wanted := now.rules.weights_version_key) > (ours := self.definition.version):
            return f"the subnet takes weights of version {wanted} or later, this definition is of {ours}: update it"
        # Set by this hotkey, and not out of this store: by hand, or by a file that is gone. Of hidden ones the salt is
        # gone too, and nobody could reveal them.
        is_hidden, updated = now.rules.commit_reveal_weights_enabled, now.updated_at
        if not is_hidden and updated is not None and now.epoch_at(updated) == now.next_epoch:
            return f"the chain has weights of this hotkey since block {updated}, in epoch {now.next_epoch}"
        if pending is not None and now.may_land(pending, self.settle_blocks):
            return f"weights were sent after block {pending.intended_at} without an answer, they may still land"
        # A call lands in the next block at the earliest.
        if now.block + 1 < (earliest := max(now.earliest, self._patience.until(now.block))):
            return f"the next weights can be set in block {earliest}"
        return None

    async def _decided(
        self, now: Moment, standings: Mapping[Hotkey, Standing], pending: Submission | None
    ) -> Submission:
        """The weights of this epoch, with the uids of this moment; raises `NothingToWeigh`."""
        is_hidden = now.rules.commit_reveal_weights_enabled
        if is_hidden and pending is not None and pending.is_hidden:
            return pending  # the same commitment: whichever of the two lands, its salt is known
        chosen = await self._holder.choose(now, standings)
        ballot = chosen.voter.ballot(now.metagraph, chosen.weights)
        in_the_open, sealed = ballot.shown(self.netuid, self.definition.version), None
        if is_hidden and self.timelock is not None:
            sealed = await self.timelock.timelocked(in_the_open, self._hotkey)
        is_salted = is_hidden and sealed is None
        return Submission(
            epoch=now.next_epoch,
            call=ballot.hidden(self.netuid, self.definition.version) if is_salted else in_the_open,
            weights=ballot.weights,
            intended_at=now.block,
            sealed=sealed,
            known=chosen.known,
            because=chosen.because,
        )

    async def _send(self, submission: Submission, now: Moment, if_refused: State) -> Receipt:
        submission, call = replace(submission, intended_at=now.block), submission.first_call(self._hotkey)
        await self.journal.write(submission)
        try:
            receipt = (await self.chain.submit(call, self.key)).raise_for_error()
        except ExtrinsicFailed:
            # What was sent before and refused now may be refused because it has landed after all.
            await self.journal.write(replace(submission, state=if_refused))
            self._patience.failed(now.block, now.rules.tempo)
            raise
        await self._reconciler.landed(replace(submission, extrinsic_hash=receipt.extrinsic_hash), now, receipt.block)
        self._patience.succeeded()
        what = "set" if isinstance(call, SetWeights) else "committed"
        said = f"the weights of epoch {submission.epoch} were {what} in block {receipt.block}"
        if submission.because:
            _LOG.warning("in epoch %d %s", submission.epoch, submission.because)
            said = f"{said}: {submission.because}"
        self._say(said)
        return receipt

    def _say(self, why: str) -> None:
        if why != self._said:  # once, not every round
            _LOG.info("%s", why)
            self._said = why


def _are_set(epoch: int) -> str:
    return f"the weights of epoch {epoch} are set"
