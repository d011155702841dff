# SPDX-License-Identifier: Apache-2.0
"""Votes in the open: what each must be, in the chain's order, one by one and in batches, on each mechanism."""

from __future__ import annotations

import pytest

from subnet.chain.node.pallets.subtensor.accounts import mechanism_index
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.miners(1, 3)
    scene.chain.CommitRevealWeightsEnabled[1] = False
    scene.chain.ValidatorPermit[1] = (False, True, False, False)
    scene.wait(100)
    return scene


VOTER, MINER = "miner 1/0", "miner 1/1"


def test_a_vote_is_stretched_to_the_largest_number_and_stored_in_its_order(scene: Scene) -> None:
    assert scene.call(VOTER, "set_weights", 1, (3, 0, 2), (1, 2, 4), 0) == ["WeightsSet"]
    assert scene.chain.Weights[1, 1] == ((3, 16384), (0, 32768), (2, 65535))
    assert scene.chain.LastUpdate[1] == (10, 110, 10, 10)


def test_refusals_come_in_the_chains_order(scene: Scene) -> None:
    chain = scene.chain
    vote = "set_weights"
    chain.MinAllowedWeights[1], chain.WeightsVersionKey[1], chain.StakeThreshold.value = 3, 5, TAO
    assert scene.refusal("nobody", vote, 0, (9, 9), (1,), 0) == "NotEnoughStakeToSetWeights"
    chain.StakeThreshold.value = 0
    chain.CommitRevealWeightsEnabled[0] = False
    assert scene.refusal("nobody", vote, 0, (9, 9), (1,), 0) == "CanNotSetRootNetworkWeights"
    chain.CommitRevealWeightsEnabled[1] = True
    assert scene.refusal("nobody", vote, 1, (9, 9), (1,), 0) == "CommitRevealEnabled"
    chain.CommitRevealWeightsEnabled[1] = False
    assert scene.refusal("nobody", vote, 1, (9,) * 5, (1,), 0) == "WeightVecNotEqualSize"
    chain.CommitRevealWeightsEnabled[7] = False
    assert scene.refusal("nobody", vote, 7, (9,) * 5, (1,) * 5, 0) == "MechanismDoesNotExist"
    assert scene.refusal("nobody", "set_mechanism_weights", 1, 1, (), (), 0) == "MechanismDoesNotExist"
    assert scene.refusal("nobody", vote, 1, (9,) * 5, (1,) * 5, 0) == "UidsLengthExceedUidsInSubNet"
    assert scene.refusal("nobody", vote, 1, (9, 9), (1, 1), 0) == "HotKeyNotRegisteredInSubNet"
    assert scene.refusal(MINER, vote, 1, (9, 9), (1, 1), 4) == "IncorrectWeightVersionKey"
    assert scene.refusal(MINER, vote, 1, (9, 9), (1, 1), 5) == "NeuronNoValidatorPermit"
    assert scene.refusal(VOTER, vote, 1, (9, 9), (1, 1), 5) == "DuplicateUids"
    assert scene.refusal(VOTER, vote, 1, (9, 8), (1, 1), 5) == "UidVecContainInvalidOne"
    assert scene.refusal(VOTER, vote, 1, (2, 3), (1, 1), 5) == "WeightVecLengthIsLow"
    scene.call(VOTER, vote, 1, (1, 2, 3), (1, 1, 1), 5)
    assert scene.refusal(VOTER, vote, 1, (9,) * 5, (1,), 0) == "SettingWeightsTooFast"
    scene.wait(99)
    assert scene.refusal(VOTER, vote, 1, (1, 2, 3), (1, 1, 1), 6) == "SettingWeightsTooFast"
    scene.wait(1)
    scene.call(VOTER, vote, 1, (1, 2, 3), (1, 1, 1), 6)


def test_anybody_may_vote_for_itself_alone_and_the_owner_for_everybody(scene: Scene) -> None:
    scene.chain.MinAllowedWeights[1] = 3
    scene.call(MINER, "set_weights", 1, (2,), (7,), 0)
    assert scene.chain.Weights[1, 2] == ((2, 65535),)
    scene.call("owner's", "set_weights", 1, (1, 2, 3), (1, 0, 0), 0)
    assert scene.chain.Weights[1, 0] == ((1, 65535), (2, 0), (3, 0))


def test_an_empty_vote_takes_all_back(scene: Scene) -> None:
    scene.chain.MinAllowedWeights[1] = 0
    scene.call(VOTER, "set_weights", 1, (), (), 0)
    assert scene.chain.Weights[1, 1] == ()


def test_each_mechanism_has_votes_and_a_clock_of_its_own(scene: Scene) -> None:
    chain = scene.chain
    chain.MechanismCountCurrent[1] = 2
    scene.call(VOTER, "set_mechanism_weights", 1, 1, (2, 3), (1, 1), 0)
    index = mechanism_index(1, 1)
    assert chain.Weights[index, 1] == ((2, 65535), (3, 65535))
    assert (chain.Weights[1, 1], chain.LastUpdate[index]) == ((), (0, 110, 0, 0))
    scene.call(VOTER, "set_mechanism_weights", 1, 0, (3,), (1,), 0)
    assert scene.refusal(VOTER, "set_mechanism_weights", 1, 1, (3,), (1,), 0) == "SettingWeightsTooFast"


def test_in_a_batch_each_vote_stands_for_itself(scene: Scene) -> None:
    scene.network("owner 2", "own 2")
    rows = (((2, 5), (3, 10)), ((0, 1),), ((3, 1),))
    events = scene.call(VOTER, "batch_set_weights", (1, 2, 1), rows, (0, 0, 0))
    assert events == [
        "WeightsSet",
        "BatchCompletedWithErrors",
        "BatchWeightItemFailed",
        "BatchWeightItemFailed",
        "BatchWeightsCompleted",
    ]
    assert scene.chain.Weights[1, 1] == ((2, 32768), (3, 65535))
    failed = [one.event.fields[0].fields for one in scene.system.happened[-3:-1]]
    assert [netuid for netuid, _ in failed] == [2, 1]
    assert scene.refusal(VOTER, "batch_set_weights", (1,), rows, (0,)) == "InputLengthsUnequal"
    scene.chain.StakeThreshold.value = TAO
    assert scene.refusal(VOTER, "batch_set_weights", (1,), (((2, 5),),), (0,)) == "NotEnoughStakeToSetWeights"


def test_stake_that_others_lend_counts(scene: Scene) -> None:
    chain = scene.chain
    scene.call("owner", "add_stake", key("owner's"), 1, 100 * TAO)
    chain.StakeThreshold.value = 10 * TAO
    assert scene.refusal(VOTER, "set_weights", 1, (2,), (1,), 0) == "NotEnoughStakeToSetWeights"
    half = 2**63
    chain.ChildKeys[key("owner's"), 1] = ((half, key(VOTER)),)
    chain.ParentKeys[key(VOTER), 1] = ((half, key("owner's")),)
    scene.call(VOTER, "set_weights", 1, (2,), (1,), 0)
