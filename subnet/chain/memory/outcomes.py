# SPDX-License-Identifier: Apache-2.0
"""What a call comes to: a new state and events, or a refusal by the public chain's own name for it.

The names are what people search for and what a client of the real chain reports, so code that reacts to one of them
meets the same one here. Each refusal has both values, and what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from protocols.chain import Event
from protocols.errors import ExtrinsicFailed, NotRegistered
from protocols.keys import short
from protocols.types import Json, Uid
from subnet.chain.memory.state import Network, State

__all__ = ["Done", "happened", "refused", "registered"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a call led to."""

    state: State
    events: tuple[Event, ...]


def happened(name: str, fields: Mapping[str, Json], pallet: str = "SubtensorModule") -> Event:
    """An event of the chain."""
    return Event(pallet, name, MappingProxyType(dict(fields)))


def refused(name: str, what: str, help: str | None = None) -> ExtrinsicFailed:
    """The error to raise where a call is against the chain's rules."""
    return ExtrinsicFailed(f"{name}: {what}", help=help)


def registered(network: Network, hotkey: str, name: str = "HotKeyNotRegisteredInSubNet") -> Uid:
    """The place of a hotkey that must have one; raises `NotRegistered`."""
    uid = network.uid(hotkey)
    if uid is None:
        raise NotRegistered(
            f"{name}: hotkey {short(hotkey)} holds none of the {len(network.seats)} places of subnet {network.netuid}",
            help=f"register it first: Register(netuid={network.netuid}, hotkey), signed by a coldkey",
        )
    return uid
