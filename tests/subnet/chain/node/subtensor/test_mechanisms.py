# SPDX-License-Identifier: Apache-2.0
"""Bonds that begin anew, where a network allows that."""

from __future__ import annotations

import pytest

from tests.subnet.chain.node.subtensor.scene import Scene, key


@pytest.mark.parametrize(("is_on", "left"), [(True, ((0, 5),)), (False, ((0, 5), (1, 7)))])
def test_bonds_with_a_neuron_begin_anew_only_where_the_network_allows_it(
    is_on: bool, left: tuple[tuple[int, int], ...]
) -> None:
    scene = Scene()
    netuid = scene.network()
    (miner,) = scene.miners(netuid, 1)
    scene.chain.Bonds[netuid, 0] = ((0, 5), (1, 7))
    scene.chain.BondsResetOn[netuid] = is_on
    scene.chain.reset_bonds(netuid, key(miner))
    assert scene.chain.Bonds[netuid, 0] == left


def test_a_stranger_resets_nothing() -> None:
    scene = Scene()
    netuid = scene.network()
    scene.chain.Bonds[netuid, 0] = ((0, 5),)
    scene.chain.BondsResetOn[netuid] = True
    scene.chain.reset_bonds(netuid, key("stranger"))
    assert scene.chain.Bonds[netuid, 0] == ((0, 5),)
