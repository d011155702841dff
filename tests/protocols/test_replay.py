# SPDX-License-Identifier: Apache-2.0
"""A captured request is worth nothing: not while it is fresh, not after the clock was set, not in another process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protocols.clock import VirtualClock
from protocols.errors import Overloaded, StaleRequest
from protocols.replay import MemoryReplay, SqliteReplay

S = 1_000_000_000
T = 1_700_000_000 * S
ALICE, BOB = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"

Make = Callable[..., MemoryReplay | SqliteReplay]


def open_file(path: Path, *, capacity: int = 1000, busy_s: float = 5.0) -> SqliteReplay:
    """A file that has nothing to wait for, as if made long ago."""
    return SqliteReplay(path, clock=VirtualClock(start_ns=0), skew_s=0, capacity=capacity, busy_s=busy_s)


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Each kind of window, closed afterwards."""
    made: list[MemoryReplay | SqliteReplay] = []

    def make_one(capacity: int = 1000) -> MemoryReplay | SqliteReplay:
        if request.param == "memory":
            made.append(MemoryReplay.never_served_before(capacity=capacity))
        else:
            made.append(open_file(tmp_path / "replay.db", capacity=capacity))
        return made[-1]

    yield make_one
    for replay in made:
        replay.close()


async def test_a_request_is_accepted_once(make: Make) -> None:
    replay = make()
    assert await replay.accept(ALICE, T, T)
    assert not await replay.accept(ALICE, T, T + 9 * S)
    assert await replay.accept(BOB, T, T)
    assert await replay.accept(ALICE, T - 1, T)  # a nonce need not rise


async def test_a_request_is_kept_for_the_whole_retention_and_refused_for_ever_after(make: Make) -> None:
    replay = make()
    assert await replay.accept(ALICE, T + S - 1, T)
    assert not await replay.accept(ALICE, T + S - 1, T + 61 * S - 1)
    with pytest.raises(StaleRequest, match=f"nonce {T + S - 1} is not above {T + S - 1}"):
        await replay.accept(ALICE, T + S - 1, T + 61 * S)
    with pytest.raises(StaleRequest):
        await replay.accept(ALICE, T + S - 1, T)
    assert await replay.accept(ALICE, T + S, T)


async def test_a_clock_that_runs_an_hour_ahead_and_returns_lets_no_request_in_twice(make: Make) -> None:
    replay = make()
    assert await replay.accept(ALICE, T, T)
    assert await replay.accept(BOB, T + 3600 * S, T + 3600 * S)
    with pytest.raises(StaleRequest):
        await replay.accept(ALICE, T, T + S)
    assert not await replay.accept(BOB, T + 3600 * S, T + 3600 * S)


async def test_a_clock_that_runs_an_hour_ahead_and_returns_refuses_no_honest_caller(make: Make) -> None:
    replay = make()
    assert await replay.accept(ALICE, T, T)
    assert await replay.accept(BOB, T + 3600 * S, T + 3600 * S)
    assert await replay.accept(ALICE, T + S, T + S)
    for second in range(100, 3600, 500):
        assert await replay.accept(ALICE, T + second * S, T + second * S)


async def test_what_a_wrong_clock_accepted_and_dropped_is_never_risked_again(make: Make) -> None:
    replay = make()
    assert await replay.accept(ALICE, T + 3600 * S, T + 3600 * S)
    assert await replay.accept(BOB, T + 3700 * S, T + 3700 * S)  # the wrong clock outlives the retention
    with pytest.raises(StaleRequest):
        await replay.accept(ALICE, T, T)
    assert await replay.accept(ALICE, T + 3601 * S, T + 3601 * S)


async def test_a_clock_that_is_set_back_and_forth_lets_no_request_in_twice(make: Make) -> None:
    replay = make()
    assert await replay.accept(ALICE, T, T)
    assert await replay.accept(ALICE, T - 3600 * S, T - 3600 * S)
    for now_ns in (T, T - 3600 * S, T + 3600 * S, T - 7200 * S):
        with pytest.raises(StaleRequest):
            await replay.accept(ALICE, T - 3600 * S, now_ns)


async def test_a_full_window_refuses_rather_than_forgets_and_has_room_when_time_has_passed(make: Make) -> None:
    replay = make(capacity=3)
    assert [await replay.accept(ALICE, T + i, T) for i in range(3)] == [True, True, True]
    with pytest.raises(Overloaded, match="3 of 3") as refused:
        await replay.accept(ALICE, T + 3, T)
    assert refused.value.retry_after_s
    assert not await replay.accept(ALICE, T, T)
    assert await replay.accept(ALICE, T + 61 * S, T + 61 * S)
    assert replay.held == 1


async def test_a_refused_request_does_not_raise_the_floor(make: Make) -> None:
    replay = make(capacity=1)
    assert await replay.accept(ALICE, T, T)
    with pytest.raises(Overloaded):
        await replay.accept(ALICE, T + 5 * S, T)
    assert await replay.accept(ALICE, T + 2 * S, T + 100 * S)


async def test_what_is_held_stays_flat_while_time_goes_on() -> None:
    replay, most = MemoryReplay.never_served_before(), 0
    for i in range(200_000):
        assert await replay.accept(ALICE, T + i * S // 500, T + i * S // 500)
        most = max(most, replay.held)
    assert 60 * 500 <= most <= 62 * 500


@pytest.mark.parametrize("bound", [{"capacity": 0}, {"retention_s": 0.0}, {"retention_s": float("nan")}])
def test_a_window_without_room_or_time_is_refused(bound: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        MemoryReplay.never_served_before(**bound)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected"):
        SqliteReplay(tmp_path / "replay.db", **bound)  # type: ignore[arg-type]


async def test_memory_after_a_restart_refuses_all_that_could_have_been_accepted_before() -> None:
    replay = MemoryReplay.after_restart(T, skew_s=2.0)
    assert replay.warm_at_ns == T + 2 * S
    with pytest.raises(StaleRequest):
        await replay.accept(ALICE, T + 2 * S, T)
    assert await replay.accept(ALICE, T + 2 * S + 1, T + 2 * S)


def test_memory_cannot_be_made_without_saying_what_went_before() -> None:
    assert MemoryReplay.never_served_before().warm_at_ns == 0
    with pytest.raises(TypeError):
        MemoryReplay()  # type: ignore[call-arg]
