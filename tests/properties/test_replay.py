# SPDX-License-Identifier: Apache-2.0
"""No pair is accepted twice, whatever the wall clock does; no honest caller is refused while it does nothing mad."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocols.clock import VirtualClock
from protocols.errors import Overloaded, StaleRequest
from protocols.replay import MemoryReplay, Replay, SqliteReplay

S = 1_000_000_000
HOTKEYS = st.sampled_from(["alice", "bob"])
# Coarse enough that nonces meet, fine enough that they fall on both sides of a second's end.
MOMENTS = st.builds(lambda second, part: second * S + part, st.integers(1, 60), st.sampled_from([0, 1, S // 2, S - 1]))


@contextmanager
def both(*, retention_s: float, capacity: int) -> Iterator[tuple[MemoryReplay, SqliteReplay]]:
    """One window of each kind, with nothing to wait for."""
    with TemporaryDirectory() as folder:
        start = VirtualClock(start_ns=0)
        file = SqliteReplay(
            Path(folder) / "replay.db", clock=start, skew_s=0, retention_s=retention_s, capacity=capacity
        )
        try:
            yield MemoryReplay.never_served_before(retention_s=retention_s, capacity=capacity), file
        finally:
            file.close()


class CapturedRequests(RuleBasedStateMachine):
    """An adversary who signs, captures and repeats requests, and sets the clock, against both kinds of window."""

    retention_s, capacity = 5, 6

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.windows = both(retention_s=self.retention_s, capacity=self.capacity)
        self.memory, self.file = self.windows.__enter__()
        self.now_ns = self.latest_ns = 10 * S
        self.accepted: list[tuple[str, int]] = []

    @rule(now_ns=MOMENTS)
    def set_the_clock(self, now_ns: int) -> None:
        self.now_ns = now_ns

    @rule(seconds=st.integers(1, 4))
    def let_time_pass(self, seconds: int) -> None:
        self.now_ns += seconds * S

    @rule(hotkey=HOTKEYS, age_ns=st.integers(-2 * S, 3 * S))
    def send_a_fresh_request(self, hotkey: str, age_ns: int) -> None:
        self.ask(hotkey, self.now_ns - age_ns)

    @rule(hotkey=HOTKEYS, nonce_ns=MOMENTS)
    def send_any_request(self, hotkey: str, nonce_ns: int) -> None:
        self.ask(hotkey, nonce_ns)

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data())
    def repeat_a_captured_request(self, data: st.DataObject) -> None:
        hotkey, nonce_ns = data.draw(st.sampled_from(self.accepted))
        assert self.ask(hotkey, nonce_ns) is not True

    @invariant()
    def as_much_is_held_as_fits_and_in_both_the_same(self) -> None:
        assert self.memory.held == self.file.held <= self.capacity

    def ask(self, hotkey: str, nonce_ns: int) -> bool | type[Exception]:
        """What both windows say, held against what is known to have been accepted."""
        self.latest_ns = max(self.latest_ns, self.now_ns)
        outcomes = [self.runner.run(outcome(replay, hotkey, nonce_ns, self.now_ns)) for replay in self.both_windows()]
        assert outcomes[0] == outcomes[1]
        pair, said = (hotkey, nonce_ns), outcomes[0]
        if said is True:
            assert pair not in self.accepted
            self.accepted.append(pair)
        elif said is False:
            assert pair in self.accepted
        elif said is StaleRequest:
            dropped = [known // S for _, known in self.accepted if known // S < self.latest_ns // S - self.retention_s]
            assert nonce_ns // S <= max(dropped)
        else:
            assert said is Overloaded
            assert self.memory.held == self.capacity
        return said

    def both_windows(self) -> tuple[Replay, Replay]:
        return self.memory, self.file

    def teardown(self) -> None:
        """When the last second of nonces has passed, only the request of now is held."""
        newest_ns = max([self.latest_ns, *(nonce_ns for _, nonce_ns in self.accepted)])
        self.now_ns = newest_ns + (self.retention_s + 2) * S
        assert self.ask("carol", self.now_ns) is True
        assert self.memory.held == self.file.held == 1
        self.windows.__exit__(None, None, None)
        self.runner.close()


TestCapturedRequests = CapturedRequests.TestCase
TestCapturedRequests.settings = settings(max_examples=80, stateful_step_count=40)


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 90 * S), st.integers(0, 48 * S), st.integers(-2 * S, 10 * S)), min_size=1, max_size=60
    )
)
def test_a_fresh_request_is_accepted_though_the_clock_is_set_back_by_less_than_the_retention_spares(
    steps: list[tuple[int, int, int]],
) -> None:
    async def run() -> None:
        with both(retention_s=60.0, capacity=1_000) as windows:
            latest_ns, sent = 1_000 * S, set[int]()
            for passed_ns, back_ns, age_ns in steps:
                latest_ns += passed_ns
                now_ns = latest_ns - back_ns
                nonce_ns = now_ns - age_ns
                for replay in windows:
                    assert await outcome(replay, "alice", nonce_ns, now_ns) is (nonce_ns not in sent)
                sent.add(nonce_ns)

    asyncio.run(run())


async def outcome(replay: Replay, hotkey: str, nonce_ns: int, now_ns: int) -> bool | type[Exception]:
    """What the window says, errors included."""
    try:
        return await replay.accept(hotkey, nonce_ns, now_ns)
    except (Overloaded, StaleRequest) as error:
        return type(error)
