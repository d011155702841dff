# SPDX-License-Identifier: Apache-2.0
"""Names for the numbers and texts that every package passes around.

A netuid, a uid and a block are all integers, a hotkey and a coldkey are both ss58 text: distinct types let the
type checker refuse a uid where a netuid belongs. They cost nothing at run time. Imports nothing of ours.
"""

from __future__ import annotations

from typing import NewType, TypeAlias

__all__ = ["Block", "Coldkey", "Hotkey", "Json", "JsonObject", "NetUid", "Ss58", "Uid"]

NetUid = NewType("NetUid", int)
"""A subnet's number on the chain; 0 is the root network."""

Uid = NewType("Uid", int)
"""A neuron's place on its subnet; it passes to another hotkey when its holder is pruned."""

Block = NewType("Block", int)
"""A block's height."""

Ss58 = NewType("Ss58", str)
"""An account's address as people read it: base58 with a checksum, network format 42."""

Hotkey: TypeAlias = Ss58
"""The address that signs for a miner or validator."""

Coldkey: TypeAlias = Ss58
"""The address that owns hotkeys and holds their funds."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]
