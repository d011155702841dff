# SPDX-License-Identifier: Apache-2.0
"""A chain in memory is there so that years pass in minutes: what a block and an epoch may cost."""

from __future__ import annotations

import time

import pytest

from protocols.balance import Balance
from protocols.calls import AddStake, Register, SetWeights
from protocols.keys import Keypair
from protocols.types import Coldkey, Hotkey, NetUid, Ss58, Uid
from subnet.chain.memory import Genesis, GenesisNetwork, MemoryChain

pytestmark = pytest.mark.serial

ALICE, OWNER = Keypair.from_uri("//Alice"), Keypair.from_uri("//owner")
NET = NetUid(1)


async def crowd(miners: int, validators: int, tempo: int) -> MemoryChain:
    """A subnet just after an epoch, on which every validator has weighed every miner."""
    network = GenesisNetwork(owner=Coldkey(Ss58(ALICE.ss58_address)), hotkey=Hotkey(Ss58(OWNER.ss58_address)))
    chain = MemoryChain(Genesis.local(networks=(network,), hyperparameters={"tempo": tempo}))
    keys = [Keypair.from_uri(f"//{number}") for number in range(miners + validators - 1)]
    for number, key in enumerate(keys):
        hotkey = Hotkey(Ss58(key.ss58_address))
        (await chain.submit(Register(NET, hotkey), ALICE)).raise_for_error()
        if number < validators:
            (await chain.submit(AddStake(NET, hotkey, Balance.tao(10)), ALICE)).raise_for_error()
    chain.seal(tempo)
    uids = tuple(Uid(uid) for uid in range(validators + 1, miners + validators))
    for key in keys[:validators]:
        values = tuple(1 + uid * uid % 997 for uid in uids)
        (await chain.submit(SetWeights(NET, uids, values), key)).raise_for_error()
    chain.seal(tempo)
    return chain


def cost_s(chain: MemoryChain, blocks: int) -> float:
    """The least CPU that so many blocks took, of five times."""
    times = []
    for _ in range(5):
        started = time.process_time()
        chain.seal(blocks)
        times.append(time.process_time() - started)
    return min(times)


async def test_a_block_without_an_epoch_takes_less_than_a_millisecond() -> None:
    chain = await crowd(64, 8, tempo=200)
    assert cost_s(chain, 10) / 10 < 0.001
    assert (await chain.epoch(NET)).index == 2


async def test_an_epoch_of_256_neurons_takes_less_than_50_milliseconds() -> None:
    chain = await crowd(194, 62, tempo=2)  # as many cells as numpy still does; what is compiled compiles once
    before = (await chain.epoch(NET)).index
    assert cost_s(chain, 2) < 0.050
    assert (await chain.epoch(NET)).index == before + 5
    assert (await chain.metagraph(NET)).incentive.any()


def test_ten_thousand_blocks_take_a_few_seconds() -> None:
    network = GenesisNetwork(owner=Coldkey(Ss58(ALICE.ss58_address)), hotkey=Hotkey(Ss58(OWNER.ss58_address)))
    chain = MemoryChain(Genesis.local(networks=(network,)))
    started = time.process_time()
    assert chain.seal(10_000) == 10_000
    assert time.process_time() - started < 8.0
