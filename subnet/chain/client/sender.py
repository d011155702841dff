# SPDX-License-Identifier: Apache-2.0
"""Carrying calls to the chain: one nonce each, several on their way, none of them twice.

Calls of one account are signed one after the other, so that each gets the next nonce, and wait for their blocks side
by side. Once a call is signed only these bytes are ever sent, and again only when no block has them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from typing import Final

from protocols.calls import Call
from protocols.chain import Receipt
from protocols.clock import Clock
from protocols.errors import ChainUnreachable, ExtrinsicFailed
from protocols.keys import Signer, short
from protocols.types import Block
from subnet.chain.client.extrinsics import Signed, draft, signed
from subnet.chain.client.faults import Lost
from subnet.chain.client.inclusion import Sending, Sighting, look, send
from subnet.chain.client.link import Link
from subnet.chain.client.pause import Pause

__all__ = ["Sender"]

_LOG: Final = logging.getLogger(__name__)
_ATTEMPTS: Final = 4  # at a nonce that nobody else takes at the same moment
_RESEND_AFTER: Final = 3  # blocks without it


class Sender:
    """Sends calls over one link."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._on_the_way: Counter[str] = Counter()
        self._next: dict[str, int] = {}

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        """Sign a call, send it, and wait for the block that includes it."""
        address = signer.ss58_address
        async with self._turns[address]:
            for _ in range(_ATTEMPTS):
                extrinsic = await self.signed(call, signer)
                found = await self._sent(extrinsic)
                if isinstance(found, Receipt):
                    return found
                if found is Sending.TAKEN:
                    break
            else:
                raise ExtrinsicFailed(
                    f"InvalidTransaction.Stale: {short(address)} signs elsewhere at the same time, "
                    f"{_ATTEMPTS} nonces in a row were taken",
                    help="sign with one account in one place",
                )
            self._on_the_way[address] += 1
            self._next[address] = extrinsic.draft.nonce + 1
        try:
            return await self._included(extrinsic)
        finally:
            self._on_the_way[address] -= 1

    async def signed(self, call: Call, signer: Signer) -> Signed:
        """The bytes of a call, with the next nonce."""
        address, scheme = signer.ss58_address, signer.scheme
        # The pool behind another endpoint may not have heard of what is on its way.
        at_least = self._next.get(address, 0) if self._on_the_way[address] > 0 else 0
        plan = await self._link.ask(lambda session: draft(session, call, address, at_least))
        signature = await asyncio.to_thread(signer.sign, plan.payload)
        return await self._link.ask(lambda session: signed(session, plan, signature, scheme))

    async def _sent(self, extrinsic: Signed) -> Receipt | Sending:
        """Send for the first time; `OUTDATED` says for certain that another extrinsic took the nonce."""
        try:
            return await self._link.ask_once(lambda session: send(session, extrinsic))
        except Lost as lost:
            _LOG.warning("the connection was lost while a call was sent: %s", lost)
        again = await self._sent_again(extrinsic)
        # Whose the used nonce is, is not certain here: signing once more could do it twice. Watching will tell.
        return Sending.TAKEN if again is Sending.OUTDATED else again

    async def _sent_again(self, extrinsic: Signed) -> Receipt | Sending:
        """After it is not known whether the node heard: look first, then send the same bytes."""
        seen = await self._look(extrinsic, extrinsic.sent_after)
        if seen.receipt is not None:
            return seen.receipt
        return await self._link.ask(lambda session: send(session, extrinsic))

    async def _look(self, extrinsic: Signed, after: Block) -> Sighting:
        return await self._link.ask(lambda session: look(session, extrinsic, after))

    async def _included(self, extrinsic: Signed) -> Receipt:
        began, after, sent_at = self._clock.monotonic(), extrinsic.sent_after, extrinsic.sent_after
        pause = Pause(self._clock)
        while (waited := self._clock.monotonic() - began) < self._link.deadlines.inclusion_s:
            seen = await self._look(extrinsic, after)
            if seen.receipt is not None:
                return seen.receipt
            if seen.is_passed or seen.newest >= extrinsic.draft.dies_at:
                return await self._gone(extrinsic)
            if seen.newest - sent_at >= _RESEND_AFTER:
                sent_at = seen.newest
                if isinstance(answer := await self._sent_again(extrinsic), Receipt):
                    return answer
                _LOG.info("a call was sent again after block %d: %s", seen.newest, answer.value)
            if seen.newest > after:
                pause.reset()
            after = max(after, seen.newest)
            await pause.wait()
        raise ChainUnreachable(
            f"call {extrinsic.hash}, sent after block {extrinsic.sent_after}, is in no block after {waited:.0f} s",
            help=f"it may still land until block {extrinsic.draft.dies_at}: read the state before sending again",
        )

    async def _gone(self, extrinsic: Signed) -> Receipt:
        """Look once more at all blocks, since one may have been replaced, and give up."""
        seen = await self._look(extrinsic, extrinsic.sent_after)
        if seen.receipt is not None:
            return seen.receipt
        plan = extrinsic.draft
        if seen.is_passed:
            raise ExtrinsicFailed(
                f"InvalidTransaction.Stale: another call of {short(plan.address)} took nonce {plan.nonce}",
                help="read the state, and send the call again",
            )
        raise ExtrinsicFailed(
            f"InvalidTransaction.AncientBirthBlock: no block took the call until it expired at {plan.dies_at}, "
            f"now is {seen.newest}",
            help="send it again",
        )
