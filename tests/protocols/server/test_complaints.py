# SPDX-License-Identifier: Apache-2.0
"""What a server logs about handlers: the first reports in full, of the rest only the number."""

from __future__ import annotations

import pytest

from protocols.clock import VirtualClock
from protocols.server.complaints import Complaints


async def test_a_burst_is_logged_and_the_rest_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()
    complaints = Complaints(clock, burst=3, per_minute=6.0)
    for at in range(10):
        complaints.report(f"query {at}", ValueError(f"number {at}"))
    assert [record.getMessage() for record in caplog.records] == ["query 0", "query 1", "query 2"]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [
        "number 0",
        "number 1",
        "number 2",
    ]
    caplog.clear()
    await clock.advance(10.0)
    complaints.report("query 10", ValueError())
    complaints.report("query 11", ValueError())
    assert [record.getMessage() for record in caplog.records] == [
        "7 more errors were not logged one by one",
        "query 10",
    ]
    caplog.clear()


async def test_quiet_hours_allow_no_more_than_a_burst(caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock()
    complaints = Complaints(clock, burst=2, per_minute=60.0)
    await clock.advance(3600.0)
    for _ in range(10):
        complaints.report("query", ValueError())
    assert len(caplog.records) == 2
    caplog.clear()
