# SPDX-License-Identifier: Apache-2.0
"""What the chain says about neurons, one by one."""

from __future__ import annotations

from typing import Final

import pytest

from subnet.chain.node.apis.metagraph import NO_AXON
from tests.subnet.chain.node.apis.town import AXON, NET, TAO, UNKNOWN_NET, Town, cold, hot

_API: Final = "NeuronInfoRuntimeApi"


@pytest.fixture
def town() -> Town:
    """Three neurons."""
    return Town()


def test_a_neuron_is_told_with_its_numbers(town: Town) -> None:
    neuron = town.ask(_API, "get_neuron_lite", NET, 1)
    assert (neuron.hotkey, neuron.coldkey, neuron.uid, neuron.netuid) == (hot(1), cold(1), 1, NET)
    assert (neuron.axon_info, neuron.prometheus_info.port) == (AXON, 9090)
    assert neuron.stake == ((cold(1), 2 * TAO),)
    assert (neuron.incentive, neuron.consensus, neuron.dividends, neuron.validator_trust) == (7, 8, 9, 10)
    assert (neuron.emission, neuron.last_update) == (10**10 + 1, 1)
    assert (neuron.active, neuron.validator_permit) == (True, False)


def test_a_neuron_that_is_not_served_has_an_empty_address(town: Town) -> None:
    neuron = town.ask(_API, "get_neuron_lite", NET, 0)
    assert neuron.axon_info == NO_AXON
    assert set(neuron.prometheus_info) == {0}


def test_what_the_chain_no_longer_computes_is_the_same_for_everybody(town: Town) -> None:
    neurons = town.ask(_API, "get_neurons_lite", NET)
    assert {(neuron.rank, neuron.trust, neuron.pruning_score) for neuron in neurons} == {(0, 0, 65_535)}


def test_votes_and_bonds_of_zero_are_left_out(town: Town) -> None:
    neuron = town.ask(_API, "get_neuron", NET, 0)
    assert (neuron.weights, neuron.bonds) == (((1, 65535), (2, 3)), ((1, 9),))
    assert neuron.pruning_score == 65_535


def test_all_neurons_are_told_in_the_order_of_their_uids(town: Town) -> None:
    assert [neuron.uid for neuron in town.ask(_API, "get_neurons", NET)] == [0, 1, 2]
    assert [neuron.hotkey for neuron in town.ask(_API, "get_neurons_lite", NET)] == [hot(0), hot(1), hot(2)]


def test_nobody_is_told_where_nobody_is(town: Town) -> None:
    town.chain.SubnetworkN[UNKNOWN_NET] = 2
    assert (
        town.encoded(_API, "get_neurons", UNKNOWN_NET) == town.encoded(_API, "get_neurons_lite", UNKNOWN_NET) == b"\0"
    )
    assert town.encoded(_API, "get_neuron", NET, 3) == town.encoded(_API, "get_neuron_lite", NET, 3) == b"\0"


def test_a_neuron_that_has_had_no_epoch_yet_has_zeros(town: Town) -> None:
    town.chain.Incentive[NET] = (5,)
    assert [neuron.incentive for neuron in town.ask(_API, "get_neurons_lite", NET)] == [5, 0, 0]
