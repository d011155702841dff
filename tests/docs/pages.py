# SPDX-License-Identifier: Apache-2.0
"""Markdown as the tests read it: pages, the blocks in them that are marked to be run, headings and links.

A block runs when the line above its fence is `<!-- run -->`. The blocks of one page are one story: a later one sees
what an earlier one defined.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["ROOT", "Block", "anchors", "blocks", "links", "pages"]

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^<!-- run -->\n```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


class Block(NamedTuple):
    """Code from a page, and the line it begins at."""

    language: str
    code: str
    line: int


def pages() -> list[Path]:
    """The README and everything below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """The blocks that are marked to be run."""
    found = _BLOCK.finditer(text)
    return [Block(one["language"], one["code"], text.count("\n", 0, one.start("code")) + 1) for one in found]


def links(text: str) -> list[str]:
    """Where the page points, code aside."""
    return [link["target"] for link in _LINK.finditer(_FENCED.sub("", text))]


def anchors(text: str) -> set[str]:
    """The headings as repository browsers name them."""
    titles = (heading["title"].lower() for heading in _HEADING.finditer(_FENCED.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}
