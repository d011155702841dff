# SPDX-License-Identifier: Apache-2.0
"""The pages agree with the code and each other: generated ones are current, links lead somewhere, lists are whole."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.generate import PAGES
from tests.docs.pages import ROOT, anchors, links, pages


@pytest.mark.parametrize("path", PAGES)
def test_a_generated_page_is_what_the_code_says_today(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path](), f"{path} is out of date: make docs"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    inside = [link for link in links(page.read_text(encoding="utf-8")) if "://" not in link]
    broken = []
    for link in inside:
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert not broken, f"{page.relative_to(ROOT)}: {broken} lead nowhere"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links(page.read_text("utf-8"))]
    lost = {page.relative_to(ROOT).as_posix() for page in pages() if page.resolve() not in reached}
    assert not lost, f"link {sorted(lost)} from the index beside them"


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    page = (ROOT / "docs/explanation/dependencies.md").read_text(encoding="utf-8")
    reasons = dict(re.findall(r"^- `([\w-]+)`: (.+)\.$", page, flags=re.MULTILINE))
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in wanted}
    assert names == set(reasons), "name each dependency, and only those, in docs/explanation/dependencies.md"


def test_each_attack_that_the_security_page_names_is_tried() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/explanation/security.md").read_text(encoding="utf-8")))
    attacks = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/attacks").glob("test_*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in attacks} == set()
