# SPDX-License-Identifier: Apache-2.0
"""What blocks bring: the same as on the chain in memory, block by block, and in the chain's order."""

from __future__ import annotations

import random
from typing import Any

import pytest

from protocols.balance import Balance
from protocols.calls import AddStake, Call, Register, RegisterNetwork, RemoveStake, SetWeights, StartSubnet
from protocols.keys import Keypair, decode_address
from protocols.types import Hotkey, NetUid, Ss58, Uid
from subnet.chain.memory.calls import execute
from subnet.chain.memory.genesis import Genesis, found
from subnet.chain.memory.state import State as MemoryState
from subnet.chain.memory.turn import next_block
from subnet.chain.node.frame.origin import Origin
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

NET = NetUid(1)
RULES = {
    "commit_reveal_weights_enabled": False,
    "immunity_period": 100,
    "subnet_emission_enabled": True,
    "tempo": 7,
    "weights_set_rate_limit": 1,
}


class Twins:
    """A chain in memory and the pallet, to which the same happens."""

    def __init__(self, people: int) -> None:
        self.cold = [Keypair.from_uri(f"//cold{number}").ss58_address for number in range(people)]
        self.hot = [Keypair.from_uri(f"//hot{number}").ss58_address for number in range(people)]
        rich = {Ss58(who): Balance.tao(10_000) for who in self.cold}
        self.memory: MemoryState = found(Genesis(accounts=rich, hyperparameters=RULES))
        self.scene = Scene(block=0)
        for who in self.cold:
            self.scene.balances.mint(decode_address(who), 10_000 * TAO)
        self.scene.chain.TotalIssuance.value = self.scene.balances.TotalIssuance.value

    def block(self) -> None:
        """Begin a block on both."""
        self.memory = next_block(self.memory)
        self.scene.wait(1)
        self.scene.chain.on_initialize()

    def call(self, call: Call, signer: str) -> None:
        """Make a call on both."""
        self.memory = execute(self.memory, call, signer).state
        chain, origin = self.scene.chain, Origin(decode_address(signer))
        match call:
            case RegisterNetwork():
                chain.register_network(origin, decode_address(call.hotkey))
            case StartSubnet():
                chain.start_call(origin, call.netuid)
                # The chain in memory counts a network's age from a block later.
                chain.FirstEmissionBlockNumber[call.netuid] = self.scene.system.block + 2
            case Register():
                chain.burned_register(origin, call.netuid, decode_address(call.hotkey))
            case AddStake():
                chain.add_stake(origin, decode_address(call.hotkey), call.netuid, call.amount.rao)
            case RemoveStake():
                chain.remove_stake(origin, decode_address(call.hotkey), call.netuid, call.amount.rao)
            case SetWeights():
                chain.set_weights(origin, call.netuid, tuple(call.uids), tuple(call.values), call.version_key)

    def found_network(self) -> None:
        """A network with everybody on it."""
        self.block()
        self.call(RegisterNetwork(Hotkey(self.hot[0])), self.cold[0])
        chain = self.scene.chain
        chain.CommitRevealWeightsEnabled[NET] = False
        chain.ImmunityPeriod[NET] = 100
        chain.SubnetEmissionEnabled[NET] = True
        chain.Tempo[NET] = 7
        chain.LastEpochBlock[NET] = self.memory.network(NET).last_epoch
        chain.WeightsSetRateLimit[NET] = 1
        self.call(StartSubnet(NET), self.cold[0])
        for cold, hot in zip(self.cold[1:], self.hot[1:], strict=True):
            self.call(Register(NET, Hotkey(hot)), cold)

    def compare(self) -> None:
        """Both know the same."""
        chain, network = self.scene.chain, self.memory.network(NET)
        assert (chain.pool_of(NET).tao, chain.pool_of(NET).alpha) == (network.tao, network.alpha)
        assert chain.SubnetAlphaIn[NET] + chain.SubnetAlphaOut[NET] == network.issuance
        assert (chain.SubnetMovingPrice[NET], chain.Burn[NET]) == (network.moving_price, network.burn)
        pending = chain.PendingServerEmission, chain.PendingValidatorEmission
        assert [part[NET] for part in pending] == [network.pending.server, network.pending.validator]
        assert chain.PendingOwnerCut[NET] == network.pending.owner_cut
        columns: dict[str, Any] = {
            "emission": chain.Emission,
            "incentive": chain.Incentive,
            "dividends": chain.Dividends,
            "consensus": chain.Consensus,
            "validator_trust": chain.ValidatorTrust,
            "permit": chain.ValidatorPermit,
            "last_update": chain.LastUpdate,
        }
        for name, stored in columns.items():
            assert list(stored[NET]) == [getattr(seat, name) for seat in network.seats], name
        for uid, (seat, cold) in enumerate(zip(network.seats, self.cold, strict=True)):
            hotkey = decode_address(seat.hotkey)
            assert chain.stake_on(hotkey, NET) == self.memory.staked_on(NET, seat.hotkey).value
            assert self.scene.balances.free(decode_address(cold)) == self.memory.free(cold)
            assert chain.Bonds[NET, uid] == seat.bonds


def test_the_pallet_and_the_chain_in_memory_agree_block_by_block() -> None:
    twins, dice = Twins(people=8), random.Random(8)
    twins.found_network()
    for number in range(3):
        stake = AddStake(NET, Hotkey(twins.hot[number]), Balance.tao(100 + 37 * number))
        twins.call(stake, twins.cold[number])
    for _ in range(300):
        twins.block()
        twins.compare()
        voter = dice.randrange(3)
        uids = tuple(map(Uid, dice.sample(range(8), dice.randrange(1, 8))))
        if twins.scene.chain.ValidatorPermit[NET][voter] and twins.scene.chain.may_update((NET, 0), voter):
            values = [dice.randrange(1, 1000) for _ in uids]
            twins.call(SetWeights(NET, uids, tuple(values)), twins.hot[voter])
        who = dice.randrange(8)
        amount = Balance(dice.randrange(3_000_000, 5 * TAO))
        if dice.random() < 0.3:
            twins.call(AddStake(NET, Hotkey(twins.hot[who]), amount), twins.cold[who])
        held = twins.scene.chain.stake_on(decode_address(twins.hot[who]), NET)
        if dice.random() < 0.2 and held > 10**9:
            taken = RemoveStake(NET, Hotkey(twins.hot[who]), Balance(held // 3, NET))
            twins.call(taken, twins.cold[who])
    incentive = twins.scene.chain.Incentive[NET]
    assert sum(map(bool, incentive)) > 3
    assert twins.scene.chain.TotalIssuance.value == twins.memory.minted - twins.memory.recycled


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    for number in range(3):
        netuid = scene.network(f"owner {number}", f"own {number}")
        scene.chain.SubnetEmissionEnabled[netuid] = True
        scene.chain.Tempo[netuid] = 5
        scene.chain.LastEpochBlock[netuid] = 10
        scene.chain.SubnetMovingPrice[netuid] = 1 << 30
    return scene


def run(scene: Scene, blocks: int) -> None:
    for _ in range(blocks):
        scene.wait(1)
        scene.chain.on_initialize()


def test_as_many_epochs_run_as_a_block_may_have_and_the_next_one_has_the_others(scene: Scene) -> None:
    chain = scene.chain
    run(scene, 5)
    assert [chain.LastEpochBlock[netuid] for netuid in (1, 2, 3)] == [15, 15, 10]
    assert chain.PendingEpochAt[3] == 16
    deferred = [one.event.fields[0] for one in scene.system.happened if one.event.fields[0].name == "EpochDeferred"]
    assert [one.fields for one in deferred] == [(3, 15, 16)]
    run(scene, 1)
    assert (chain.LastEpochBlock[3], chain.PendingEpochAt[3]) == (16, 0)
    assert [chain.SubnetEpochIndex[netuid] for netuid in (1, 2, 3)] == [1, 1, 1]
    assert [chain.LastMechansimStepBlock[netuid] for netuid in (1, 2, 3)] == [15, 15, 16]
    assert [chain.BlocksSinceLastStep[netuid] for netuid in (1, 2, 3)] == [1, 1, 0]


def test_a_network_that_is_closed_gets_nothing_and_its_price_stands_still(scene: Scene) -> None:
    chain = scene.chain
    chain.NetworkRegistrationAllowed[2] = False
    run(scene, 64)
    assert chain.SubnetMovingPrice[1] > 1 << 30 == chain.SubnetMovingPrice[2]
    assert (chain.SubnetAlphaOut[2], chain.PendingServerEmission[2]) == (0, 0)
    assert chain.SubnetAlphaOut[1] > 64 * 10**9


def test_a_network_whose_emission_is_off_leaves_its_tao_to_the_others_and_has_its_alpha(scene: Scene) -> None:
    chain = scene.chain
    chain.SubnetEmissionEnabled[2] = False
    before = [chain.SubnetTAO[netuid] for netuid in (1, 2, 3)]
    run(scene, 1)
    assert [chain.SubnetTAO[netuid] - had for netuid, had in zip((1, 2, 3), before, strict=True)] == [
        TAO // 2,
        0,
        TAO // 2,
    ]
    assert chain.SubnetAlphaOutEmission[2] == 10**9


def test_without_root_stake_all_tao_buys_alpha_for_the_chain_and_with_it_some_goes_in(scene: Scene) -> None:
    chain = scene.chain
    run(scene, 2)
    assert chain.SubnetTaoInEmission[1] == chain.SubnetAlphaInEmission[1] == 0 < chain.SubnetExcessTao[1]
    scene.pay("staker", 5000)
    scene.call("staker", "add_stake", key("own 0"), 0, 4000 * TAO)
    run(scene, 1)
    assert chain.SubnetAlphaInEmission[1] > 0 < chain.SubnetTaoInEmission[1]
    parts = chain.SubnetTaoInEmission[1] + chain.SubnetExcessTao[1]
    assert 10**9 // 3 - 2 <= parts <= 10**9 // 3


def test_a_pool_that_is_too_small_or_empty_stops_no_block(scene: Scene) -> None:
    chain = scene.chain
    run(scene, 1)
    for netuid, (tao, alpha) in {1: (0, 0), 2: (10**12, 0), 3: (10, 10)}.items():
        chain.SubnetTAO[netuid], chain.SubnetAlphaIn[netuid] = tao, alpha
    issued = chain.TotalIssuance.value
    run(scene, 6)
    assert chain.price_of(1) == 0
    assert scene.balances.TotalIssuance.value == chain.TotalIssuance.value >= issued


def test_root_is_paid_only_while_prices_together_are_above_one(scene: Scene) -> None:
    chain = scene.chain
    scene.pay("staker", 5000)
    scene.call("staker", "add_stake", key("own 0"), 0, 4000 * TAO)
    run(scene, 1)
    assert chain.PendingRootAlphaDivs[1] == 0
    issued = chain.SubnetAlphaOut[1]
    assert issued < 10**9 + chain.SubnetProtocolAlpha[1]  # root's part was recycled
    for netuid in (1, 2, 3):
        chain.SubnetMovingPrice[netuid] = 1 << 31
    run(scene, 1)
    assert chain.PendingRootAlphaDivs[1] > 0
