# SPDX-License-Identifier: Apache-2.0
"""Uids: their price, who gets one, and who makes room."""

from __future__ import annotations

import time
from typing import Any

import pytest

from incentive.emission.market import Pool, buy
from incentive.emission.registration import after_registration, burn_decay_factor
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.pay("cold", 100)
    return scene


def test_a_uid_costs_the_price_and_recycles_the_alpha_that_it_buys(scene: Scene) -> None:
    chain = scene.chain
    pool, issued = chain.pool_of(1), chain.TotalIssuance.value
    assert scene.call("cold", "burned_register", 1, key("hot")) == [
        "Transfer",
        "RAORecycledForRegistrationSet",
        "NeuronRegistered",
    ]
    bought = buy(Pool(pool.tao, pool.alpha), TAO, fee_rate=0)
    assert chain.pool_of(1) == Pool(pool.tao + TAO, pool.alpha - bought.received)
    assert (chain.SubnetAlphaOut[1], chain.RAORecycledForRegistration[1]) == (0, TAO)
    assert (chain.uid_of(1, key("hot")), chain.owner_of(key("hot"))) == (1, key("cold"))
    assert scene.balances.free(key("cold")) == 99 * TAO
    assert scene.balances.free(chain.subnet_account(1)) == chain.SubnetTAO[1]
    assert chain.TotalIssuance.value == issued
    assert chain.LastUpdate[1] == (10, 10)


def test_the_price_rises_at_once_and_falls_each_block(scene: Scene) -> None:
    scene.call("cold", "burned_register", 1, key("hot"))
    risen = scene.chain.Burn[1]
    assert risen == after_registration(TAO, scene.chain.burn_rules(1))
    assert risen == pytest.approx(1.26 * TAO, abs=1)
    scene.wait(1)
    scene.chain.decay_burn_prices()
    assert scene.chain.Burn[1] == risen * burn_decay_factor(360) >> 32
    for _ in range(20_000):
        scene.chain.decay_burn_prices()
    assert scene.chain.Burn[1] == scene.chain.MinBurn[1] == 500_000


def test_the_first_block_lets_no_price_fall_but_keeps_it_in_its_bounds() -> None:
    scene = Scene(block=1)
    netuid = scene.network()
    scene.chain.Burn[netuid] = 5
    scene.chain.decay_burn_prices()
    assert scene.chain.Burn[netuid] == 500_000


def test_falling_prices_cost_little_time(scene: Scene) -> None:
    began = time.process_time()
    for _ in range(10_000):
        scene.chain.decay_burn_prices()
        scene.state.forget()
    # A hundred thousand blocks of a few networks have a minute in all.
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("arguments", "prepare", "error"),
    [
        ((0, key("hot")), {}, "RegistrationNotPermittedOnRootSubnet"),
        ((77, key("hot")), {}, "SubnetNotExists"),
        ((1, key("hot")), {"NetworkRegistrationAllowed": False}, "SubNetRegistrationDisabled"),
        ((1, key("owner's")), {}, "HotKeyAlreadyRegisteredInSubNet"),
        ((1, key("hot")), {"Burn": 101 * TAO}, "NotEnoughBalanceToStake"),
        ((1, key("hot")), {"MaxAllowedUids": 0}, "NoNeuronIdAvailable"),
        ((1, key("hot")), {"MaxAllowedUids": 1}, "NoNeuronIdAvailable"),
    ],
)
def test_a_uid_is_refused_by_the_chains_name_for_it(
    scene: Scene, arguments: tuple[Any, ...], prepare: dict[str, Any], error: str
) -> None:
    for rule, value in prepare.items():
        getattr(scene.chain, rule)[1] = value
    assert scene.refusal("cold", "burned_register", *arguments) == error
    assert scene.refusal("cold", "register", arguments[0], 0, 0, b"", arguments[1], key("cold")) == error


def test_a_hotkey_of_another_coldkey_gets_no_uid(scene: Scene) -> None:
    scene.call("other", "try_associate_hotkey", key("hot"))
    assert scene.refusal("cold", "burned_register", 1, key("hot")) == "NonAssociatedColdKey"


def test_a_uid_dearer_than_the_limit_is_not_bought(scene: Scene) -> None:
    assert scene.refusal("cold", "register_limit", 1, key("hot"), TAO - 1) == "RegistrationPriceLimitExceeded"
    assert scene.call("cold", "register_limit", 1, key("hot"), TAO)[-1] == "NeuronRegistered"


def test_the_neuron_that_was_paid_least_makes_room(scene: Scene) -> None:
    chain = scene.chain
    names = scene.miners(1, 4)
    chain.MaxAllowedUids[1], chain.MinNonImmuneUids[1] = 5, 0
    chain.Emission[1] = (0, 5, 3, 3, 9)
    chain.ImmunityPeriod[1] = 10
    scene.wait(10)
    chain.Weights[1, 4] = ((1, 7), (2, 9))
    chain.Weights[1, 2] = ((1, 7),)
    chain.Bonds[1, 4] = ((2, 1),)
    scene.call(names[1], "serve_axon", 1, 1, 0x01020304, 80, 4, 0, 0, 0)
    scene.call("cold", "burned_register", 1, key("new"))
    assert chain.hotkey_of(1, 2) == key("new")
    assert chain.uid_of(1, key(names[1])) is None
    assert chain.Axons[1, key(names[1])] is None
    assert chain.Emission[1] == (0, 5, 0, 3, 9)
    assert (chain.Weights[1, 4], chain.Weights[1, 2], chain.Bonds[1, 4]) == (((1, 7), (2, 0)), (), ((2, 1),))
    assert (chain.BlockAtRegistration[1, 2], chain.LastUpdate[1][2]) == (20, 20)
    assert chain.neuron_count(1) == 5


def test_new_neurons_make_room_only_where_too_few_others_are_left(scene: Scene) -> None:
    chain = scene.chain
    scene.miners(1, 2)
    scene.wait(5000)
    chain.MinNonImmuneUids[1] = 2
    scene.call("cold", "burned_register", 1, key("young"))
    assert chain.neuron_to_prune(1) == 3
    chain.MinNonImmuneUids[1] = 1
    assert chain.neuron_to_prune(1) == 1


def test_the_owners_own_hotkey_and_its_oldest_never_make_room(scene: Scene) -> None:
    chain = scene.chain
    scene.wait(1)
    scene.call("owner", "burned_register", 1, key("owner's second"))
    scene.wait(6000)
    chain.MinNonImmuneUids[1] = 0
    assert chain.immortal_uids(1) == [0]
    assert chain.neuron_to_prune(1) == 1
    scene.rule("", "sudo_set_owner_immune_neuron_limit", 1, 2)
    assert chain.immortal_uids(1) == [0, 1]
    assert chain.neuron_to_prune(1) is None


def test_the_roots_network_takes_few_a_block_and_few_an_epoch(scene: Scene) -> None:
    assert scene.call("cold", "root_register", key("a")) == ["NeuronRegistered"]
    assert scene.chain.Delegates.items() == [(key("a"), 11_796)]
    assert scene.refusal("cold", "root_register", key("b")) == "TooManyRegistrationsThisBlock"
    for name in ("b", "c"):
        scene.wait(1)
        scene.chain.decay_burn_prices()
        scene.call("cold", "root_register", key(name))
    scene.wait(1)
    scene.chain.decay_burn_prices()
    assert scene.refusal("cold", "root_register", key("d")) == "TooManyRegistrationsThisInterval"
    scene.wait(100)
    scene.chain.decay_burn_prices()
    assert scene.refusal("cold", "root_register", key("a")) == "HotKeyAlreadyRegisteredInSubNet"
    assert scene.call("cold", "root_register", key("d")) == ["NeuronRegistered"]


def test_on_a_full_root_more_stake_takes_the_place_of_less(scene: Scene) -> None:
    chain = scene.chain
    scene.call("cold", "root_register", key("a"))
    chain.MaxAllowedUids[0], chain.RegistrationsThisBlock[0] = 1, 0
    chain.TotalHotkeyAlpha[key("a"), 0] = 5
    assert scene.refusal("cold", "root_register", key("b")) == "StakeTooLowForRoot"
    chain.TotalHotkeyAlpha[key("b"), 0] = 6
    scene.call("cold", "root_register", key("b"))
    assert (chain.uid_of(0, key("a")), chain.uid_of(0, key("b"))) == (None, 0)
