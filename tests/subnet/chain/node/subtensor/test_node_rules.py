# SPDX-License-Identifier: Apache-2.0
"""What the root writes down about those who run the chain, and about contracts that it does not have."""

from __future__ import annotations

import pytest

from subnet.chain.node.pallets.aura import Aura
from subnet.chain.node.pallets.evm import EVMChainId
from subnet.chain.node.scale.composites import Variant
from tests.subnet.chain.node.subtensor.scene import Scene, key


def test_authors_are_written_down_unless_there_is_none() -> None:
    scene = Scene()
    scene.rule("", "swap_authorities", (key("author"),))
    scene.rule("", "swap_authorities", ())
    assert Aura(scene.state).Authorities.value == (key("author"),)


def test_wallets_read_the_number_that_the_root_sets() -> None:
    scene = Scene()
    assert EVMChainId(scene.state).ChainId.value == 0
    scene.rule("", "sudo_set_evm_chain_id", 964)
    assert EVMChainId(scene.state).ChainId.value == 964


def test_nobody_is_put_in_charge_of_finality() -> None:
    scene = Scene()
    assert scene.refusal("", "schedule_grandpa_change", ((key("a"), 1),), 5, None) == "Unavailable"


def test_a_switch_that_stands_so_already_is_no_event() -> None:
    scene, staking = Scene(), Variant("Staking")
    assert scene.rule("", "sudo_toggle_evm_precompile", staking, True) == []
    assert scene.rule("", "sudo_toggle_evm_precompile", staking, False) == ["PrecompileUpdated"]
    assert scene.admin.PrecompileEnable[staking] is False
    assert scene.admin.PrecompileEnable[Variant("Alpha")] is True


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("swap_authorities", ((),)),
        ("sudo_set_evm_chain_id", (1,)),
        ("schedule_grandpa_change", ((), 0, None)),
        ("sudo_toggle_evm_precompile", (Variant("Alpha"), False)),
    ],
)
def test_only_the_root_may(name: str, arguments: tuple[object, ...]) -> None:
    assert Scene().refusal("somebody", name, *arguments) == "BadOrigin"
