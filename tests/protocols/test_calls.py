# SPDX-License-Identifier: Apache-2.0
"""Calls are values: they survive storage, and a commit's hash is the one that the chain's own runtime accepts."""

from __future__ import annotations

import hashlib
from typing import get_args

import msgspec
import pytest

from protocols import calls
from protocols.balance import Balance
from protocols.calls import AddStake, Call, CommitWeights, RevealWeights, ServeAxon, SetHyperparameter, SetWeights
from protocols.endpoint import Endpoint
from protocols.errors import LedgerError
from protocols.keys import Keypair
from protocols.types import Hotkey, NetUid, Uid

NET = NetUid(2)


def uids(*numbers: int) -> tuple[Uid, ...]:
    return tuple(map(Uid, numbers))


@pytest.mark.parametrize(
    "call",
    [
        SetWeights(NET, uids(0, 2), (1, 65_535), version_key=6),
        AddStake(NET, Hotkey("5F"), Balance.tao("1.5")),
        ServeAxon(NET, Endpoint("203.0.113.7", 8091)),
        SetHyperparameter(NET, "commit_reveal_weights_enabled", False),
        SetHyperparameter(NET, "burn_increase_mult", 1.26),
        CommitWeights(NET, bytes(32)),
    ],
    ids=lambda call: type(call).__name__,
)
def test_a_call_survives_storage(call: Call) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=Call) == call


def test_every_call_is_in_the_union() -> None:
    assert {kind.__name__ for kind in get_args(Call)} == set(calls.__all__) - {"Call"}


def test_a_commit_has_the_hash_that_a_subtensor_runtime_accepted() -> None:
    # Committed on subtensor's runtime 218 by //BobHot, whose reveal of other values it refused as not matching.
    hotkey = Hotkey(Keypair.from_uri("//BobHot").ss58_address)
    reveal = RevealWeights(NET, uids(0, 2), (1, 2), salt=(7, 8), version_key=6)
    assert reveal.commitment(hotkey) == CommitWeights(
        NET, bytes.fromhex("788b5b85d4e8fc4c31eeee9388d3cc63b9efbceb42806bae6eebc74d3a7cac2f")
    )


@pytest.mark.parametrize(("count", "prefix"), [(63, "fc"), (64, "0101"), (16_383, "fdff"), (16_384, "02000100")])
def test_long_vectors_are_hashed_with_the_chains_length_prefix(count: int, prefix: str) -> None:
    key = Keypair.from_uri("//BobHot")
    vector = bytes.fromhex(prefix) + b"\x01\x00" * count
    content = key.public_key + b"\x02\x00" + vector + vector + b"\x00" + bytes(8)
    reveal = RevealWeights(NET, uids(*[1] * count), (1,) * count, salt=())
    commit = reveal.commitment(Hotkey(key.ss58_address))
    assert commit.commit_hash == hashlib.blake2b(content, digest_size=32).digest()


@pytest.mark.parametrize("other", [RevealWeights(NET, uids(0), (2,), (7,)), RevealWeights(NET, uids(0), (1,), (8,))])
def test_a_commit_binds_the_values_and_the_salt(other: RevealWeights) -> None:
    hotkey = Hotkey(Keypair.from_uri("//BobHot").ss58_address)
    assert RevealWeights(NET, uids(0), (1,), (7,)).commitment(hotkey) != other.commitment(hotkey)


def test_weights_that_the_chain_could_not_read_are_refused() -> None:
    with pytest.raises(LedgerError, match="2 uids have 1 weights"):
        SetWeights(NET, uids(0, 1), (1,))
    with pytest.raises(LedgerError, match="weight is 65536, expected 0 to 65535"):
        SetWeights(NET, uids(0), (65_536,))
    with pytest.raises(LedgerError, match="uid is -1"):
        SetWeights(NET, uids(-1), (1,))
    with pytest.raises(LedgerError, match="salt is 70000"):
        RevealWeights(NET, uids(0), (1,), (70_000,))
    with pytest.raises(LedgerError, match="commit hash has 3 bytes, expected 32"):
        CommitWeights(NET, b"abc")
