# SPDX-License-Identifier: Apache-2.0
"""How long "too fast" is: from which block on the chain will take the call that it has just refused.

The chain's own error says only that there is a limit. When the call came last, and how far apart two of them must be,
lies in its storage, and a program that knows the block need not guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from protocols.calls import Call
from protocols.errors import LedgerError
from subnet.chain.client.reads import PALLET
from subnet.chain.client.session import Session
from subnet.chain.client.storage import Item

__all__ = ["block_time", "with_wait"]

_WEIGHTS: Final = "WeightsSetRateLimit"
_LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "CommittingWeightsTooFast": _WEIGHTS,
        "ServingRateLimitExceeded": "ServingRateLimit",
        "SettingWeightsTooFast": _WEIGHTS,
    }
)
_MS: Final = 1000
_USUAL_S: Final = 12.0


def with_wait(session: Session, error: LedgerError, call: Call, signer: str, at: str) -> LedgerError:
    """The error with the block from which on the call will be taken, where there is one."""
    name = error.message.partition(":")[0]
    netuid = getattr(call, "netuid", None)
    if netuid is None or name not in _LIMITS:
        return error
    items = (
        Item(PALLET, _LIMITS[name], (netuid,)),
        Item(PALLET, "LastUpdate", (netuid,)),
        Item(PALLET, "Uids", (netuid, signer)),
        Item(PALLET, "Axons", (netuid, signer)),
        Item("System", "Number"),
    )
    limit, updates, uid, axon, now = session.read(items, at)
    last = _last(updates, uid) if _LIMITS[name] == _WEIGHTS else (axon or {}).get("block")
    if last is None:
        return error
    due = int(last) + int(limit)
    return type(error)(
        f"{name}: the last one was at block {last}, the next may come at {due}, now is {now}",
        help=f"send it again at block {due}",
        retry_after_s=max(0, due - int(now)) * block_time(session),
    )


def block_time(session: Session) -> float:
    """Seconds between two blocks: twice the least time that may lie between two timestamps."""
    period = session.interface.get_constant("Timestamp", "MinimumPeriod")
    return 2 * int(period.value) / _MS if period is not None else _USUAL_S


def _last(updates: Any, uid: Any) -> int | None:
    return int(updates[uid]) if uid is not None and uid < len(updates) else None
