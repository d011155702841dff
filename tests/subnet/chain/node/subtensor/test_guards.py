# SPDX-License-Identifier: Apache-2.0
"""What the pool turns away: votes, addresses, takes and networks that could only fail, each by its number."""

from __future__ import annotations

from typing import Any

import pytest

from subnet.chain.node.pallets.subtensor.commits import commitment
from subnet.chain.node.validity import InvalidTransaction
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

VOTER, SALT = "miner 1/0", (7,)
GOOGLE = 0x08080808


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.miners(1, 2)
    scene.wait(100)
    return scene


def number(scene: Scene, who: str, call: str, *arguments: Any) -> int | None:
    """By which number the pool refuses a call, None where it lets it pass."""
    try:
        scene.chain.screen(key(who), call, arguments)
    except InvalidTransaction as refused:
        return refused.custom
    return None


def test_votes_without_stake_are_refused_in_every_shape(scene: Scene) -> None:
    shapes: dict[str, tuple[Any, ...]] = {
        "set_weights": (1, (1,), (1,), 0),
        "set_mechanism_weights": (1, 0, (1,), (1,), 0),
        "batch_set_weights": ((1,), (((1, 1),),), (0,)),
        "commit_weights": (1, bytes(32)),
        "commit_mechanism_weights": (1, 0, bytes(32)),
        "batch_commit_weights": ((1,), (bytes(32),)),
        "reveal_weights": (1, (1,), (1,), SALT, 0),
        "reveal_mechanism_weights": (1, 0, (1,), (1,), SALT, 0),
        "batch_reveal_weights": (1, ((1,),), ((1,),), (SALT,), (0,)),
        "commit_timelocked_weights": (1, b"", 9, 4),
        "commit_timelocked_mechanism_weights": (1, 0, b"", 9, 4),
        "commit_crv3_mechanism_weights": (1, 0, b"", 9),
    }
    scene.chain.StakeThreshold.value = TAO
    assert {name: number(scene, VOTER, name, *given) for name, given in shapes.items()} == dict.fromkeys(shapes, 1)


def test_batches_of_unequal_lengths_are_refused(scene: Scene) -> None:
    assert number(scene, VOTER, "batch_set_weights", (1,), (), (0,)) == 18
    assert number(scene, VOTER, "batch_commit_weights", (1,), ()) == 18
    assert number(scene, VOTER, "batch_reveal_weights", 1, ((1,),), ((1,),), (), (0,)) == 18


def test_whoever_voted_just_now_is_refused_until_its_time_has_come(scene: Scene) -> None:
    scene.chain.CommitRevealWeightsEnabled[1] = False
    vote = ("set_weights", 1, (1,), (1,), 0)
    scene.call(VOTER, *vote)
    assert number(scene, VOTER, *vote) == number(scene, VOTER, "commit_weights", 1, bytes(32)) == 6
    scene.wait(100)
    assert number(scene, VOTER, *vote) is None


def test_a_reveal_needs_a_commit_and_its_epoch(scene: Scene) -> None:
    reveal = ("reveal_weights", 1, (1,), (1,), SALT, 0)
    assert number(scene, VOTER, *reveal) == 16
    scene.chain.CommitRevealWeightsEnabled[1] = True
    scene.call(VOTER, "commit_weights", 1, commitment(key(VOTER), 1, ((1,), (1,)), SALT, 0))
    assert (
        number(scene, VOTER, *reveal)
        == number(scene, VOTER, "batch_reveal_weights", 1, *([one] for one in reveal[2:]))
        == 17
    )


def test_takes_out_of_bounds_or_of_others_are_refused(scene: Scene) -> None:
    least, most = scene.chain.MinDelegateTake.value, scene.chain.MaxDelegateTake.value
    owner = f"{VOTER} cold"
    for call in ("increase_take", "decrease_take"):
        assert number(scene, owner, call, key(VOTER), most + 1) == 27
        assert number(scene, owner, call, key("nobody"), most) == 4
        assert number(scene, "owner", call, key(VOTER), most) == 25
        assert number(scene, owner, call, key(VOTER), most) is None
    scene.chain.MinDelegateTake.value = least + 1
    assert number(scene, owner, "decrease_take", key(VOTER), least) == 26


def test_addresses_that_reach_nobody_are_refused(scene: Scene) -> None:
    assert number(scene, VOTER, "serve_axon_tls", 1, 1, 0x7F000001, 80, 4, 4, 0, 0, b"") == 11
    assert number(scene, VOTER, "serve_prometheus", 1, 1, GOOGLE, 0, 4) == 13
    assert number(scene, VOTER, "serve_prometheus", 1, 1, GOOGLE, 80, 5) == 255
    assert number(scene, VOTER, "serve_prometheus", 1, 1, GOOGLE, 80, 4) is None


def test_calls_that_are_paid_for_are_left_to_the_block(scene: Scene) -> None:
    assert number(scene, "nobody", "add_stake", key("nobody"), 99, 0) is None
    assert number(scene, "nobody", "burned_register", 99, key("nobody")) is None
