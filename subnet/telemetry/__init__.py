# SPDX-License-Identifier: Apache-2.0
"""How a service is watched: its log lines, and how late its event loop is. Nothing else configures logging."""

from subnet.telemetry.lag import LoopLag
from subnet.telemetry.logs import log_to
from subnet.telemetry.shown import show_process
from subnet.telemetry.writer import Writer

__all__ = ["LoopLag", "Writer", "log_to", "show_process"]
