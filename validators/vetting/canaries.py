# SPDX-License-Identifier: Apache-2.0
"""Canaries: texts that stand in one miner's question alone, so that no other can say them but by copying.

A canary that is in somebody else's question, too, proves nothing and is passed over: better a copier unseen than an
honest miner struck out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import msgspec

from protocols.task import Replies, Task
from protocols.types import Hotkey

__all__ = ["overheard", "spoken"]


def overheard(replies: Replies) -> dict[Hotkey, Hotkey]:
    """Those in whose answers another's canary stands, each with whose it is."""
    planted = [(row.hotkey, row.asked.canary) for row in replies if row.asked is not None and row.asked.canary]
    questions = {row.hotkey: row.asked for row in replies if row.asked is not None}
    found: dict[Hotkey, Hotkey] = {}
    for row in replies if planted else ():
        said = spoken(row.items)
        heard = (owner for owner, canary in planted if canary in said and _is_secret(canary, owner, questions))
        if (owner := next(heard, row.hotkey)) != row.hotkey:
            found[row.hotkey] = owner
    return found


def spoken(items: Iterable[Any]) -> str:
    """All texts of an answer, one field after the other; of a stream each field in one piece."""
    told: dict[int, list[str]] = {}
    places: dict[tuple[int, object], int] = {}
    for item in items:
        # Not recursive: how deep an answer is nested is its sender's choice.
        waiting: list[tuple[int, Any]] = [(0, item)]
        while waiting:
            place, value = waiting.pop()
            if isinstance(value, str):
                told.setdefault(place, []).append(value)
            else:
                inner = _parts(value)
                waiting.extend((places.setdefault((place, name), len(places) + 1), part) for name, part in inner)
    return "\0".join("".join(texts) for texts in told.values())


def _parts(value: Any) -> Iterable[tuple[object, Any]]:
    """What a value is made of, each part with its name."""
    if isinstance(value, msgspec.Struct):
        return [(name, getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, Mapping):
        # A key is a text as well; it is told apart from its value.
        return [pair for key, part in value.items() for pair in (((key, "key"), key), (key, part))]
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray | memoryview):
        return list(enumerate(value))
    return []


def _is_secret(canary: str, owner: Hotkey, questions: Mapping[Hotkey, Task]) -> bool:
    others = (task for hotkey, task in questions.items() if hotkey != owner)
    return not any(canary == task.canary or canary in spoken([task.ask]) for task in others)
