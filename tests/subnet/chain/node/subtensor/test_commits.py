# SPDX-License-Identifier: Apache-2.0
"""Votes that are hidden at first: windows, lines of commits, and what opens by the beacon's word."""

from __future__ import annotations

import random

import bittensor_core
import pytest

from protocols.keys import Keypair, decode_address
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.pallets.drand import Pulse
from subnet.chain.node.pallets.subtensor.commits import commitment
from subnet.chain.node.pallets.subtensor.timelock import open_commit
from subnet.chain.node.scale.names import Blob, scale_of, u16, u64
from subnet.chain.node.scale.primitives import BYTES, Reader
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

VOTER, OTHER = "miner 1/0", "miner 1/1"
SALT = (1, 2, 3)
ROUND = 1000
# What the public beacon (quicknet) said in its round 1000.
SIGNATURE = bytes.fromhex(
    "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
)
PAYLOAD = scale_of(tuple[Blob, tuple[u16, ...], tuple[u16, ...], u64])
OLDER = scale_of(tuple[tuple[u16, ...], tuple[u16, ...], u64])


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    scene.miners(1, 3)
    chain = scene.chain
    chain.ValidatorPermit[1] = (False, True, True, False)
    chain.WeightsSetRateLimit[1] = 0
    chain.Tempo[1], chain.LastEpochBlock[1] = 10, 10
    return scene


def epoch(scene: Scene) -> None:
    """Let a block come in which an epoch runs."""
    scene.wait(10)
    scene.chain.ValidatorPermit[1] = (False, True, True, False)
    scene.chain.on_initialize()
    scene.chain.ValidatorPermit[1] = (False, True, True, False)


def hashed(uids: tuple[int, ...], values: tuple[int, ...], version: int = 0) -> bytes:
    return commitment(key(VOTER), 1, (uids, values), SALT, version)


def locked(plain: bytes) -> bytes:
    """A commit as it is sent: bytes locked until the round."""
    sealed, _ = bittensor_core.encrypt_at_round(plain, ROUND)
    inner: bytes = BYTES.read(Reader(sealed))
    return inner


def vote(who: str, uid: int) -> bytes:
    plain: bytes = PAYLOAD.encode((key(who), (uid,), (9,), 0))
    return plain


def lock(scene: Scene, who: str, plain: bytes) -> list[str]:
    return scene.call(who, "commit_timelocked_weights", 1, locked(plain), ROUND, 4)


def voted(scene: Scene) -> tuple[tuple[int, int], ...]:
    """What the voter's vote is."""
    return scene.chain.Weights[1, 1]


def hear(scene: Scene) -> None:
    scene.chain.beacon.hear(Pulse(ROUND, b"", SIGNATURE))


def test_the_hash_is_the_one_that_a_real_runtime_took() -> None:
    # opentensor/subtensor spec 218: commit_weights of //BobHot on network 2, which it revealed later.
    bob = decode_address(Keypair.from_uri("//BobHot").ss58_address)
    taken = "788b5b85d4e8fc4c31eeee9388d3cc63b9efbceb42806bae6eebc74d3a7cac2f"
    assert commitment(bob, 2, ((0, 2), (1, 2)), (7, 8), 6).hex() == taken


def test_a_commitment_is_shown_in_its_epoch_only(scene: Scene) -> None:
    reveal = ("reveal_weights", 1, (2, 3), (1, 2), SALT, 0)
    assert scene.call(VOTER, "commit_weights", 1, hashed((2, 3), (1, 2))) == ["WeightsCommitted"]
    assert scene.chain.WeightCommits[1, key(VOTER)] == ((hashed((2, 3), (1, 2)), 0, 10, 0),)
    assert scene.refusal(VOTER, *reveal) == "RevealTooEarly"
    assert scene.refusal(VOTER, "reveal_weights", 1, (2, 3), (1, 3), SALT, 0) == "NoWeightsCommitFound"
    assert scene.refusal(OTHER, *reveal) == "NoWeightsCommitFound"
    epoch(scene)
    updated = scene.chain.LastUpdate[1]
    assert scene.call(VOTER, *reveal) == ["WeightsSet", "WeightsRevealed"]
    assert voted(scene) == ((2, 32768), (3, 65535))
    assert scene.chain.LastUpdate[1] == updated
    assert (1, key(VOTER)) not in scene.chain.WeightCommits
    assert scene.refusal(VOTER, *reveal) == "NoWeightsCommitFound"


def test_a_commitment_of_an_epoch_long_ago_is_over(scene: Scene) -> None:
    scene.call(VOTER, "commit_weights", 1, hashed((2,), (1,)))
    epoch(scene)
    epoch(scene)
    assert scene.refusal(VOTER, "reveal_weights", 1, (2,), (1,), SALT, 0) == "RevealTooEarly"
    scene.call(VOTER, "commit_weights", 1, hashed((3,), (1,)))
    assert [one[1] for one in scene.chain.WeightCommits[1, key(VOTER)] or ()] == [2]


def test_the_block_in_which_an_epoch_is_due_is_of_the_next_one(scene: Scene) -> None:
    scene.wait(9)
    assert scene.chain.epoch_now(1) == 0
    scene.wait(1)
    assert scene.chain.epoch_now(1) == 1


def test_refusals_of_commitments_come_in_the_chains_order(scene: Scene) -> None:
    chain, digest = scene.chain, bytes(32)
    chain.StakeThreshold.value = TAO
    assert scene.refusal("nobody", "commit_weights", 1, digest) == "NotEnoughStakeToSetWeights"
    chain.StakeThreshold.value = 0
    assert scene.refusal("nobody", "commit_mechanism_weights", 1, 1, digest) == "MechanismDoesNotExist"
    assert scene.refusal("nobody", "commit_weights", 9, digest) == "MechanismDoesNotExist"
    chain.CommitRevealWeightsEnabled[1] = False
    assert scene.refusal("nobody", "commit_weights", 1, digest) == "CommitRevealDisabled"
    chain.CommitRevealWeightsEnabled[1] = True
    assert scene.refusal("nobody", "commit_weights", 1, digest) == "HotKeyNotRegisteredInSubNet"
    for _ in range(10):
        scene.call(VOTER, "commit_weights", 1, digest)
    assert scene.refusal(VOTER, "commit_weights", 1, digest) == "TooManyUnrevealedCommits"
    chain.WeightsSetRateLimit[1] = 5
    assert scene.refusal(VOTER, "commit_weights", 1, digest) == "CommittingWeightsTooFast"


def test_showing_a_commitment_gives_up_those_before_it(scene: Scene) -> None:
    for value in (1, 2, 3):
        scene.call(VOTER, "commit_weights", 1, hashed((2, 3), (1, value)))
    epoch(scene)
    scene.call(VOTER, "reveal_weights", 1, (2, 3), (1, 2), SALT, 0)
    assert [one[0] for one in scene.chain.WeightCommits[1, key(VOTER)] or ()] == [hashed((2, 3), (1, 3))]
    assert scene.refusal(VOTER, "reveal_weights", 1, (2, 3), (1, 1), SALT, 0) == "NoWeightsCommitFound"


def test_a_batch_is_shown_as_a_whole_or_not_at_all(scene: Scene) -> None:
    events = scene.call(VOTER, "batch_commit_weights", (1, 1, 9), (hashed((2,), (1,)), hashed((3,), (1,)), bytes(32)))
    assert events.count("WeightsCommitted") == 2
    assert events[-1] == "BatchWeightsCompleted"
    epoch(scene)
    lists = (((2,), (3,)), ((1,), (1,)), (SALT, SALT))
    wrong = (((2,), (3,)), ((1,), (2,)), (SALT, SALT))
    assert scene.refusal(VOTER, "batch_reveal_weights", 1, *lists, (0,)) == "InputLengthsUnequal"
    assert scene.refusal(VOTER, "batch_reveal_weights", 1, *wrong, (0, 0)) == "NoWeightsCommitFound"
    assert len(scene.chain.WeightCommits[1, key(VOTER)] or ()) == 2
    events = scene.call(VOTER, "batch_reveal_weights", 1, *lists, (0, 0))
    assert events == ["WeightsSet", "WeightsSet", "WeightsBatchRevealed"]
    assert voted(scene) == ((3, 65535),)


def test_what_is_locked_opens_by_itself_in_its_epoch(scene: Scene) -> None:
    assert lock(scene, VOTER, vote(VOTER, 2)) == ["TimelockedWeightsCommitted"]
    hear(scene)
    scene.chain.on_initialize()
    assert voted(scene) == ()
    epoch(scene)
    assert voted(scene) == ((2, 65535),)
    assert len(scene.chain.TimelockedWeightCommits) == 0
    names = [one.event.fields[0].name for one in scene.system.happened]
    assert names.count("TimelockedWeightsRevealed") == 1


def test_until_the_beacon_has_spoken_it_stays_locked_and_after_its_epoch_it_is_dropped(scene: Scene) -> None:
    lock(scene, VOTER, vote(VOTER, 2))
    epoch(scene)
    assert len(scene.chain.TimelockedWeightCommits[1, 0]) == 1
    hear(scene)
    scene.wait(1)
    scene.chain.on_initialize()
    assert voted(scene) == ((2, 65535),)
    lock_again = scene.chain.TimelockedWeightCommits
    lock_again[1, scene.chain.epoch_now(1)] = ((key(VOTER), 1, locked(vote(VOTER, 3)), ROUND + 1),)
    epoch(scene)
    epoch(scene)
    assert len(scene.chain.TimelockedWeightCommits) == 0
    assert voted(scene) == ((2, 65535),)


def test_a_network_whose_epoch_has_to_wait_opens_its_votes_when_it_runs(scene: Scene) -> None:
    scene.chain.MaxEpochsPerBlock.value = 0
    lock(scene, VOTER, vote(VOTER, 2))
    hear(scene)
    epoch(scene)
    assert voted(scene) == ()
    scene.chain.MaxEpochsPerBlock.value = 1
    scene.wait(1)
    scene.chain.on_initialize()
    assert voted(scene) == ((2, 65535),)


def test_a_vote_that_names_another_hotkey_does_not_count_and_an_older_one_names_none(scene: Scene) -> None:
    lock(scene, VOTER, vote(OTHER, 3))
    lock(scene, OTHER, OLDER.encode(((3,), (7,), 0)))
    hear(scene)
    epoch(scene)
    assert (scene.chain.Weights[1, 1], scene.chain.Weights[1, 2]) == ((), ((3, 65535),))


def test_a_vote_that_is_refused_when_it_opens_leaves_the_others(scene: Scene) -> None:
    lock(scene, VOTER, PAYLOAD.encode((key(VOTER), (9,), (1,), 0)))
    lock(scene, VOTER, vote(VOTER, 3))
    lock(scene, VOTER, PAYLOAD.encode((key(VOTER), (1, 1), (1, 1), 0)))
    hear(scene)
    epoch(scene)
    assert voted(scene) == ((3, 65535),)


def test_refusals_of_locked_votes(scene: Scene) -> None:
    hear(scene)
    send = "commit_timelocked_weights"
    assert scene.refusal("nobody", send, 9, b"x", ROUND - 1, 3) == "InvalidRevealRound"
    assert scene.refusal("nobody", send, 9, b"x", ROUND, 3) == "MechanismDoesNotExist"
    assert scene.refusal("nobody", send, 1, b"x", ROUND, 3) == "IncorrectCommitRevealVersion"
    assert scene.refusal("nobody", send, 1, b"x", ROUND, 4) == "HotKeyNotRegisteredInSubNet"
    for _ in range(10):
        scene.call(VOTER, send, 1, b"x", ROUND, 4)
    assert scene.refusal(VOTER, send, 1, b"x", ROUND, 4) == "TooManyUnrevealedCommits"
    assert scene.refusal(VOTER, send, 1, bytes(5001), ROUND, 4) == "InvalidValue"
    scene.call(OTHER, "commit_crv3_mechanism_weights", 1, 0, b"x", ROUND)
    event = scene.system.happened[-1].event.fields[0]
    assert event.fields == (key(OTHER), 1, blake2_256(b"x"), ROUND)


def test_nothing_that_is_locked_can_stop_a_block() -> None:
    dice, whole = random.Random(3), locked(vote(VOTER, 2))
    assert open_commit(whole, ROUND, SIGNATURE) is not None
    broken = [whole[:size] for size in range(0, len(whole), 7)] + [dice.randbytes(size) for size in range(0, 400, 9)]
    for at in range(0, len(whole) - 8, 5):
        for word in (bytes(8), b"\xff" * 8, (1 << 40).to_bytes(8, "little"), dice.randbytes(8)):
            broken.append(whole[:at] + word + whole[at + 8 :])
    opened = [open_commit(sealed, ROUND, SIGNATURE) for sealed in broken]
    assert sum(one is not None for one in opened) < len(broken) // 10
    for signature in (b"", bytes(48), b"\xff" * 48, SIGNATURE[:-1]):
        assert open_commit(whole, ROUND, signature) is None
    for plain in (b"", b"\x04", bytes(3), OLDER.encode(((), (), 0))[:-1], b"\xfe\xff\xff\xff"):
        assert open_commit(locked(plain), ROUND, SIGNATURE) is None
