# SPDX-License-Identifier: Apache-2.0
"""What a call would cost and come to, without sending it.

Every node knows the fee. Only some execute a call for nothing: public ones keep that to themselves, and then the effect
is unknown, which is said rather than guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from scalecodec import ScaleBytes

from protocols.balance import Balance
from protocols.calls import Call
from protocols.errors import LedgerError
from subnet.chain.client.extrinsics import Signed, fee
from subnet.chain.client.refusals import of_dispatch, of_validity
from subnet.chain.client.session import Session

__all__ = ["Forecast", "forecast"]

_DISPATCH_ERROR: Final = "sp_runtime::DispatchError"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What would become of a call in the next block."""

    fee: Balance
    effect: Literal["succeeds", "fails", "unknown"]
    error: LedgerError | None = None
    """Why it would fail."""


def forecast(session: Session, extrinsic: Signed) -> Forecast:
    """Ask the node what would become of an extrinsic."""
    cost = Balance(fee(session, extrinsic))
    answer = session.rpc_if_known("system_dryRun", extrinsic.data, session.head())
    if not isinstance(answer, str):
        return Forecast(fee=cost, effect="unknown")
    error = _error(session, bytes.fromhex(answer[2:]), extrinsic.draft.asked)
    return Forecast(fee=cost, effect="succeeds" if error is None else "fails", error=error)


def _error(session: Session, answer: bytes, call: Call) -> LedgerError | None:
    """What an encoded `Result<Result<(), DispatchError>, TransactionValidityError>` holds, if it is no success."""
    if answer[0] != 0:
        return of_validity(answer[1:], session.spec_version, call)
    if answer[1] == 0:
        return None
    error = session.interface.create_scale_object(_DISPATCH_ERROR, ScaleBytes(answer[2:]))
    error.decode(check_remaining=False)
    return of_dispatch(error.value, session.error_name)
