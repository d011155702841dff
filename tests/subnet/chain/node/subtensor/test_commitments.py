# SPDX-License-Identifier: Apache-2.0
"""What hotkeys publish: who may, how much, and what opens when its round has come."""

from __future__ import annotations

import bittensor_core
import pytest

from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import ROOT, Origin
from subnet.chain.node.pallets.commitments import CommitmentInfo, Commitments
from subnet.chain.node.pallets.drand import Pulse
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.primitives import BYTES, Reader
from tests.subnet.chain.node.subtensor.scene import Scene, key
from tests.subnet.chain.node.subtensor.test_commits import ROUND, SIGNATURE

HOT = key("owner's")
PLAIN = Variant("Raw5", (b"hello",))


@pytest.fixture
def scene() -> Scene:
    scene = Scene(block=10)
    scene.network()
    return scene


@pytest.fixture
def board(scene: Scene) -> Commitments:
    return Commitments(scene.state, scene.system, scene.chain)


def publish(board: Commitments, *fields: Variant, who: bytes = HOT) -> str:
    """Publish; the name of the event."""
    board.set_commitment(Origin(who), 1, CommitmentInfo(fields))
    name: str = board.system.happened[-1].event.fields[0].name
    return name


def waiting(board: Commitments) -> list[tuple[int, bytes]]:
    """Who has something that is locked."""
    return list(board.TimelockedIndex.value)


def refusal(board: Commitments, *fields: Variant, who: bytes = HOT) -> str:
    with pytest.raises(DispatchFailure) as caught:
        publish(board, *fields, who=who)
    return next(e.name for e in board.errors() if e.index == caught.value.reason.fields[0][1][0])


def sealed(plain: bytes, round_: int = ROUND) -> Variant:
    return Variant("TimelockEncrypted", (BYTES.read(Reader(bittensor_core.encrypt_at_round(plain, round_)[0])), round_))


def test_a_commitment_replaces_the_one_before(board: Commitments) -> None:
    assert publish(board, PLAIN) == "Commitment"
    assert publish(board, Variant("None"), Variant("Sha256", (bytes(32),))) == "Commitment"
    stored = board.CommitmentOf[1, HOT]
    assert stored is not None
    assert (stored.deposit, stored.block, [field.name for field in stored.info.fields]) == (0, 10, ["None", "Sha256"])
    assert board.LastCommitment[1, HOT] == 10


def test_only_neurons_publish_and_no_more_than_there_is_room_for(board: Commitments, scene: Scene) -> None:
    assert refusal(board, who=key("stranger")) == "AccountNotAllowedCommit"
    assert refusal(board, *[PLAIN] * 4) == "TooManyFieldsInCommitmentInfo"
    for _ in range(31):
        publish(board, PLAIN)  # each takes a hundred bytes at least
    assert refusal(board, PLAIN) == "SpaceLimitExceeded"
    scene.chain.SubnetEpochIndex[1] += 1
    publish(board, Variant("BigRaw", (bytes(3000),)))
    assert refusal(board, Variant("BigRaw", (bytes(101),))) == "SpaceLimitExceeded"
    board.set_max_space(ROOT, 4000)
    publish(board, PLAIN)


def test_what_is_locked_is_published_when_its_round_has_come(board: Commitments, scene: Scene) -> None:
    assert publish(board, PLAIN, sealed(b"secret")) == "TimelockCommitment"
    assert waiting(board) == [(1, HOT)]
    board.on_initialize()
    assert board.RevealedCommitments[1, HOT] is None
    scene.chain.beacon.hear(Pulse(ROUND, b"", SIGNATURE))
    scene.wait(3)
    board.on_initialize()
    assert board.RevealedCommitments[1, HOT] == ((b"secret", 13),)
    assert board.system.happened[-1].event.fields[0].name == "CommitmentRevealed"
    stored = board.CommitmentOf[1, HOT]
    assert stored is not None
    assert stored.info.fields == (PLAIN,)
    assert not waiting(board)


def test_what_does_not_open_is_dropped_and_of_the_rest_the_last_ten_are_kept(board: Commitments, scene: Scene) -> None:
    scene.chain.beacon.hear(Pulse(ROUND, b"", SIGNATURE))
    publish(board, Variant("TimelockEncrypted", (b"nonsense", ROUND)))
    board.on_initialize()
    assert (board.CommitmentOf[1, HOT], board.RevealedCommitments[1, HOT]) == (None, None)
    for number in range(12):
        publish(board, sealed(b"%d" % number))
        board.on_initialize()
    told = board.RevealedCommitments[1, HOT]
    assert told is not None
    assert [plain for plain, _ in told] == [b"%d" % number for number in range(2, 12)]


def test_with_a_network_all_that_was_published_on_it_goes(board: Commitments, scene: Scene) -> None:
    publish(board, PLAIN, sealed(b"secret"))
    scene.chain.dissolve(1)
    kept = (board.CommitmentOf, board.LastCommitment, board.UsedSpaceOf)
    assert [len(entries) for entries in kept] == [0, 0, 0]
    assert not waiting(board)


def test_a_flag_lets_validators_begin_anew_with_a_miner(board: Commitments, scene: Scene) -> None:
    scene.chain.BondsResetOn[1] = True
    scene.chain.Bonds[1, 0] = ((0, 7),)
    publish(board, Variant("ResetBondsFlag"))
    assert board.LastBondsReset[1, HOT] == 10
    assert scene.chain.Bonds[1, 0] == ()
