# SPDX-License-Identifier: Apache-2.0
"""A dispute ends at the first differing step, or with whoever answered falsely, in at most log n rounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.verify.bisection import Dispute, Fault, Found, answer, first_difference, open_dispute
from incentive.verify.merkle import Commitment, Tree, leaf_hash, verify
from protocols.errors import OutOfRange, WrongShape


def trace(size: int) -> list[bytes]:
    return [f"state {step}".encode() for step in range(size)]


def play(proposer: Tree, challenger: Tree) -> tuple[Found | Fault, int]:
    state: Dispute | Found | Fault = open_dispute(proposer.commitment, challenger.commitment)
    rounds = 0
    while isinstance(state, Dispute):
        state = state.resolve(answer(proposer, state), answer(challenger, state))
        rounds += 1
    return state, rounds


@pytest.mark.parametrize("size", range(1, 41))
def test_the_first_differing_step_is_found_at_every_place(size: int) -> None:
    honest = trace(size)
    for step in range(size):
        once = [*honest[:step], b"wrong", *honest[step + 1 :]]
        from_there_on = honest[:step] + [b"wrong " + state for state in honest[step:]]
        for tampered in (once, from_there_on):
            found, rounds = play(Tree(tampered), Tree(honest))
            assert isinstance(found, Found)
            assert found.step == step
            assert found.judge(honest[step]) == ("proposer",)
            assert rounds <= (size - 1).bit_length()


@given(st.lists(st.tuples(st.binary(max_size=1), st.booleans()), min_size=1, max_size=60))
@settings(deadline=None, max_examples=60)
def test_traces_that_meet_and_part_again_are_told_apart_where_they_first_part(steps: list[tuple[bytes, bool]]) -> None:
    honest = [state for state, _ in steps]
    tampered = [b"wrong" if is_changed else state for state, is_changed in steps]
    first = first_difference(tampered, honest)
    if first is None:
        assert tampered == honest
        return
    found, _ = play(Tree(tampered), Tree(honest))
    assert isinstance(found, Found)
    assert found.step == first
    assert tampered[:first] == honest[:first]


def test_the_referee_replays_one_step_from_a_state_that_both_had_committed_to() -> None:
    honest = [str(2**step).encode() for step in range(11)]
    cheat = honest[:6] + [str(7 * 2**step).encode() for step in range(5)]
    proposer, challenger = Tree(cheat), Tree(honest)
    found, _ = play(proposer, challenger)
    assert isinstance(found, Found)
    before = challenger.leaves[found.step - 1]
    for tree in (proposer, challenger):
        assert verify(tree.commitment, found.step - 1, before, tree.prove(found.step - 1))
    assert found.judge(str(2 * int(before)).encode()) == ("proposer",)
    assert found.judge(cheat[found.step]) == ("challenger",)
    assert found.judge(b"neither") == ("proposer", "challenger")


@pytest.mark.parametrize("size", [2, 3, 5, 8, 13])
def test_an_answer_that_does_not_fit_its_own_commitment_loses_at_once(size: int) -> None:
    honest, other = Tree(trace(size)), Tree([b"wrong " + state for state in trace(size)])
    state: Dispute | Found | Fault = open_dispute(other.commitment, honest.commitment)
    while isinstance(state, Dispute):
        mine, theirs = answer(other, state), answer(honest, state)
        assert state.children == len(mine)
        lies = [theirs, mine[:-1], [*mine, bytes(32)], [mine[0][:-1], *mine[1:]], [bytes(32)] * len(mine), []]
        for lie in lies:
            assert state.resolve(lie, theirs) == Fault(("proposer",))
            assert state.resolve(theirs, mine) == Fault(("proposer", "challenger"))
            assert state.resolve(mine, lie if lie is not theirs else mine) == Fault(("challenger",))
        state = state.resolve(mine, theirs)
    assert state == Found(0, leaf_hash(other.leaves[0]), leaf_hash(honest.leaves[0]))


def test_a_commitment_to_no_trace_at_all_cannot_win() -> None:
    honest = Tree(trace(8))
    made_up = Commitment(bytes(32), 8)
    state = open_dispute(made_up, honest.commitment)
    assert isinstance(state, Dispute)
    assert state.resolve([bytes(32), bytes(32)], answer(honest, state)) == Fault(("proposer",))
    # A node offered as a state: the dispute goes down to it, and no state hashes to it.
    deeper = Commitment(Tree([b"x", b"y"]).root, 1)
    found = open_dispute(deeper, Tree([b"state"]).commitment)
    assert isinstance(found, Found)
    assert found.judge(b"state") == ("proposer",)


def test_the_silent_party_loses() -> None:
    state = open_dispute(Tree(trace(2)).commitment, Tree([b"a", b"b"]).commitment)
    assert isinstance(state, Dispute)
    assert state.forfeit("challenger") == Fault(("challenger",))
    with pytest.raises(OutOfRange, match="nobody is named"):
        state.forfeit()


def test_there_is_no_dispute_about_equal_or_unequally_long_traces() -> None:
    one, three = Tree(trace(1)).commitment, Tree(trace(3)).commitment
    with pytest.raises(OutOfRange, match="no dispute"):
        open_dispute(three, three)
    with pytest.raises(WrongShape, match="3 and 1 steps"):
        open_dispute(three, one)
    with pytest.raises(WrongShape, match="2 and 1 steps"):
        first_difference([b"a", b"b"], [b"a"])
    assert first_difference([b"a"], [b"a"]) is None
