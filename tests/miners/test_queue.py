# SPDX-License-Identifier: Apache-2.0
"""The waiting line: order, bound, deadlines, and that nobody is lost, told twice or left to starve."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from miners.queue import Place, WaitingLine
from protocols.errors import DeadlineExceeded, EngineFailed, OutOfRange, Overloaded, SubnetError
from protocols.turns import MOST_LEAD_S, lead

PRIORITIES = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, 1e6, -0.0]))


def place(item: str, told: list[SubnetError], priority: float = 0.0, deadline: float = math.inf) -> Place[str]:
    """A place that notes what it is told."""
    return Place(item, told.append, priority=priority, deadline=deadline)


def drain(line: WaitingLine[str], now: float = 0.0) -> list[str]:
    """Everybody in the order in which they are taken."""
    taken = []
    while (first := line.take(now)) is not None:
        taken.append(first.item)
    return taken


def test_a_priority_is_a_head_start_and_equals_keep_their_order() -> None:
    line, told = WaitingLine[str](9), list[SubnetError]()
    line.join(place("old", told), now=0.0)
    line.join(place("equal", told), now=0.0)
    line.join(place("great", told, priority=1023.0), now=9.0)
    line.join(place("late", told, priority=1023.0), now=10.5)
    assert drain(line, 11.0) == ["great", "old", "equal", "late"]
    assert told == []


def test_in_a_full_line_the_greater_displaces_the_last_and_the_lesser_is_turned_away() -> None:
    line = WaitingLine[str](2)
    first, last, lesser, greater = (list[SubnetError]() for _ in range(4))
    line.join(place("first", first, priority=3.0), now=0.0)
    line.join(place("last", last, priority=1.0), now=0.0)
    line.join(place("lesser", lesser, priority=1.0), now=0.0)
    line.join(place("greater", greater, priority=7.0), now=0.0)
    assert [type(told[0]) if told else None for told in (first, last, lesser, greater)] == [
        None,
        Overloaded,
        Overloaded,
        None,
    ]
    assert drain(line) == ["greater", "first"]


def test_who_is_turned_away_learns_how_long_the_line_takes() -> None:
    line, told = WaitingLine[str](40), list[SubnetError]()
    for second in range(60):
        line.join(place("work", []), now=float(second))
        line.join(place("work", []), now=float(second))
        line.take(now=float(second))
    line.join(place("work", []), now=60.0)
    line.join(place("late", told), now=60.0)
    retry_s = told[0].retry_after_s
    assert retry_s is not None
    assert 20.0 <= retry_s <= 30.0


def test_work_that_nobody_waits_for_is_dropped_and_told_and_makes_room() -> None:
    line, told, other = WaitingLine[str](2), list[SubnetError](), list[SubnetError]()
    line.join(place("short", told, priority=9.0, deadline=5.0), now=0.0)
    line.join(place("long", other), now=0.0)
    line.join(place("third", other), now=5.0)
    assert [type(error) for error in told] == [DeadlineExceeded]
    assert drain(line, 6.0) == ["long", "third"]
    assert other == []


def test_a_purge_tells_those_whose_time_has_passed_and_nobody_else() -> None:
    line, told, other = WaitingLine[str](3), list[SubnetError](), list[SubnetError]()
    line.join(place("short", told, deadline=1.0), now=0.0)
    line.join(place("long", other, deadline=2.0), now=0.0)
    line.purge(1.5)
    assert (len(line), len(told), len(other)) == (1, 1, 0)


def test_the_first_that_is_accepted_is_taken_and_the_others_keep_their_places() -> None:
    line = WaitingLine[str](4)
    for item in ("a", "bb", "c", "dd"):
        line.join(place(item, []), now=0.0)
    taken = line.take(0.0, accept=lambda item: len(item) == 2)
    assert taken is not None
    assert taken.item == "bb"
    assert line.take(0.0, accept=lambda item: len(item) == 3) is None
    assert drain(line) == ["a", "c", "dd"]


def test_closing_tells_everybody_once() -> None:
    line, told = WaitingLine[str](4), list[SubnetError]()
    line.join(place("a", told), now=0.0)
    line.join(place("b", told), now=0.0)
    line.close(lambda: EngineFailed("it is closing"))
    line.close(lambda: EngineFailed("it is closing"))
    assert [type(error) for error in told] == [EngineFailed, EngineFailed]
    assert drain(line) == []


def test_a_line_for_nobody_is_refused() -> None:
    with pytest.raises(OutOfRange, match="limit of a waiting line is 0"):
        WaitingLine[str](0)


@given(priorities=st.lists(PRIORITIES, max_size=30))
def test_who_has_waited_longest_goes_before_every_newcomer_whatever_priorities_they_claim(
    priorities: list[float],
) -> None:
    line, told = WaitingLine[str](10), list[SubnetError]()
    line.join(place("patient", told, priority=math.nan), now=0.0)
    for priority in priorities:
        line.join(place("newcomer", [], priority=priority), now=MOST_LEAD_S + 0.001)
    assert drain(line, MOST_LEAD_S + 0.001)[0] == "patient"
    assert told == []


class AnyTraffic(RuleBasedStateMachine):
    """Against a plain list: each item is waiting, taken, left or told, exactly one of them."""

    LIMIT = 5

    def __init__(self) -> None:
        super().__init__()
        self.line = WaitingLine[int](self.LIMIT)
        self.now = 0.0
        self.waiting: dict[int, Place[int]] = {}
        self.arrived: dict[int, float] = {}
        self.told: Counter[int] = Counter()
        self.born = 0

    @rule(priority=PRIORITIES, patience=st.sampled_from([1.0, 5.0, math.inf]))
    def join(self, priority: float, patience: float) -> None:
        """A newcomer."""
        item, self.born = self.born, self.born + 1

        def refuse(error: SubnetError) -> None:
            assert isinstance(error, Overloaded | DeadlineExceeded)
            self.told[item] += 1
            if isinstance(error, Overloaded):
                rank = (self.arrived[item] - lead(self.waiting[item].priority), item)
                others = [(self.arrived[one] - lead(self.waiting[one].priority), one) for one in self.waiting]
                assert rank == max(others)
            else:
                assert self.waiting[item].deadline <= self.now
            del self.waiting[item]

        newcomer = Place(item, refuse, priority=priority, deadline=self.now + patience)
        self.waiting[item], self.arrived[item] = newcomer, self.now
        self.line.join(newcomer, self.now)

    @rule(seconds=st.floats(0.0, 4.0))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule()
    def take(self) -> None:
        """The best of those who can still be served, or nobody."""
        taken = self.line.take(self.now)
        alive = [one for one, place in self.waiting.items() if place.deadline > self.now]
        if taken is None:
            assert not alive
            return
        assert taken.item == min(alive, key=lambda one: (self.arrived[one] - lead(self.waiting[one].priority), one))
        del self.waiting[taken.item]

    @precondition(lambda self: self.waiting)
    @rule(pick=st.integers(0, 9))
    def leave(self, pick: int) -> None:
        """Somebody gives up, once."""
        item = sorted(self.waiting)[pick % len(self.waiting)]
        gone = self.waiting.pop(item)
        assert self.line.leave(gone)
        assert not self.line.leave(gone)

    @invariant()
    def all_are_accounted_for(self) -> None:
        """Nobody is lost, nobody is told twice, and the bound holds."""
        assert len(self.line) == len(self.waiting) <= self.LIMIT
        assert all(times == 1 for times in self.told.values())


TestAnyTraffic = AnyTraffic.TestCase
