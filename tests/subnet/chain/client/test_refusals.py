# SPDX-License-Identifier: Apache-2.0
"""A refusal is named as the chain names it, from wherever in the chain it comes."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.balance import Balance
from protocols.calls import SetWeights
from protocols.errors import ExtrinsicFailed, LedgerError, NotRegistered, UnknownSubnet
from protocols.types import NetUid, Uid
from subnet.chain.client.commitments import commitment
from subnet.chain.client.events import outcome
from subnet.chain.client.faults import NodeError
from subnet.chain.client.refusals import is_known, is_outdated, of_dispatch, of_pool, of_validity

NEW, OLD = 425, 218
VOTE = SetWeights(NetUid(1), (Uid(0),), (1,))


def lookup(pallet: int, error: int) -> tuple[str, str]:
    """A runtime with three errors."""
    return {
        (7, 4): ("HotKeyNotRegisteredInSubNet", "The hotkey is not registered."),
        (7, 9): ("SubnetNotExists", ""),
        (7, 12): ("NotEnoughBalanceToStake", "Too poor."),
    }[pallet, error]


@pytest.mark.parametrize(
    ("answered", "spec", "name"),
    [
        (
            {"code": 1010, "message": "Invalid Transaction", "data": "Inability to pay some fees"},
            NEW,
            "InvalidTransaction.Payment",
        ),
        ({"code": 1010, "message": '{"invalid":{"payment":null}}'}, OLD, "InvalidTransaction.Payment"),
        ({"code": 1010, "message": '{"invalid":{"custom":3}}'}, OLD, "InvalidTransaction.Custom3"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 6"}, NEW, "SettingWeightsTooFast"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 7"}, NEW, "InsufficientLiquidity"),
        ({"code": 1010, "message": "Invalid Transaction", "data": "Custom error: 255"}, NEW, "Custom255"),
        (
            {"code": 1010, "message": "Invalid Transaction", "data": "Transaction has a bad signature"},
            NEW,
            "InvalidTransaction.BadProof",
        ),
        ({"code": 1012, "message": "Transaction is temporarily banned"}, NEW, "temporarily banned"),
        ("nonsense", NEW, "nonsense"),
    ],
)
def test_what_a_pool_refuses_is_named(answered: Any, spec: int, name: str) -> None:
    error = of_pool(NodeError.read(answered), spec, VOTE)
    assert isinstance(error, ExtrinsicFailed)
    assert name in error.message


def test_an_extrinsic_that_the_pool_has_or_whose_nonce_is_used_is_no_refusal() -> None:
    assert is_known(NodeError(1013, "Transaction is already imported"))
    assert is_outdated(NodeError(1010, "Invalid Transaction", "Transaction is outdated"))
    assert is_outdated(NodeError(1014, "Priority is too low: (1 vs 1)"))
    assert not is_outdated(NodeError(1010, "Invalid Transaction", "Inability to pay some fees"))


@pytest.mark.parametrize(
    ("dispatched", "kind", "message"),
    [
        ("BadOrigin", ExtrinsicFailed, "BadOrigin: "),
        ({"Module": {"index": 7, "error": "0x04000000"}}, NotRegistered, "HotKeyNotRegisteredInSubNet: The hotkey"),
        ({"Module": {"index": 7, "error": "0x09000000"}}, UnknownSubnet, "SubnetNotExists: "),
        ({"Module": {"index": 7, "error": 12}}, ExtrinsicFailed, "NotEnoughBalanceToStake: Too poor."),
        ({"Token": "FundsUnavailable"}, ExtrinsicFailed, "Token.FundsUnavailable: "),
    ],
)
def test_what_a_block_says_about_a_failed_call_is_named(dispatched: Any, kind: type[LedgerError], message: str) -> None:
    error = of_dispatch(dispatched, lookup)
    assert type(error) is kind
    assert error.message.startswith(message)


def test_a_transaction_that_is_not_valid_is_named_from_its_bytes() -> None:
    assert of_validity(b"\0\1", NEW, VOTE).message.startswith("InvalidTransaction.Payment")
    assert of_validity(b"\0\7\6", NEW, VOTE).message.startswith("SettingWeightsTooFast")
    assert of_validity(b"\0\7\6", OLD, VOTE).message.startswith("InvalidTransaction.Custom6")
    assert of_validity(b"\1\0", NEW, VOTE).message.startswith("UnknownTransaction")


def record(index: int | None, pallet: str, name: str, attributes: Any) -> dict[str, Any]:
    """An event as the library reads it."""
    return {"extrinsic_idx": index, "event": {"module_id": pallet, "event_id": name, "attributes": attributes}}


def test_the_events_of_an_extrinsic_are_its_own_and_have_names() -> None:
    records = [
        record(None, "SubtensorModule", "NeuronRegistered", (9, 9, "other")),
        record(1, "TransactionPayment", "TransactionFeePaid", {"who": "a", "actual_fee": 9, "tip": 0}),
        record(2, "SubtensorModule", "NeuronRegistered", (1, 4, "hot")),
        record(2, "SubtensorModule", "KappaSet", (1, 5)),
        record(2, "Balances", "Transfer", {"from": "a", "to": "b", "amount": 3}),
        record(2, "SubtensorModule", "DefaultTakeSet", 7),
        record(2, "TransactionPayment", "TransactionFeePaid", {"who": "a", "actual_fee": 135, "tip": 0}),
        record(2, "System", "ExtrinsicSuccess", {"dispatch_info": {}}),
    ]
    result = outcome(records, 2, lookup)
    assert result.error is None
    assert result.fee == Balance(135)
    assert [(event.name, dict(event.fields)) for event in result.events] == [
        ("NeuronRegistered", {"netuid": 1, "uid": 4, "hotkey": "hot"}),
        ("KappaSet", {"netuid": 1, "value": 5}),
        ("Transfer", {"from": "a", "to": "b", "amount": 3}),
        ("DefaultTakeSet", {"0": 7}),
    ]


@pytest.mark.parametrize(
    ("pallet", "name", "attributes"),
    [
        ("System", "ExtrinsicFailed", {"dispatch_error": "BadOrigin", "dispatch_info": {}}),
        ("Sudo", "Sudid", {"sudo_result": {"Err": "BadOrigin"}}),
        ("Sudo", "Sudid", {"Err": "BadOrigin"}),
    ],
)
def test_a_call_that_failed_within_another_has_failed(pallet: str, name: str, attributes: Any) -> None:
    error = outcome([record(0, pallet, name, attributes)], 0, lookup).error
    assert error is not None
    assert error.message.startswith("BadOrigin")


def test_a_call_that_succeeded_within_another_has_not_failed() -> None:
    assert outcome([record(0, "Sudo", "Sudid", {"sudo_result": {"Ok": ()}})], 0, lookup).error is None


HEAD = bytes(8) + (33).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        (b"\4" + b"\6" + b"hello", b"hello"),
        (b"\0", b""),
        (b"\4" + b"\1", b""),
        (b"\4" + b"\6" + b"0x414", b"0x414"),
        (b"\x08" + b"\2a" + b"\3bc", b"abc"),
        (b"\x08" + bytes([130]) + bytes(32) + b"\2a", b"a"),
        (b"\x0c" + bytes([134]) + b"\x08zz" + bytes(8) + bytes([135]) + b"\2a", b"a"),
        (b"\4" + bytes([136]) + (200 << 2 | 1).to_bytes(2, "little") + b"x" * 200, b"x" * 200),
    ],
)
def test_a_commitment_is_read_byte_for_byte(fields: bytes, data: bytes) -> None:
    read = commitment(HEAD + fields)
    assert (read.block, read.data) == (33, data)


@pytest.mark.parametrize("fields", [b"\4" + b"\6" + b"hell", b"\4" + bytes([200]), b"\3"])
def test_a_commitment_that_ends_too_early_or_is_of_an_unknown_kind_is_refused(fields: bytes) -> None:
    with pytest.raises(LedgerError):
        commitment(HEAD + fields)
