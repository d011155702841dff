# SPDX-License-Identifier: Apache-2.0
"""Why a transaction is not taken, in the numbers and words by which clients tell the reasons apart."""

from __future__ import annotations

import pytest

from protocols.errors import PoolRefusal
from subnet.chain.node.rpc.author import refusal
from subnet.chain.node.validity import InvalidTransaction, Undecodable


@pytest.mark.parametrize(
    ("fault", "code", "message", "data"),
    [
        (InvalidTransaction("BadProof"), 1010, "Invalid Transaction", "Transaction has a bad signature"),
        (InvalidTransaction("Custom", 6), 1010, "Invalid Transaction", "Custom error: 6"),
        (InvalidTransaction("CannotLookup"), 1011, "Unknown Transaction Validity", "CannotLookup"),
        (PoolRefusal(1012, "Transaction is temporarily banned"), 1012, "Transaction is temporarily banned", None),
        (PoolRefusal(1016, "Immediately Dropped", "no room"), 1016, "Immediately Dropped", "no room"),
    ],
)
def test_a_refusal_has_its_number(
    fault: InvalidTransaction | PoolRefusal, code: int, message: str, data: str | None
) -> None:
    told = refusal(fault)
    assert (told.code, told.message, told.data) == (code, message, data)


def test_bytes_that_are_no_transaction_fail_as_they_do_in_the_runtime_of_a_substrate_node() -> None:
    told = refusal(Undecodable("3 bytes are left"))
    assert told.code == 1002
    assert told.message.startswith("Verification Error: Runtime error: Execution failed")
    assert told.message.endswith("3 bytes are left")
