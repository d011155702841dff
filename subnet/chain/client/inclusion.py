# SPDX-License-Identifier: Apache-2.0
"""From signed bytes to the block that includes them, whatever happens to the connection in between.

Inclusion is looked for in the blocks themselves, not told by the node's pool: a subscription ends with its connection,
and nobody repeats what was said meanwhile. So it is always known from which block on to look, and that is also what is
done before the same bytes are sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from protocols.chain import Receipt
from protocols.types import Block
from subnet.chain.client.events import outcome
from subnet.chain.client.extrinsics import Signed
from subnet.chain.client.faults import NodeError
from subnet.chain.client.refusals import is_known, is_outdated, of_pool
from subnet.chain.client.session import Session
from subnet.chain.client.storage import Item
from subnet.chain.client.waiting import with_wait

__all__ = ["Sending", "Sighting", "look", "receipt", "send"]


class Sending(Enum):
    """What a node's pool said to an extrinsic that may well be included."""

    TAKEN = "taken"
    OUTDATED = "outdated"
    """Its nonce was used: by this very extrinsic, or by another one."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the newest blocks say about an extrinsic."""

    newest: Block
    receipt: Receipt | None = None
    is_passed: bool = False
    """Whether the account has used the nonce, so that no later block can include this."""


def send(session: Session, extrinsic: Signed) -> Sending:
    """Hand an extrinsic to the node; raises what the pool refused it for."""
    try:
        session.rpc("author_submitExtrinsic", extrinsic.data)
    except NodeError as error:
        if is_known(error):
            return Sending.TAKEN
        if is_outdated(error):
            return Sending.OUTDATED
        plan = extrinsic.draft
        refused = of_pool(error, session.spec_version, plan.asked)
        raise with_wait(session, refused, plan.asked, plan.address, session.head()) from error
    return Sending.TAKEN


def look(session: Session, extrinsic: Signed, after: Block) -> Sighting:
    """Look for an extrinsic in the blocks after one."""
    head = session.head()
    newest = session.number(head)
    for number in range(after + 1, newest + 1):
        block_hash = session.hash_of(number)
        found = None if block_hash is None else receipt(session, extrinsic, Block(number), block_hash)
        if found is not None:
            return Sighting(newest, found)
    if newest <= after:
        return Sighting(newest)
    (account,) = session.read([Item("System", "Account", (extrinsic.draft.address,))], head)
    return Sighting(newest, is_passed=int(account["nonce"]) > extrinsic.draft.nonce)


def receipt(session: Session, extrinsic: Signed, number: Block, block_hash: str) -> Receipt | None:
    """The receipt of an extrinsic, or None where this block does not include it."""
    included = session.rpc("chain_getBlock", block_hash)["block"]["extrinsics"]
    if extrinsic.data not in included:
        return None
    (records,) = session.read([Item("System", "Events")], block_hash)
    result, plan = outcome(records or (), included.index(extrinsic.data), session.error_name), extrinsic.draft
    error = result.error and with_wait(session, result.error, plan.asked, plan.address, block_hash)
    final = session.number(session.finalised())
    return Receipt(
        block=number,
        block_hash=block_hash,
        extrinsic_hash=extrinsic.hash,
        finalised=final >= number and session.hash_of(number) == block_hash,
        fee=result.fee,
        events=result.events,
        error=error,
    )
