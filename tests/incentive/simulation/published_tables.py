# SPDX-License-Identifier: Apache-2.0
"""The published tables that tests compare with, and how to see at once what disagrees.

tests/data/published_tables.json.gz holds figures of opentensor/subtensor, bactensor/yuma-simulation and papers; each
table names its source.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from incentive.simulation.published.figure import Figure

DATA: Final = Path(__file__).parents[2] / "data" / "published_tables.json.gz"


def tables() -> dict[str, Any]:
    """All of them, fresh, so that a test may change one."""
    document: dict[str, Any] = json.loads(gzip.decompress(DATA.read_bytes()))
    return document


def off(figures: Iterable[Figure], at_least: int) -> list[str]:
    """The figures that do not agree; that there are some to compare is asserted first."""
    compared = list(figures)
    assert len(compared) >= at_least, f"{len(compared)} figures, expected {at_least} or more"
    return [f"{each.name}: {each.published} is {each.computed}" for each in compared if not each.ok]
