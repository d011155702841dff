# SPDX-License-Identifier: Apache-2.0
"""What a service's process tells of itself at `/metrics`, whichever role it has."""

from __future__ import annotations

from protocols.server import Meters
from subnet.telemetry.lag import LoopLag
from subnet.telemetry.writer import Writer

__all__ = ["show_process"]


def show_process(meters: Meters, lag: LoopLag, lines: Writer | None) -> None:
    """Show how late the event loop is and how full, and what became of log lines."""
    meters.gauge("subnet_loop_lag_seconds", "The event loop's worst delay in the last minute", lambda: lag.worst_s)
    meters.gauge("subnet_tasks", "Tasks of the event loop", lambda: lag.tasks)
    meters.gauge(
        "subnet_log_lines_lost",
        "Log lines that nobody read in time, since the start",
        lambda: lines.dropped if lines is not None else 0,
    )
