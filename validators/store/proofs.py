# SPDX-License-Identifier: Apache-2.0
"""The signed replies of a round in one blob, from which each comes back to the byte.

The rows of a round have nearly everything in common: who asked, where, what and how. Each field becomes a column in
which a value stands once; a field that only repeats the row's hotkey is left out. Signatures are what remains.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from protocols.errors import MalformedReply
from protocols.seal import Evidence, StreamEvidence
from protocols.types import Hotkey
from validators.store.packing import Column, numbers, packed_numbers, squeezed, unsqueezed
from validators.store.record import Proof, Unsigned

__all__ = ["packed_proofs", "proofs_of"]

_KINDS: Final[dict[str, type[Proof]]] = {"reply": Evidence, "stream": StreamEvidence, "unsigned": Unsigned}
_MOST_BYTES: Final = 32 * 1024 * 1024
_TIME: Final = "nonce_ns"
_MINER: Final = "miner"


class _Table(msgspec.Struct, frozen=True, array_like=True):
    """The proofs of one kind."""

    rows: bytes
    """To which mark each belongs."""
    fields: dict[str, Column | bytes | None]


def packed_proofs(hotkeys: Sequence[Hotkey], proofs: Sequence[Proof | None]) -> bytes:
    """The proofs of the miners that were asked; the largest are left out where all together are too many bytes."""
    tables = {}
    rows = _that_fit([(at, proof) for at, proof in enumerate(proofs) if proof is not None])
    for name, kind in _KINDS.items():
        mine = [(at, proof) for at, proof in rows if type(proof) is kind]
        if mine:
            at = [place for place, _ in mine]
            tables[name] = _table(kind, at, [proof for _, proof in mine], [hotkeys[place] for place in at])
    return squeezed(tables)


def proofs_of(data: bytes, hotkeys: Sequence[Hotkey]) -> list[Proof | None]:
    """The inverse of `packed_proofs`; `MalformedReply` where the blob is not what was written."""
    found: list[Proof | None] = [None] * len(hotkeys)
    try:
        for name, table in unsqueezed(data, dict[str, _Table]).items():
            at = numbers(table.rows)
            columns = {field: _rows(column, [hotkeys[place] for place in at]) for field, column in table.fields.items()}
            for row, place in enumerate(at):
                values = {field: column[row] for field, column in columns.items()}
                found[place] = msgspec.convert(values | {"kind": name}, _KINDS[name])
    except (msgspec.MsgspecError, zlib.error, ValueError, KeyError, IndexError) as error:
        raise MalformedReply(f"the evidence of a round cannot be read: {str(error)[:200]!r}") from error
    return found


def _that_fit(rows: list[tuple[int, Proof]]) -> list[tuple[int, Proof]]:
    sizes = {at: _size(proof) for at, proof in rows}
    total = sum(sizes.values())
    for at in sorted(sizes, key=lambda at: -sizes[at]):
        if total <= _MOST_BYTES:
            break
        total -= sizes.pop(at)
    return [(at, proof) for at, proof in rows if at in sizes]


def _size(proof: Proof) -> int:
    if isinstance(proof, Evidence):
        return len(proof.reply_body)
    return sum(map(len, proof.frames if isinstance(proof, StreamEvidence) else proof.items))


def _table(kind: type[Proof], at: list[int], proofs: list[Proof], hotkeys: list[Hotkey]) -> _Table:
    fields = kind.__struct_fields__
    columns = {field: [getattr(proof, field) for proof in proofs] for field in fields}
    return _Table(packed_numbers(at), {field: _column(field, columns[field], hotkeys) for field in fields})


def _column(field: str, rows: list[Any], hotkeys: list[Hotkey]) -> Column | bytes | None:
    if field == _MINER and rows == hotkeys:
        return None
    return packed_numbers(rows) if field == _TIME else Column.of(rows)


def _rows(column: Column | bytes | None, hotkeys: list[Hotkey]) -> Sequence[Any]:
    if column is None:
        return hotkeys
    return numbers(column) if isinstance(column, bytes) else column.unpacked()
