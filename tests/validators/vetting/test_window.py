# SPDX-License-Identifier: Apache-2.0
"""What is remembered of pairs: enough to tell copies from chance, little enough to keep, and nothing of strangers."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.types import Hotkey
from tests.validators.vetting.answers import Came, Story, heard, metagraph, vetter_rounds
from validators.vetting import Vetter, VettingOptions
from validators.vetting.window import Meeting, Window

NAMES = ["a", "b", "c", "d", "e", "f"]
LENGTH = 16


def vetter() -> Vetter:
    return Vetter(definition=Story(), options=VettingOptions(window=LENGTH))


def counted(window: Window) -> dict[tuple[str, str], tuple[int, int, int]]:
    """For each pair, by name, how often it met, was alike, and had the first of the names here first."""
    found = {}
    for row in window.pairs:
        one, other = window.hotkeys[row["one"]], window.hotkeys[row["other"]]
        alike, firsts = int(row["alike"]).bit_count(), (int(row["first"]), int(row["second"]))
        first = firsts[one > other].bit_count()
        found[min(one, other), max(one, other)] = (int(row["shared"]), alike, first)
    return found


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 2), min_size=6, max_size=6), st.lists(st.floats(0, 9), min_size=6, max_size=6)
        ),
        max_size=30,
    ),
    st.permutations(NAMES),
)
def test_a_window_counts_what_a_list_of_all_rounds_would(
    told: list[tuple[list[int], list[float]]], order: list[str]
) -> None:
    """Answer 0 is none at all; half-way the miners get other uids, and the process starts again."""
    one = vetter()
    history: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    for number, (texts, times) in enumerate(told):
        graph = metagraph(NAMES if number < 12 else order)
        if number == 12:
            kept = one.dump()
            one = vetter()
            one.load(kept)
        given = {
            name: Came(f"{text}" if text else None, time) for name, text, time in zip(NAMES, texts, times, strict=True)
        }
        one.vet(heard(given), graph)
        present = [at for at in range(6) if texts[at]]
        common = {text for text in texts if 2 * texts.count(text) > len(present)}
        for at in present:
            for to in present:
                pair = (NAMES[at], NAMES[to])
                if at < to and not (texts[at] in common and texts[to] in common):
                    alike = texts[at] == texts[to]
                    if alike or pair in history:
                        history[pair] = [*history.get(pair, []), (alike, alike and times[at] < times[to])][-LENGTH:]
                    if pair in history and not any(was for was, _ in history[pair]):
                        del history[pair]
    expected = {
        pair: (len(rows), sum(alike for alike, _ in rows), sum(first for _, first in rows))
        for pair, rows in history.items()
    }
    assert counted(one._window) == expected


def test_agreeing_with_most_tells_nothing_and_agreeing_with_few_does() -> None:
    one = vetter()
    for number in range(12):
        wrong = "wrong" if number % 3 == 0 else "right"
        texts = dict.fromkeys(NAMES, "right") | {"a": wrong, "b": wrong}
        one.vet(heard(texts), metagraph(NAMES))
    assert counted(one._window) == {("a", "b"): (4, 4, 0)}
    assert one.likely == (frozenset({"a", "b"}),)


def test_a_suspicion_takes_one_round_and_goes_with_the_next() -> None:
    one = vetter()
    one.vet(heard({"a": "same", "b": "same", "c": "1", "d": "2"}), metagraph(NAMES))
    assert one.likely == (frozenset({"a", "b"}),)
    one.vet(heard({"a": "same", "c": "1", "d": "2"}), metagraph(NAMES))  # they did not meet: nothing is new
    assert one.likely == (frozenset({"a", "b"}),)
    for _ in range(2):
        one.vet(heard({"a": "1", "b": "2", "c": "3"}), metagraph(NAMES))
    assert not one.likely


def test_who_left_or_registered_anew_is_somebody_else() -> None:
    one = vetter()
    for _ in range(3):
        one.vet(heard({"a": "x", "b": "x", "c": "y", "d": "y", "e": "1", "f": "2"}), metagraph(NAMES))
    assert set(one.likely) == {frozenset({"a", "b"}), frozenset({"c", "d"})}
    changed = metagraph(["f", "d", "c", "b"], registered={"d": 90})
    one.vet(heard({"b": "1", "c": "2", "d": "3"}), changed)
    assert counted(one._window) == {}


def test_it_is_small_however_many_miners_there_are_and_whatever_they_say() -> None:
    names = [f"miner {at:03}" for at in range(256)]
    one = vetter()
    for round_ in vetter_rounds(names, seed=1, texts=10**9, count=4):
        one.vet(round_, metagraph(names))
    assert len(one.dump()) < 100
    for round_ in vetter_rounds(names, seed=1, texts=3, count=2):  # a third of all alike, in changing groups
        one.vet(round_, metagraph(names))
    assert len(one.dump()) < 2_000_000


def test_what_was_kept_is_gone_on_with() -> None:
    first, whole = vetter(), vetter()
    rounds = vetter_rounds(NAMES, seed=3, texts=3, count=30)
    for round_ in rounds[:15]:
        first.vet(round_, metagraph(NAMES))
        whole.vet(round_, metagraph(NAMES))
    second = vetter()
    second.load(first.dump())
    assert second.likely == first.likely
    for round_ in rounds[15:]:
        second.vet(round_, metagraph(NAMES))
        whole.vet(round_, metagraph(NAMES))
    assert counted(second._window) == counted(whole._window)
    assert second.dump() == whole.dump()


GARBAGE = [b"\x00", b"garbage", b"\xc1" * 40, b"\x94\x02\x90\x90\xc4\x00", b"\x94\x01\x91\xa1a\x91\x05\xc4\x01x"]


@pytest.mark.parametrize("kept", GARBAGE)
def test_garbage_is_nothing_known_and_a_line_in_the_log(kept: bytes, caplog: pytest.LogCaptureFixture) -> None:
    one = vetter()
    with caplog.at_level(logging.WARNING):
        one.load(kept)
    assert counted(one._window) == {}
    assert "gathered anew" in caplog.text
    one.vet(heard({"a": "same", "b": "same", "c": "1", "d": "2"}), metagraph(NAMES))
    assert one.likely == (frozenset({"a", "b"}),)


@given(st.binary(max_size=200))
def test_no_bytes_stop_a_validator(kept: bytes) -> None:
    one = vetter()
    one.load(kept)
    one.vet(heard({"a": "same", "b": "same", "c": "1", "d": "2"}), metagraph(NAMES))


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_bytes_that_were_damaged_stop_none_either(at: int, damage: bytes) -> None:
    one = vetter()
    for round_ in vetter_rounds(NAMES, seed=4, texts=2, count=3):
        one.vet(round_, metagraph(NAMES))
    kept = one.dump()
    place = at % len(kept)
    one.load(kept[:place] + damage + kept[place + len(damage) :])
    one.vet(heard({"a": "same", "b": "same", "c": "1", "d": "2"}), metagraph(NAMES))


def test_nothing_kept_is_no_garbage(caplog: pytest.LogCaptureFixture) -> None:
    one = vetter()
    for kept in (None, b"", Window().dump()):
        one.load(kept)
    assert not caplog.records


def test_the_newest_round_is_the_lowest_bit_and_the_oldest_is_forgotten() -> None:
    graph = metagraph(["a", "b", "c"])
    window = Window().of_those_in(graph)
    for number in range(20):
        alike = np.array([[False, number == 0 or number > 17, False], [False] * 3, [False] * 3])
        alike |= alike.T
        window = window.after(Meeting(np.arange(3), alike, np.zeros((3, 3), dtype=np.bool_)), 8)
        if number < 8:
            assert window.pairs["alike"].tolist() in ([], [1 << number])
    assert window.hotkeys[0] == Hotkey("a")
