# SPDX-License-Identifier: Apache-2.0
"""Blocks as a whole: their order, what clients may ask, and the names and numbers that tools rely on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import pytest

from protocols.errors import LedgerError
from subnet.chain.node.frame.calls import call as mark_call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.outcome import RUNTIME_CALL, PerClass
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.system import System
from subnet.chain.node.validity import InvalidTransaction, Trapped
from tests.subnet.chain.node.township import ALICE, BOB, GENESIS, Township, call, compact, ident

_PAY = call("Balances", "transfer_keep_alive", ident(BOB), 1_000_000_000)

# As metadata of the public chain, spec 381, lists them.
_CALLS: Final = {
    "System": {0: "remark", 4: "set_storage", 5: "kill_storage", 6: "kill_prefix", 7: "remark_with_event"},
    "Timestamp": {0: "set"},
    "Balances": {
        0: "transfer_allow_death",
        2: "force_transfer",
        3: "transfer_keep_alive",
        4: "transfer_all",
        5: "force_unreserve",
        6: "upgrade_accounts",
        8: "force_set_balance",
        9: "force_adjust_total_issuance",
        10: "burn",
    },
    "Sudo": {0: "sudo", 1: "sudo_unchecked_weight", 2: "set_key", 3: "sudo_as", 4: "remove_key"},
}
_INDICES: Final = {"System": 0, "Timestamp": 2, "Balances": 5, "TransactionPayment": 6, "Utility": 11, "Sudo": 12}


def test_pallets_and_calls_have_the_numbers_of_the_public_chain() -> None:
    pallets = {pallet.name: pallet for pallet in Township().runtime.pallets}
    assert {name: pallets[name].index for name in _INDICES} == _INDICES
    assert pallets["Proxy"].index == 16
    for name, calls in _CALLS.items():
        assert {found.index: found.name for found in pallets[name].calls()} == calls


def test_a_transfer_has_the_bytes_of_the_public_chain() -> None:
    assert RUNTIME_CALL.encode(_PAY) == b"\x05\x03\x00" + BOB.public_key + b"\x02\x28\x6b\xee"


def test_storage_keys_and_values_are_those_of_a_substrate_node() -> None:
    key = System.Account.key(ALICE.public_key)
    assert key.hex() == (
        "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"
        "de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
    )
    nobody = System.Account.data(System.Account.default())
    assert nobody.hex() == "00" * 55 + "80"
    assert System.Events_.key(()).hex() == "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
    assert Balances.TotalIssuance.key(()).hex() == "c2261276cc9d1f8598ea4b6a74b15c2f57c875e4cff74148e4628f264b974c80"


def test_a_block_begins_with_the_time_and_ends_with_its_events_in_storage() -> None:
    town = Township()
    town.begin()
    town.runtime.apply(town.sign(ALICE, _PAY))
    assert town.runtime.extrinsics[0] == compact(5) + b"\x04\x02\x00" + compact(12_000)
    town.runtime.finish()
    records = town.runtime.system.Events_.value
    assert [record.phase.fields for record in records[:2]] == [(0,), (1,)]
    assert len(records) == town.runtime.system.EventCount.value
    encoded = System.Events_.data(records)
    assert System.Events_.type.decode(encoded) == records
    assert town.runtime.timestamp.Now.value == 12_000
    assert not town.runtime.timestamp.DidUpdate.value
    assert town.runtime.system.ParentHash.value == GENESIS
    spent: PerClass = town.runtime.system.BlockWeight.value
    assert spent.normal.ref_time == 270_233_000


def test_hashes_of_blocks_long_past_are_forgotten_but_not_the_genesis() -> None:
    town = Township()
    while town.block < 2_410:
        town.begin()
        town.runtime.finish()
        town.state.forget()
    hashes = town.runtime.system.BlockHash
    assert hashes[0] == GENESIS
    assert 9 not in hashes
    assert 10 in hashes
    assert len(hashes) == 2_401


def test_a_full_block_leaves_the_rest_for_the_next() -> None:
    town = Township()
    town.begin()
    big = call("System", "remark", bytes(2_000_000))
    for _ in range(3):
        town.runtime.apply(town.sign(ALICE, big))
    late = town.sign(ALICE, big)
    with pytest.raises(InvalidTransaction) as refusal:
        town.runtime.apply(late)
    assert refusal.value.variant == "ExhaustsResources"
    town.runtime.finish()
    town.make(late)
    assert town.nonce(ALICE) == 4


def test_clients_are_told_nonces_fees_and_versions() -> None:
    town = Township()
    extrinsic = town.sign(ALICE, _PAY)
    ask = town.runtime.ask
    assert ask("AccountNonceApi_account_nonce", ALICE.public_key) == bytes(4)
    length = len(extrinsic).to_bytes(4, "little")
    assert ask("TransactionPaymentApi_query_info", extrinsic + length)[-8:] == (135_260).to_bytes(8, "little")
    details = ask("TransactionPaymentApi_query_fee_details", extrinsic + length)
    assert details[0] == 1
    assert [int.from_bytes(details[1 + 8 * at : 9 + 8 * at], "little") for at in range(4)] == [53_537, 144, 81_579, 0]
    assert ask("Core_version", b"").startswith(compact(14) + b"node-subtensor")
    assert ask("Metadata_metadata_versions", b"") == b"\x08" + bytes([14, 0, 0, 0, 15, 0, 0, 0])
    town.make(extrinsic)
    assert ask("AccountNonceApi_account_nonce", ALICE.public_key) == b"\x01\0\0\0"


def test_the_pool_may_be_asked_over_the_api_too() -> None:
    town = Township()
    extrinsic = town.sign(ALICE, _PAY)
    answer = town.runtime.ask("TaggedTransactionQueue_validate_transaction", b"\x02" + extrinsic + GENESIS)
    assert answer[0] == 0
    forged = town.sign(ALICE, _PAY, spec=1)
    answer = town.runtime.ask("TaggedTransactionQueue_validate_transaction", b"\x02" + forged + GENESIS)
    assert answer == b"\x01\x00\x04"


def test_what_nobody_answers_is_said_in_the_words_that_clients_look_for() -> None:
    town = Township()
    with pytest.raises(LedgerError, match="Exported method Nothing_at_all is not found"):
        town.runtime.ask("Nothing_at_all", b"")
    with pytest.raises(LedgerError):
        town.runtime.ask("AccountNonceApi_account_nonce", ALICE.public_key + b"\0")


class _Careless(System):
    """A pallet with a fault of ours in it."""

    name = "System"

    @mark_call(0)
    def remark(self, origin: Origin, remark: bytes) -> None:
        """Write something, and fall over."""
        self.Number.value = 99
        raise KeyError("what a fault looks like")


def test_a_call_that_a_pallet_chokes_on_is_taken_back_and_kept_out_of_the_block() -> None:
    town = Township()
    careless = _Careless(town.state)
    found = next(found for found in System.calls() if found.name == "remark")
    broken = found.__class__(0, "remark", _Careless.remark, True, found.ref_time)
    entries: dict[Any, Any] = town.runtime.dispatcher._entries
    entries["System", "remark"] = entries["System", "remark"]._replace(pallet=careless, call=broken)
    town.begin()
    mark = town.state.mark()
    with pytest.raises(Trapped) as trapped:
        town.runtime.apply(town.sign(ALICE, call("System", "remark", b"")))
    assert isinstance(trapped.value.__cause__, KeyError)
    assert town.state.mark() == mark
    assert town.runtime.system.block == 1


def _fastest(steps: Iterable[Callable[[], object]]) -> float:
    """The least time that a step took, which is the one that nobody else's work got in the way of."""

    def timed(step: Callable[[], object]) -> float:
        start = time.perf_counter()
        step()
        return time.perf_counter() - start

    return min(timed(step) for step in steps)


def test_transfers_are_cheap() -> None:
    town = Township()
    extrinsics = [town.sign(ALICE, _PAY, nonce=nonce) for nonce in range(100)]
    town.begin()
    assert _fastest(partial(town.runtime.apply, extrinsic) for extrinsic in extrinsics) < 0.001


def test_empty_blocks_are_cheap() -> None:
    town = Township()
    assert _fastest([town.make] * 100) < 0.001


def test_every_default_of_storage_can_be_written_down() -> None:
    for pallet in Township().runtime.pallets:
        for item in pallet.storage():
            default = item.default()
            if default is not None:
                assert item.type.decode(item.data(default)) == default
        for constant in pallet.constants():
            assert constant.type.decode(constant.type.encode(constant.value)) == constant.value
