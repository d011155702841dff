# SPDX-License-Identifier: Apache-2.0
"""Counting a subnet's neurons on a runtime that does not do it: storage, column by column, and the stake worked out.

The first request guesses how many neurons there are, because the count comes with it; only a subnet that is larger than
the guess takes another. Stake that others lend from outside of the subnet takes one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from incentive.emission.stake import Link, Stakes, total_stake_bits
from incentive.fixed import I64F64
from protocols.keys import decode_address
from protocols.types import Block, NetUid
from subnet.chain.client.reads import PALLET, check_subnet
from subnet.chain.client.session import Session
from subnet.chain.client.storage import Item

__all__ = ["Census", "census"]

_GUESS: Final = 256
_ROOT: Final = 0
_VECTORS: Final[Mapping[str, str]] = {
    "Active": "active",
    "ValidatorPermit": "validator_permit",
    "LastUpdate": "last_update",
    "Emission": "emission",
    "Dividends": "dividends",
    "Incentive": "incentives",
    "Consensus": "consensus",
    "Trust": "trust",
    "ValidatorTrust": "validator_trust",
}


@dataclass(frozen=True, slots=True)
class Census:
    """The columns of a metagraph by the names that the chain's own call gives them."""

    block: Block
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Holdings:
    """What is known of hotkeys, by address."""

    axons: Mapping[str, Any]
    owners: Mapping[str, str]
    alpha: Mapping[str, int]
    root: Mapping[str, int]
    links: Sequence[Link]
    lenders: Sequence[str]


def census(session: Session, netuid: NetUid, at: str) -> Census:
    """All neurons of a subnet at a block; raises `UnknownSubnet`."""
    names = ("NetworksAdded", "SubnetworkN", *_VECTORS)
    heads = [*(Item(PALLET, name, (netuid,)) for name in names), Item("System", "Number"), _tao_weight(session, netuid)]
    values = session.read([*heads, *_places(netuid, 0, _GUESS)], at)
    exists, n, *vectors = values[: len(names)]
    check_subnet(exists, netuid)
    places = values[len(heads) :]
    if n > _GUESS:
        places += session.read(_places(netuid, _GUESS, n), at)
    hotkeys, registered = places[0 : 2 * n : 2], places[1 : 2 * n : 2]
    block, tao_weight = values[len(names) : len(heads)]
    held = _holdings(session, netuid, hotkeys, at)
    columns = {
        **dict(zip(_VECTORS.values(), vectors, strict=True)),
        "hotkeys": hotkeys,
        "coldkeys": [held.owners[hotkey] for hotkey in hotkeys],
        "axons": [held.axons[hotkey] for hotkey in hotkeys],
        "block_at_registration": registered,
        "alpha_stake": [held.alpha[hotkey] for hotkey in hotkeys],
        "total_stake": _totals(session, netuid, hotkeys, held, int(tao_weight or 0), at),
    }
    return Census(Block(block), columns)


def _places(netuid: int, first: int, end: int) -> list[Item]:
    names = ("Keys", "BlockAtRegistration")
    return [Item(PALLET, name, (netuid, uid)) for uid in range(first, end) for name in names]


def _tao_weight(session: Session, netuid: int) -> Item:
    """What root stake counts: of one subnet on older runtimes, of all on newer ones."""
    return Item(PALLET, "TaoWeight", (netuid,) if session.arity(PALLET, "TaoWeight") else ())


def _holdings(session: Session, netuid: int, hotkeys: Sequence[str], at: str) -> _Holdings:
    found = session.read([item for hotkey in hotkeys for item in _of_hotkey(netuid, hotkey)], at)
    size = len(_of_hotkey(netuid, ""))
    rows = {hotkey: found[place * size : (place + 1) * size] for place, hotkey in enumerate(hotkeys)}
    links = [link for hotkey, row in rows.items() for link in _links(hotkey, row[4], row[5])]
    lenders = {str(parent) for row in rows.values() for _, parent in row[5] or ()} - rows.keys()
    return _Holdings(
        axons={hotkey: row[0] for hotkey, row in rows.items()},
        owners={hotkey: row[1] for hotkey, row in rows.items()},
        alpha={hotkey: int(row[2]) for hotkey, row in rows.items()},
        root={hotkey: int(row[3]) for hotkey, row in rows.items()},
        links=list(dict.fromkeys(links)),
        lenders=sorted(lenders),
    )


def _of_hotkey(netuid: int, hotkey: str) -> list[Item]:
    return [
        Item(PALLET, "Axons", (netuid, hotkey)),
        Item(PALLET, "Owner", (hotkey,)),
        *_stake(netuid, hotkey),
        Item(PALLET, "ChildKeys", (hotkey, netuid)),
        Item(PALLET, "ParentKeys", (hotkey, netuid)),
    ]


def _stake(netuid: int, hotkey: str) -> list[Item]:
    return [Item(PALLET, "TotalHotkeyAlpha", (hotkey, where)) for where in (netuid, _ROOT)]


def _links(hotkey: str, children: Iterable[Any] | None, parents: Iterable[Any] | None) -> Iterable[Link]:
    own = _number(hotkey)
    for proportion, child in children or ():
        yield Link(own, _number(child), int(proportion))
    for proportion, parent in parents or ():
        yield Link(_number(parent), own, int(proportion))


def _totals(
    session: Session, netuid: int, hotkeys: Sequence[str], held: _Holdings, tao_weight: int, at: str
) -> list[int]:
    alpha, root = dict(held.alpha), dict(held.root)
    if held.lenders:
        lent = session.read([item for lender in held.lenders for item in _stake(netuid, lender)], at)
        alpha |= {lender: int(lent[2 * place]) for place, lender in enumerate(held.lenders)}
        root |= {lender: int(lent[2 * place + 1]) for place, lender in enumerate(held.lenders)}
    stakes = Stakes(
        alpha={_number(hotkey): amount for hotkey, amount in alpha.items()},
        root={_number(hotkey): amount for hotkey, amount in root.items()},
        links=held.links,
        tao_weight=tao_weight,
    )
    return [I64F64.floor(bits) for bits in total_stake_bits(stakes, [_number(hotkey) for hotkey in hotkeys])]


def _number(address: str) -> int:
    return int.from_bytes(decode_address(address), "big")
