# SPDX-License-Identifier: Apache-2.0
"""Proves a subnet's definition sound before it costs anybody money: `check(MySubnet)`.

It draws tasks, answers them as the definition's own miner would and as lazy ones would, and looks at what each earns.
Everything runs in one process, without a chain, a key or a network, and gives the same report for the same seed.
"""

from __future__ import annotations

from subnet.check.checking import CHECKS, Check, check, rehearse
from subnet.check.report import Report, Row
from subnet.check.trial import Trial

__all__ = ["CHECKS", "Check", "Report", "Row", "Trial", "check", "rehearse"]
