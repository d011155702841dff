# SPDX-License-Identifier: Apache-2.0
"""Who is on a subnet at one block: one row for each neuron, kept as columns.

Scoring and consensus work on whole columns, everything else on one neuron at a time; both are here and cannot disagree.
A neuron's identity is its hotkey: a uid passes to another when its holder is pruned, so what is remembered of a neuron
is remembered under its hotkey, and `diff` says what became of each. Nothing in a metagraph can be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from protocols.columns import Flags, Floats, Ints, column, from_bytes, to_bytes
from protocols.endpoint import Endpoint
from protocols.errors import LedgerError, NotRegistered
from protocols.keys import short
from protocols.types import Block, Coldkey, Hotkey, NetUid, Uid

__all__ = ["Metagraph", "MetagraphDiff", "Neuron", "Replaced"]

# In the order of `Neuron`'s fields; a stored metagraph holds exactly these.
_COLUMNS: Final[Mapping[str, npt.DTypeLike]] = {
    "stake": np.int64,
    "alpha_stake": np.int64,
    "emission": np.int64,
    "incentive": np.float64,
    "dividends": np.float64,
    "consensus": np.float64,
    "trust": np.float64,
    "validator_trust": np.float64,
    "active": np.bool_,
    "validator_permit": np.bool_,
    "last_update": np.int64,
    "block_at_registration": np.int64,
}


class Neuron(msgspec.Struct, frozen=True):
    """One row of a metagraph; amounts are in rao, shares are fractions of 1."""

    uid: Uid
    hotkey: Hotkey
    coldkey: Coldkey
    endpoint: Endpoint | None = None
    stake: int = 0
    alpha_stake: int = 0
    emission: int = 0
    incentive: float = 0.0
    dividends: float = 0.0
    consensus: float = 0.0
    trust: float = 0.0
    validator_trust: float = 0.0
    active: bool = True
    validator_permit: bool = False
    last_update: Block = Block(0)
    block_at_registration: Block = Block(0)


@dataclass(frozen=True, slots=True)
class Replaced:
    """A uid that another hotkey holds now."""

    uid: Uid
    old: Hotkey
    new: Hotkey


@dataclass(frozen=True, slots=True, kw_only=True)
class MetagraphDiff:
    """What changed between two metagraphs of a subnet, by hotkey; false where nothing did."""

    joined: tuple[Hotkey, ...]
    left: tuple[Hotkey, ...]
    replaced: tuple[Replaced, ...]
    renumbered: tuple[Hotkey, ...]
    """Registered in both, under another uid."""
    moved: tuple[Hotkey, ...]
    """Published another endpoint, a first one, or none any more."""
    permit_gained: tuple[Hotkey, ...]
    permit_lost: tuple[Hotkey, ...]
    restaked: tuple[Hotkey, ...]

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A metagraph as bytes: columns little-endian, so that a file moves between machines."""

    version: int
    netuid: int
    block: int
    hotkeys: tuple[str, ...]
    coldkeys: tuple[str, ...]
    endpoints: tuple[Endpoint | None, ...]
    columns: dict[str, bytes]


_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metagraph:
    """A subnet's neurons in the order of their uids; every column is (N,) and read-only."""

    netuid: NetUid
    block: Block
    hotkeys: tuple[Hotkey, ...]
    coldkeys: tuple[Coldkey, ...]
    endpoints: tuple[Endpoint | None, ...]
    stake: Ints
    """The weight of its stake in consensus, in rao: alpha and root tao together."""
    alpha_stake: Ints
    """The part of it in the subnet's own token, in rao."""
    emission: Ints
    """What it was paid at the last epoch, in rao of alpha."""
    incentive: Floats
    dividends: Floats
    consensus: Floats
    trust: Floats
    validator_trust: Floats
    active: Flags
    validator_permit: Flags
    last_update: Ints
    """The block of its last weights."""
    block_at_registration: Ints
    _uids: Mapping[Hotkey, Uid] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = len(self.hotkeys)
        for name in ("coldkeys", "endpoints"):
            if len(getattr(self, name)) != n:
                raise LedgerError(f"column {name} has {len(getattr(self, name))} rows, expected {n}")
        for name, dtype in _COLUMNS.items():
            object.__setattr__(self, name, column(name, getattr(self, name), dtype, n))
        uids = {hotkey: Uid(uid) for uid, hotkey in enumerate(self.hotkeys)}
        if len(uids) != n:
            twice = next(hotkey for uid, hotkey in enumerate(self.hotkeys) if uids[hotkey] != uid)
            raise LedgerError(f"hotkey {short(twice)} has several uids on subnet {self.netuid}, expected one")
        object.__setattr__(self, "_uids", uids)

    @classmethod
    def of(cls, netuid: NetUid, block: Block, neurons: Iterable[Neuron]) -> Metagraph:
        """Build from rows, which come in the order of their uids from 0 without a gap."""
        rows = list(neurons)
        for uid, row in enumerate(rows):
            if row.uid != uid:
                raise LedgerError(f"row {uid} of subnet {netuid} is of uid {row.uid}, expected {uid}")
        # Only fractions are converted: a whole 0 or 1 is one too, but an amount with decimals is a mistake.
        columns: dict[str, Any] = {
            name: np.array([getattr(row, name) for row in rows], dtype if dtype is np.float64 else None)
            for name, dtype in _COLUMNS.items()
        }
        return cls(
            netuid=netuid,
            block=block,
            hotkeys=tuple(row.hotkey for row in rows),
            coldkeys=tuple(row.coldkey for row in rows),
            endpoints=tuple(row.endpoint for row in rows),
            **columns,
        )

    @property
    def n(self) -> int:
        """How many neurons there are."""
        return len(self.hotkeys)

    @property
    def uids(self) -> Ints:
        """Their uids, (N,)."""
        return np.arange(self.n)

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Neuron]:
        columns = (getattr(self, name).tolist() for name in _COLUMNS)
        return map(Neuron, range(self.n), self.hotkeys, self.coldkeys, self.endpoints, *columns)

    def __contains__(self, hotkey: object) -> bool:
        return hotkey in self._uids

    def __getitem__(self, uid: int) -> Neuron:
        # No counting from the end: uid -1 is somebody's mistake, not the last neuron.
        if not 0 <= uid < self.n:
            raise NotRegistered(f"uid {uid} is nobody's on subnet {self.netuid}, which has {self.n} neurons")
        row = int(uid)
        values = (getattr(self, name)[row].item() for name in _COLUMNS)
        return Neuron(Uid(row), self.hotkeys[row], self.coldkeys[row], self.endpoints[row], *values)

    def uid_of(self, hotkey: Hotkey) -> Uid:
        """The uid that a hotkey holds at this block; raises `NotRegistered`."""
        uid = self._uids.get(hotkey)
        if uid is None:
            raise NotRegistered(f"hotkey {short(hotkey)} is not registered on subnet {self.netuid}")
        return uid

    def by_hotkey(self, hotkey: Hotkey) -> Neuron:
        """The row of a hotkey; raises `NotRegistered`."""
        return self[self.uid_of(hotkey)]

    def where(self, mask: Flags) -> tuple[Neuron, ...]:
        """The rows where a mask holds: `metagraph.where(metagraph.validator_permit & metagraph.active)`."""
        if mask.dtype != np.bool_ or mask.shape != (self.n,):
            raise LedgerError(f"mask is {mask.dtype} of shape {mask.shape}, expected bool of shape ({self.n},)")
        return tuple(self[uid] for uid in np.flatnonzero(mask).tolist())

    def diff(self, new: Metagraph) -> MetagraphDiff:
        """What changed from this metagraph to a newer one of the same subnet."""
        if new.netuid != self.netuid:
            raise LedgerError(f"cannot compare subnet {self.netuid} with subnet {new.netuid}")
        was = np.array([self._uids.get(hotkey, -1) for hotkey in new.hotkeys], dtype=np.int64)
        here = np.flatnonzero(was >= 0)  # those in both, by their new uid
        was = was[here]

        def those(changed: Flags) -> tuple[Hotkey, ...]:
            return tuple(new.hotkeys[uid] for uid in here[changed].tolist())

        pairs = zip(was.tolist(), here.tolist(), strict=True)
        moved = [self.endpoints[old] != new.endpoints[now] for old, now in pairs]
        had, has = self.validator_permit[was], new.validator_permit[here]
        return MetagraphDiff(
            joined=tuple(hotkey for hotkey in new.hotkeys if hotkey not in self._uids),
            left=tuple(hotkey for hotkey in self.hotkeys if hotkey not in new._uids),
            # Strict would be wrong: a subnet grows and shrinks.
            replaced=tuple(
                Replaced(Uid(uid), old, now)
                for uid, (old, now) in enumerate(zip(self.hotkeys, new.hotkeys, strict=False))
                if old != now
            ),
            renumbered=those(was != here),
            moved=those(np.array(moved, dtype=np.bool_)),
            permit_gained=those(~had & has),
            permit_lost=those(had & ~has),
            restaked=those(self.stake[was] != new.stake[here]),
        )

    def to_bytes(self) -> bytes:
        """One MessagePack document, equal for equal metagraphs."""
        columns = {name: to_bytes(getattr(self, name)) for name in _COLUMNS}
        return msgspec.msgpack.encode(
            _Stored(_VERSION, self.netuid, self.block, self.hotkeys, self.coldkeys, self.endpoints, columns)
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Metagraph:
        """The inverse of `to_bytes`; raises `LedgerError` for anything else."""
        try:
            stored = msgspec.msgpack.decode(data, type=_Stored)
            columns: dict[str, Any] = {
                name: from_bytes(stored.columns[name], dtype) for name, dtype in _COLUMNS.items()
            }
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise LedgerError(
                f"stored metagraph cannot be read: {error}", help="delete it and read the chain"
            ) from None
        if stored.version != _VERSION:
            raise LedgerError(f"stored metagraph has version {stored.version}, expected {_VERSION}")
        return cls(
            netuid=NetUid(stored.netuid),
            block=Block(stored.block),
            hotkeys=tuple(map(Hotkey, stored.hotkeys)),
            coldkeys=tuple(map(Coldkey, stored.coldkeys)),
            endpoints=stored.endpoints,
            **columns,
        )

    def __eq__(self, other: object) -> bool:
        return self.to_bytes() == other.to_bytes() if isinstance(other, Metagraph) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.netuid, self.block, self.hotkeys))
