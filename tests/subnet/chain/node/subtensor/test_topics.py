# SPDX-License-Identifier: Apache-2.0
"""The pallet as a whole: topics that do not take each other's methods, and calls with the chain's numbers."""

from __future__ import annotations

from collections import Counter

import pytest

from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.pallets.admin import AdminUtils
from subnet.chain.node.pallets.subtensor import SubtensorModule
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

MEANT = {"__init__", "after_creation", "subnets"}
NUMBERS = {
    "serve_axon": 4,
    "serve_prometheus": 5,
    "register": 6,
    "burned_register": 7,
    "serve_axon_tls": 40,
    "register_network": 59,
    "dissolve_network": 61,
    "root_register": 62,
    "set_identity": 68,
    "swap_hotkey": 70,
    "swap_hotkey_v2": 72,
    "set_subnet_identity": 78,
    "register_network_with_identity": 79,
    "try_associate_hotkey": 91,
    "start_call": 92,
    "update_symbol": 112,
    "root_dissolve_network": 120,
    "register_limit": 134,
    "set_auto_parent_delegation_enabled": 135,
    "set_tempo": 139,
    "set_activity_cutoff_factor": 140,
    "trigger_epoch": 141,
}


@pytest.mark.parametrize("pallet", [SubtensorModule, AdminUtils])
def test_no_topic_takes_anothers_method(pallet: type[Pallet]) -> None:
    topics = [topic for topic in pallet.__mro__ if issubclass(topic, Pallet) and topic not in (Pallet, pallet)]
    counted = Counter(name for topic in topics for name, item in vars(topic).items() if hasattr(item, "__code__"))
    assert {name for name, count in counted.items() if count > 1} <= MEANT


def test_calls_have_the_chains_numbers_and_those_that_serve_are_free() -> None:
    calls = {call.name: call for call in SubtensorModule.calls()}
    assert NUMBERS.items() <= {name: call.index for name, call in calls.items()}.items()
    assert len({call.index for call in calls.values()}) == len(calls)
    free = [name for name in NUMBERS if not calls[name].pays]
    assert free == ["serve_axon", "serve_prometheus", "serve_axon_tls"]


def test_blocks_pay_a_network_that_the_root_lets_earn() -> None:
    scene = Scene(block=1)
    netuid = scene.network()
    scene.rule("", "sudo_set_subnet_emission_enabled", netuid, True)
    scene.call("owner", "add_stake", key("owner's"), netuid, 10 * TAO)
    issued, burn = scene.chain.TotalIssuance.value, scene.chain.Burn[netuid]
    for _ in range(25):
        scene.wait(1)
        scene.chain.on_initialize()
    # A network's share follows its moving price, which is nothing at first.
    minted = scene.chain.TotalIssuance.value - issued
    assert 0 < minted <= 25 * TAO
    assert minted % TAO == 0
    assert scene.chain.Burn[netuid] < burn
    assert scene.chain.SubnetEpochIndex[netuid] == 2
