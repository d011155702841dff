# SPDX-License-Identifier: Apache-2.0
"""Whose an answer is: whoever was clearly first keeps it, and who is not clearly a copier keeps its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.chain import Commitment
from protocols.errors import InvalidSubnet, OutOfRange
from protocols.types import Block, Hotkey
from tests.validators.vetting.answers import Came, Lookalike, Story, heard, metagraph, vetter_rounds
from validators.vetting import Vetted, Vetter, VettingOptions, likeness
from validators.vetting.precedence import Precedence, sooner

NAMES = ["owner", "copier", "ann", "bob", "cleo"]
SEVERAL = 8


def vetter(precedence: Precedence = "reply") -> Vetter:
    return Vetter(definition=Story(), options=VettingOptions(precedence=precedence))


def told(number: int, **given: Came) -> dict[str, Came]:
    """A round in which everybody has a text of its own, but for these."""
    return {name: given.get(name, Came(f"{name} {number}")) for name in NAMES}


def after(
    one: Vetter,
    rounds: int,
    owner_s: float = 1.0,
    copier_s: float = 1.1,
    claims: Mapping[Hotkey, Commitment] | None = None,
) -> Vetted:
    """The last of so many rounds in which the copier says what the owner says."""
    vetted = None
    for number in range(rounds):
        came = told(number, owner=Came(f"same {number}", owner_s), copier=Came(f"same {number}", copier_s))
        vetted = one.vet(heard(came), metagraph(NAMES), claims)
    assert vetted is not None
    return vetted


def test_by_default_everybody_keeps_what_it_said() -> None:
    one = Vetter(definition=Story(), options=VettingOptions())
    assert after(one, 40).struck == {}
    assert one.likely == (frozenset({"owner", "copier"}),)


def test_whoever_was_here_first_in_most_of_several_rounds_keeps_the_answer() -> None:
    assert after(vetter(), SEVERAL - 1).struck == {}
    vetted = after(vetter(), SEVERAL)
    assert vetted.struck == {"copier": "copy_of:owner"}
    assert vetted.replies.hotkeys == tuple(NAMES)
    assert vetted.replies.arrived.tolist() == [True, False, True, True, True]
    assert np.isinf(vetted.replies.elapsed_s[1])


def test_one_quick_round_does_not_make_a_copier_the_owner() -> None:
    one = vetter()
    after(one, 12)
    quick = told(99, owner=Came("same", 1.0), copier=Came("same", 0.2))
    assert one.vet(heard(quick), metagraph(NAMES)).struck == {"copier": "copy_of:owner"}


def test_in_a_round_in_which_it_says_something_else_a_copier_keeps_its_own() -> None:
    one = vetter()
    after(one, 12)
    assert one.vet(heard(told(99)), metagraph(NAMES)).struck == {}


def test_where_it_is_not_clear_who_was_first_both_keep_their_answers() -> None:
    one = vetter()
    for number in range(40):
        times = (1.0, 1.1) if number % 2 else (1.1, 1.0)
        came = told(number, owner=Came(f"{number}", times[0]), copier=Came(f"{number}", times[1]))
        assert one.vet(heard(came), metagraph(NAMES)).struck == {}


def test_of_many_copies_one_is_left_and_none_is_struck_for_a_copy() -> None:
    one, names = vetter(), [*NAMES, "dora", "emil", "fay"]
    for number in range(SEVERAL):
        came = {name: Came(f"{name} {number}") for name in names}
        came |= {name: Came("same", 1.0 + at / 10) for at, name in enumerate(["bob", "owner", "copier"])}
        vetted = one.vet(heard(came), metagraph(names))
    assert vetted.struck == {"owner": "copy_of:bob", "copier": "copy_of:bob"}


def test_who_is_asked_later_is_not_later_for_that() -> None:
    """The owner waited five seconds for us to open a connection to it; the copier had asked it meanwhile."""
    came = {"owner": Came("same", 1.0, sent_s=5.0), "copier": Came("same", 1.1, sent_s=0.0)}
    assert not sooner(heard(came)).any()


def test_who_lets_us_wait_for_a_connection_is_not_quicker_for_that() -> None:
    """An accomplice asked at once and had the answer passed on; then the copier let our question in."""
    came = {"owner": Came("same", 1.0, sent_s=0.0), "copier": Came("same", 0.01, sent_s=1.2)}
    assert not sooner(heard(came)).any()


def test_who_is_quicker_and_earlier_is_sooner_and_without_a_proof_who_is_quicker() -> None:
    came = {"owner": Came("same", 1.0, sent_s=0.1), "copier": Came("same", 1.2, sent_s=0.0)}
    assert sooner(heard(came)).tolist() == [[False, True], [False, False]]
    came |= {"copier": Came("same", 1.2, sent_s=None)}
    assert sooner(heard(came)).tolist() == [[False, True], [False, False]]
    came |= {"copier": Came(None)}
    assert sooner(heard(came)).tolist() == [[False, True], [False, False]]


def committed(**blocks: int) -> dict[Hotkey, Commitment]:
    return {Hotkey(name): Commitment(Block(block), b"digest") for name, block in blocks.items()}


@pytest.mark.parametrize(
    ("claims", "struck"),
    [
        (committed(owner=10, copier=20), {"copier": "copy_of:owner"}),
        (committed(owner=20, copier=10), {"owner": "copy_of:copier"}),
        (committed(copier=10), {"owner": "copy_of:copier"}),
        (committed(owner=10, copier=10), {"owner": "copy_of:copier"}),
        ({}, {"owner": "copy_of:copier"}),
    ],
    ids=["first model", "later model", "no model", "same block", "no models at all"],
)
def test_an_earlier_model_comes_before_an_earlier_reply(
    claims: dict[Hotkey, Commitment], struck: dict[str, str]
) -> None:
    assert after(vetter("model"), SEVERAL, owner_s=1.1, copier_s=1.0, claims=claims).struck == struck
    assert after(vetter("reply"), SEVERAL, owner_s=1.1, copier_s=1.0, claims=claims).struck == {
        "owner": "copy_of:copier"
    }


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(3, 12), st.integers(4, 9))
def test_honest_miners_that_agree_now_and_then_are_never_struck(seed: int, miners: int, texts: int) -> None:
    """Each says one of so many things by chance, as where few answers are possible."""
    names = [f"miner {at}" for at in range(miners)]
    one = Vetter(definition=Story(), options=VettingOptions(precedence="reply"))
    for round_ in vetter_rounds(names, seed, texts, 60):
        assert one.vet(round_, metagraph(names)).struck == {}


@pytest.mark.parametrize("skill", [0.5, 0.7, 0.9, 1.0])
def test_honest_miners_that_agree_in_what_is_right_are_not_struck_and_their_copier_is(skill: float) -> None:
    """One answer of six is right. The copier repeats the first miner, a little later; the others are honest."""
    names, rng = [f"miner {at}" for at in range(12)], np.random.default_rng(5)
    one, struck = vetter(), set()
    for _ in range(300):
        said = ["right" if rng.random() < skill else f"wrong {rng.integers(5)}" for _ in names]
        took = rng.random(12) * 0.1
        said[1], took[1] = said[0], took[0] + 0.05
        came = {name: Came(text, float(time)) for name, text, time in zip(names, said, took, strict=True)}
        struck |= set(one.vet(heard(came), metagraph(names)).struck.items())
    assert struck <= {("miner 1", "copy_of:miner 0")}
    assert bool(struck) == (skill < 1.0)  # who makes no mistakes gives no sign of being copied


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.full((2, 2), np.nan), "gave nan for replies 0 and 0, expected 0 to 1"),
        ([[1.0, 2.0], [2.0, 1.0]], "gave 2.0 for replies 0 and 1"),
        ([[1.0, -0.5], [-0.5, 1.0]], "gave -0.5 for replies 0 and 1"),
        ([[1.0, np.inf], [np.inf, 1.0]], "gave inf for replies 0 and 1"),
        ([[1.0, 0.2], [0.9, 1.0]], "for replies 0 and 1, 0.9 the other way round"),
        ([1.0, 0.0], r"gave shape \(2,\), expected \(2, 2\)"),
        (np.ones((3, 3)), r"gave shape \(3, 3\), expected \(2, 2\)"),
        ([[1.0], [1.0, 2.0]], "gave no table of numbers"),
        ("alike", "gave no table of numbers"),
        (None, r"gave shape \(\), expected"),
        ([[1j, 0], [0, 1]], "gave no table of numbers"),
    ],
)
def test_a_hostile_likeness_is_an_invalid_definition(given: Any, words: str) -> None:
    one = Vetter(definition=Lookalike(given), options=VettingOptions())
    with pytest.raises(InvalidSubnet, match=f"lookalike@1: likeness .*{words}"):
        one.vet(heard({"owner": "x", "copier": "y"}), metagraph(NAMES))
    blind = Vetter(definition=Lookalike(given), options=VettingOptions(window=0))
    assert blind.vet(heard({"owner": "x", "copier": "y"}), metagraph(NAMES)).struck == {}


def test_a_likeness_of_what_never_came_is_not_believed() -> None:
    given = likeness(Lookalike(np.ones((3, 3))), heard({"owner": "x", "copier": None, "ann": "y"}).replies)
    assert given.tolist() == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]


def test_a_round_of_nobody_and_of_one_is_vetted_like_any_other() -> None:
    one = vetter()
    for came in ({}, {"owner": None}, {"owner": "x"}):
        assert one.vet(heard(came), metagraph(NAMES)).struck == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 7}, "window is 7, expected 0, or 8 to 64 rounds"),
        ({"window": 65}, "window is 65"),
        ({"window": -1}, "window is -1"),
        ({"precedence": "first"}, "precedence is 'first', expected one of off, reply, model"),
        ({"precedence": "reply", "window": 0}, "expected 8 rounds or more to go by"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OutOfRange, match=words):
        VettingOptions(**options)
