# SPDX-License-Identifier: Apache-2.0
"""Whom a client asks, and what came of it: a reply with its proof, or a typed reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protocols.dialect import Speaking
from protocols.errors import WireError
from protocols.keys import decode_address
from protocols.seal import Evidence
from protocols.synapse import Synapse


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who answers: a hotkey and where it listens; `dialect` only for peers that do not speak ours."""

    hotkey: str
    url: str
    dialect: Speaking | None = None

    def __post_init__(self) -> None:
        # An address that is none would raise in the midst of a round, when the reply is to be verified.
        decode_address(self.hotkey)


@dataclass(frozen=True, slots=True)
class Timing:
    """What the asking side measured itself; the peer's own word on time is never used."""

    waited_s: float
    """From the call until the request was sent: our own queue, and opening a connection."""
    first_byte_s: float | None
    """From sending until the head of the reply was here."""
    elapsed_s: float
    """From sending until the reply was whole, or until it failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking one peer."""

    peer: Peer
    query: Synapse
    timing: Timing
    reply: Any = None
    evidence: Evidence | None = None
    error: WireError | None = None

    @property
    def ok(self) -> bool:
        """Whether a reply came that the peer can be held to."""
        return self.error is None

    def unwrap(self) -> Any:
        """The reply, or raise the reason why there is none."""
        if self.error is not None:
            raise self.error
        return self.reply


def without_frames(error: WireError) -> WireError:
    """The error without the stack it came from: an outcome that is kept must not keep half-read replies with it."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__
    return error


__all__ = ["Outcome", "Peer", "Timing", "without_frames"]
