# SPDX-License-Identifier: Apache-2.0
"""A canary in another's answer shows a copy; one that others could know shows nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.task import Replies, Returned, Task
from protocols.types import Hotkey
from tests.validators.vetting.answers import Ask, Story, metagraph
from validators.query import Heard
from validators.vetting import Vetter, VettingOptions
from validators.vetting.canaries import overheard, spoken

A, B, C = Hotkey("a"), Hotkey("b"), Hotkey("c")


def asked(canary: str, prompt: str | None = None) -> Task:
    return Task(Ask(prompt=f"the code is {canary}" if prompt is None else prompt), canary=canary)


def replies(*rows: tuple[Hotkey, Task | None, tuple[Any, ...]]) -> Replies:
    return Replies(tuple(Returned(hotkey, items, 1.0, 1.0, task) for hotkey, task, items in rows))


@pytest.mark.parametrize(
    "items",
    [
        (Ask.Reply(text="I heard XYZZY-1."),),
        (Ask.Reply(words=["no", "XYZZY-1"]),),
        (Ask.Reply(facts={"XYZZY-1": "a key"}),),
        (Ask.Reply(facts={"a value": "XYZZY-1"}),),
        (Ask.Reply(text="XYZ"), Ask.Reply(text="ZY-1")),  # a stream that cuts it in two
    ],
)
def test_an_answer_that_holds_anothers_canary_in_any_text_is_struck_out(items: tuple[Any, ...]) -> None:
    rows = replies((A, asked("XYZZY-1"), (Ask.Reply(text="XYZZY-1"),)), (B, asked("PLUGH-2"), items))
    heard = Heard(rows, ("", ""), (None, None))
    vetted = Vetter(definition=Story(), options=VettingOptions()).vet(heard, metagraph(["a", "b"]))
    assert vetted.struck == {B: "canary_of:a"}
    assert vetted.replies.arrived.tolist() == [True, False]
    assert vetted.replies[1].asked == rows[1].asked
    blind = Vetter(definition=Story(), options=VettingOptions(canaries=False)).vet(heard, metagraph(["a", "b"]))
    assert blind.struck == {}
    assert blind.replies == rows


@pytest.mark.parametrize(
    "items",
    [
        (Ask.Reply(text="I heard xyzzy-1."),),  # another word, to the letter
        (Ask.Reply(raw=b"XYZZY-1"),),  # no text
        (Ask.Reply(text="XYZ", words=["ZY-1"]),),  # two fields, not one text
        (),
    ],
)
def test_what_is_not_the_canary_in_a_text_strikes_nobody(items: tuple[Any, ...]) -> None:
    rows = replies((A, asked("XYZZY-1"), ()), (B, asked("PLUGH-2"), items))
    assert overheard(rows) == {}


def test_a_miner_may_say_its_own_canary_and_an_empty_one_is_none() -> None:
    said = (Ask.Reply(text="the code is XYZZY-1"),)
    assert overheard(replies((A, asked("XYZZY-1"), said), (B, asked(""), ()), (C, None, ()))) == {}


@pytest.mark.parametrize(
    "other",
    [asked("PLUGH-2", "who said XYZZY-1?"), asked("XYZZY-1"), Task(Ask(prompt="tell me of XYZZY-1"))],
    ids=["in a third one's question", "the same canary", "in a question without a canary"],
)
def test_a_canary_that_is_in_the_question_of_others_never_strikes(other: Task) -> None:
    leaked = (Ask.Reply(text="XYZZY-1"),)
    third = asked("FROTZ-3")
    assert overheard(replies((A, asked("XYZZY-1"), ()), (B, other, ()), (C, third, leaked))) == {}
    assert overheard(replies((A, asked("XYZZY-1"), ()), (B, asked("PLUGH-2"), ()), (C, third, leaked))) == {C: A}


def test_an_answer_as_deep_as_a_sender_likes_is_read() -> None:
    class Open(msgspec.Struct):
        inner: Any

    deep: Any = "XYZZY-1"
    for _ in range(50_000):
        deep = [deep]
    assert spoken([Open(deep)]) == "XYZZY-1"


@given(st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=6), st.lists(st.text(max_size=12), max_size=6))
def test_nobody_is_struck_who_said_no_canary_but_its_own(canaries: list[str], texts: list[str]) -> None:
    rows = replies(
        *(
            (Hotkey(str(at)), asked(canary), (Ask.Reply(text=texts[at]),) if at < len(texts) else ())
            for at, canary in enumerate(canaries)
        )
    )
    for hotkey, owner in overheard(rows).items():
        mine, theirs = int(hotkey), int(owner)
        assert mine != theirs
        assert canaries[theirs] in texts[mine]
        assert all(
            canaries[theirs] not in f"the code is {canary}" for at, canary in enumerate(canaries) if at != theirs
        )
