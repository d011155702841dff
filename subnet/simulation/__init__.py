# SPDX-License-Identifier: Apache-2.0
"""`simulate`: what honest miners, copiers, sybils and cartels would earn under a definition, and whether that is right.

The definition's own code makes the tasks, gives the answers and scores them, so what is judged here is what validators
will run. Design goes in, verdicts come out, and a subnet's own tests can guard its mechanism with them.
"""

from __future__ import annotations

from subnet.simulation.plan import ATTACKS, Plan
from subnet.simulation.population import Models, readers
from subnet.simulation.report import Report, Row, Status
from subnet.simulation.simulate import simulate

__all__ = ["ATTACKS", "Models", "Plan", "Report", "Row", "Status", "readers", "simulate"]
