# SPDX-License-Identifier: Apache-2.0
"""What there is to know about subnets and accounts, out of the chain's storage.

All of it is plain storage, in few and large requests: it reads the same from every runtime, and where a runtime keeps
less, the rest has its default. Each function runs on the thread that owns the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from protocols.balance import Balance
from protocols.chain import Commitment, Epoch, SubnetInfo
from protocols.errors import LedgerError, UnknownSubnet
from protocols.hyperparameters import TABLE, Hyperparameters
from protocols.keys import encode_address
from protocols.sparse import SparseRows
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58
from subnet.chain.client.commitments import commitment
from subnet.chain.client.session import Session
from subnet.chain.client.storage import Item
from subnet.chain.dials import from_storage

__all__ = ["PALLET", "balance", "check_subnet", "commitments", "epoch", "hyperparameters", "rows", "subnets", "time_ns"]

PALLET: Final = "SubtensorModule"
_EXISTS: Final = "NetworksAdded"
_IDENTITIES: Final = ("SubnetIdentitiesV3", "SubnetIdentitiesV2", "SubnetIdentities")
_NS_PER_MS: Final = 1_000_000
_ACCOUNT_BYTES: Final = 32
_NETUID_BYTES: Final = 2
_LONGEST_SILENCE: Final = 50_400  # blocks without an epoch after which the chain runs one anyway


def check_subnet(exists: object, netuid: int) -> None:
    """Refuse a netuid that the storage does not know."""
    if not exists:
        raise UnknownSubnet(f"there is no subnet {netuid} on this chain", help="list them: await chain.subnets()")


def time_ns(session: Session) -> int:
    """When the newest block says that it was made, in nanoseconds since 1970."""
    (now,) = session.read([Item("Timestamp", "Now")], session.head())
    return int(now) * _NS_PER_MS


def balance(session: Session, address: Ss58) -> Balance:
    """What an account can spend: what is free, without what is frozen."""
    (account,) = session.read([Item("System", "Account", (address,))], session.head())
    data = account["data"]
    frozen = data.get("frozen", max(data.get("misc_frozen", 0), data.get("fee_frozen", 0)))
    return Balance(max(0, data["free"] - max(0, frozen - data["reserved"])))


def subnets(session: Session) -> tuple[SubnetInfo, ...]:
    """All subnets, by netuid."""
    at = session.head()
    listed = session.entries(Item(PALLET, _EXISTS), at)
    netuids = sorted(int.from_bytes(key[-_NETUID_BYTES:], "little") for key, data in listed if any(data))
    columns = ("SubnetOwner", "SubnetworkN", *_IDENTITIES)
    values = session.read([Item(PALLET, name, (netuid,)) for netuid in netuids for name in columns], at)
    found = []
    for place, netuid in enumerate(netuids):
        owner, neurons, *identities = values[place * len(columns) : (place + 1) * len(columns)]
        identity: Mapping[str, Any] = next(filter(None, identities), {})
        name = str(identity.get("subnet_name", ""))
        found.append(SubnetInfo(netuid=NetUid(netuid), name=name, owner=Coldkey(Ss58(owner)), neurons=int(neurons)))
    return tuple(found)


def hyperparameters(session: Session, netuid: NetUid) -> Hyperparameters:
    """The rules of a subnet."""
    exists, *values = session.read([Item(PALLET, _EXISTS, (netuid,)), *_dials(netuid)], session.head())
    check_subnet(exists, netuid)
    return from_storage(values)


def epoch(session: Session, netuid: NetUid) -> Epoch:
    """When consensus ran last and runs next."""
    at = session.head()
    names = (_EXISTS, "Tempo", "SubnetEpochIndex", "LastEpochBlock", "PendingEpochAt", "BlocksSinceLastStep")
    exists, tempo, index, last, pending, silent, number = session.read(
        [*(Item(PALLET, name, (netuid,)) for name in names), Item("System", "Number")], at
    )
    check_subnet(exists, netuid)
    if last is None:
        return _regular_epoch(netuid, tempo, number)
    if not tempo:
        return Epoch(index, Block(last), None)
    due = min(last + tempo, pending or last + tempo, number + max(1, _LONGEST_SILENCE + 1 - silent))
    return Epoch(index, Block(last), Block(max(due, number + 1)))


def rows(session: Session, netuid: NetUid, name: str) -> SparseRows:
    """Weights or bonds, which the chain keeps in a row for each uid."""
    at = session.head()
    exists, n = session.read([Item(PALLET, _EXISTS, (netuid,)), Item(PALLET, "SubnetworkN", (netuid,))], at)
    check_subnet(exists, netuid)
    stored = session.read_raw([Item(PALLET, name, (netuid, uid)) for uid in range(n)], at)
    parts = [_pairs(row) for row in stored]
    starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    flat = np.concatenate([np.empty((0, 2), np.uint16), *parts])
    return SparseRows(starts, flat[:, 0].astype(np.uint16), flat[:, 1].astype(np.uint16))


def commitments(session: Session, netuid: NetUid) -> Mapping[Hotkey, Commitment]:
    """What hotkeys of a subnet have published, in the open."""
    at = session.head()
    (exists,) = session.read([Item(PALLET, _EXISTS, (netuid,))], at)
    check_subnet(exists, netuid)
    listed = session.entries(Item("Commitments", "CommitmentOf", (netuid,)), at)
    return MappingProxyType({Hotkey(encode_address(key[-_ACCOUNT_BYTES:])): commitment(data) for key, data in listed})


def _regular_epoch(netuid: int, tempo: int, block: int) -> Epoch:
    """On runtimes that keep no epochs: the ones in which `block + netuid + 2` is a multiple of `tempo + 1`."""
    if not tempo:
        return Epoch(0, Block(0), None)
    length = tempo + 1
    index, since = divmod(block + netuid + 2, length)
    return Epoch(index, Block(max(0, block - since)), Block(block - since + length))


def _pairs(row: bytes | None) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """A list of pairs of 16-bit numbers, (E, 2): its length in one, two or four bytes, then the pairs."""
    if not row:
        return np.empty((0, 2), np.uint16)
    size = (1, 2, 4, 0)[row[0] & 3]
    count = int.from_bytes(row[:size], "little") >> 2
    if not size or len(row) != size + 4 * count:
        raise LedgerError(f"a row of {len(row)} bytes says that it has {count} pairs")
    return np.frombuffer(row, "<u2", offset=size).reshape(-1, 2)


def _dials(netuid: int) -> list[Item]:
    """Where the storage keeps each hyperparameter, in the order of the table."""
    return [Item(PALLET, dial.storage, (netuid,)) for dial in TABLE.values()]
