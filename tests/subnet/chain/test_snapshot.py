# SPDX-License-Identifier: Apache-2.0
"""A chain that is written down and read again goes on as if nothing had been; anything else is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.balance import Balance
from protocols.calls import AddStake, Register, RevealWeights, ServeAxon, SetCommitment, Transfer
from protocols.clock import VirtualClock
from protocols.endpoint import Endpoint
from protocols.errors import LedgerError
from protocols.keys import Keypair
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58, Uid
from subnet.chain.memory import Genesis, GenesisNetwork, MemoryChain

ALICE, HOTKEY, VALIDATOR = (Keypair.from_uri(uri) for uri in ("//Alice", "//owner", "//validator"))
NET = NetUid(1)
GIFT = Transfer(Coldkey(Ss58(HOTKEY.ss58_address)), Balance.tao(1))


async def busy_chain() -> MemoryChain:
    """A chain in which every kind of thing has happened."""
    network = GenesisNetwork(owner=Coldkey(Ss58(ALICE.ss58_address)), hotkey=Hotkey(Ss58(HOTKEY.ss58_address)))
    chain = MemoryChain(
        Genesis.local(networks=(network,), hyperparameters={"commit_reveal_weights_enabled": True}),
        clock=VirtualClock(),
    )
    validator = Hotkey(Ss58(VALIDATOR.ss58_address))
    reveal = RevealWeights(NET, (Uid(0), Uid(1)), (1, 2), (3,))
    for call, signer in (
        (Register(NET, validator), ALICE),
        (AddStake(NET, validator, Balance.tao(5)), ALICE),
        (AddStake(NetUid(0), validator, Balance.tao(5)), ALICE),
        (ServeAxon(NET, Endpoint("203.0.113.7", 8091, version=3)), VALIDATOR),
        (SetCommitment(NET, b"model"), VALIDATOR),
    ):
        (await chain.submit(call, signer)).raise_for_error()
    chain.seal(10)
    (await chain.submit(reveal.commitment(validator), VALIDATOR)).raise_for_error()
    chain.seal(10)
    (await chain.submit(reveal, VALIDATOR)).raise_for_error()
    chain.seal(10)
    (await chain.submit(reveal.commitment(validator), VALIDATOR)).raise_for_error()
    chain.seal()
    return chain


async def test_a_restored_chain_goes_on_as_the_first_one_does() -> None:
    chain = await busy_chain()
    again = MemoryChain.restore(chain.snapshot(), clock=VirtualClock())
    assert (again.genesis, again.is_local, await again.block()) == (chain.genesis, True, 31)
    for one in (chain, again):
        (await one.submit(GIFT, ALICE)).raise_for_error()
        one.seal(25)
    assert await again.metagraph(NET) == await chain.metagraph(NET)
    assert (await again.bonds(NET)).dense().tolist() == (await chain.bonds(NET)).dense().tolist()
    assert again.snapshot() == chain.snapshot()


async def test_a_restored_chain_has_the_calls_of_the_open_block() -> None:
    chain = await busy_chain()
    first = await chain.submit(GIFT, ALICE)
    again = MemoryChain.restore(chain.snapshot())
    receiver = Ss58(HOTKEY.ss58_address)
    assert await again.balance(receiver) == Balance(0)
    second = await again.submit(GIFT, ALICE)
    assert second.block == first.block
    assert second.extrinsic_hash != first.extrinsic_hash
    again.seal()
    assert await again.balance(receiver) == Balance.tao(2)


async def test_a_restored_chain_knows_no_block_before_its_newest() -> None:
    again = MemoryChain.restore((await busy_chain()).snapshot())
    with pytest.raises(LedgerError, match="expected 31 to 31"):
        await again.metagraph(NET, Block(30))


def changed(data: bytes, change: Callable[[list[Any]], None]) -> bytes:
    """A snapshot with another content, and the digest that fits it."""
    version, _, body = msgspec.msgpack.decode(data)
    content = msgspec.msgpack.decode(body, strict=False)
    change(content)
    body = msgspec.msgpack.encode(content)
    return msgspec.msgpack.encode([version, hashlib.blake2b(body, digest_size=32).digest(), body])


def network(content: list[Any]) -> dict[str, Any]:
    """The subnet in a snapshot's content."""
    found: dict[str, Any] = content[0][0]["networks"][1]
    return found


def richer(content: list[Any]) -> None:
    balances = content[0][0]["balances"]
    balances[next(iter(balances))] += 1


def poorer(content: list[Any]) -> None:
    balances = content[0][0]["balances"]
    one, other = list(balances)[:2]
    balances[one], balances[other] = -1, balances[other] + balances[one] + 1


def minting(content: list[Any]) -> None:
    network(content)["protocol"] += 1


def foreign_weights(content: list[Any]) -> None:
    network(content)["seats"][1]["weights"] = [[7, 65_535]]


def twins(content: list[Any]) -> None:
    network(content)["seats"] += network(content)["seats"][:1]


def ownerless(content: list[Any]) -> None:
    content[0][0]["owners"] = {}


def nameless(content: list[Any]) -> None:
    content[0][0]["balances"]["5Nobody"] = 0


def early(content: list[Any]) -> None:
    network(content)["last_epoch"] = 10**9


def endless(content: list[Any]) -> None:
    network(content)["withheld"] = 2**63


def unruly(content: list[Any]) -> None:
    network(content)["hyperparameters"]["kappa"] = 2**20


def misnumbered(content: list[Any]) -> None:
    content[0][0]["networks"] = {2: network(content)}


def greedy(content: list[Any]) -> None:
    for pool in content[0][1][1].values():
        for share in pool[2].values():
            share[1] = 60


def far_ahead(content: list[Any]) -> None:
    content[1] = [dict(content[0][0], block=99), content[0][1]]


def counting(content: list[Any]) -> None:
    content[2] = 3


BREACHES = [
    richer, poorer, minting, foreign_weights, twins, ownerless, nameless, early, endless, unruly, misnumbered, greedy,
    far_ahead, counting,
]  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.__name__)
async def test_a_snapshot_of_what_no_chain_can_come_to_is_refused(breach: Callable[[list[Any]], None]) -> None:
    data = (await busy_chain()).snapshot()
    MemoryChain.restore(changed(data, lambda content: None))
    with pytest.raises(LedgerError, match="the snapshot cannot be used"):
        MemoryChain.restore(changed(data, breach))


async def test_a_snapshot_of_another_version_is_refused_by_both_versions() -> None:
    _, digest, body = msgspec.msgpack.decode((await busy_chain()).snapshot())
    with pytest.raises(LedgerError, match="it has version 0, expected 1"):
        MemoryChain.restore(msgspec.msgpack.encode([0, digest, body]))


@settings(max_examples=30)
@given(st.data())
async def test_a_snapshot_that_was_cut_or_damaged_is_refused(data: st.DataObject) -> None:
    whole = MemoryChain(Genesis.local()).snapshot()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= data.draw(st.integers(1, 255))
    for hostile in (whole[:at], bytes(damaged), whole + b"\0"):
        with pytest.raises(LedgerError):
            MemoryChain.restore(hostile)


@given(st.binary(max_size=200))
async def test_bytes_of_a_stranger_are_refused(hostile: bytes) -> None:
    with pytest.raises(LedgerError):
        MemoryChain.restore(hostile)
