# SPDX-License-Identifier: Apache-2.0
"""A summary as a table of text: who earns what, best miners first."""

from __future__ import annotations

from typing import Final

from subnet.localnet.standing import Standing, Summary

__all__ = ["table"]

_ALPHA: Final = 10**9
_HEAD: Final = "uid  name          role       quality  incentive  dividends   trust   emission     earned"
_KINDS: Final = {"miner": 0, "validator": 1, "owner": 2}


def table(summary: Summary) -> str:
    """The rows of all participants beneath a line that says when."""
    title = f"{summary.subnet}  epoch {summary.epoch}  block {summary.block}  seed {summary.seed}"
    rows = sorted(summary.rows, key=lambda row: (_KINDS[row.kind], -row.incentive, -row.dividends, row.uid))
    lines = [_line(row) for row in rows if row.kind != "owner"]
    return "\n".join([title, _HEAD, *lines])


def _line(row: Standing) -> str:
    miner = row.kind == "miner"
    quality = f"{row.quality:9.3f}" if miner else f"{'':9}"
    incentive = f"{row.incentive:11.4f}" if miner else f"{'':11}"
    dividends = f"{'':11}" if miner else f"{row.dividends:11.4f}"
    trust = f"{'':8}" if miner else f"{row.trust:8.3f}"
    amounts = f"{row.emission / _ALPHA:11.4f}{row.earned / _ALPHA:11.3f}"
    return f"{row.uid:3}  {row.name:12}  {row.role:8} {quality}{incentive}{dividends}{trust}{amounts}"
