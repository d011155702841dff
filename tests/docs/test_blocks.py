# SPDX-License-Identifier: Apache-2.0
"""Every example in the documentation runs: what a reader copies must work as it stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.pages import ROOT, Block, blocks, pages

PAGES = [page.relative_to(ROOT).as_posix() for page in pages() if blocks(page.read_text(encoding="utf-8"))]


def run(page: str, told: list[Block], folder: Path) -> None:
    """Run the blocks of one page in order: Python in one namespace, shell in one folder."""
    # Types find their annotations through the module that defines them, so the page is one while it runs.
    module = ModuleType(f"page_{Path(page).stem}")
    sys.modules[module.__name__] = module
    try:
        for block in told:
            if block.language == "python":
                # The padding makes a traceback name the line of the page.
                code = compile("\n" * (block.line - 1) + block.code, page, "exec")
                exec(code, module.__dict__)
            elif block.language == "sh":
                _shell(f"{page}:{block.line}", block.code, folder)
            else:
                pytest.fail(f"{page}:{block.line}: {block.language!r} cannot be run, mark python or sh")
    finally:
        del sys.modules[module.__name__]


def _shell(place: str, code: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder,
        env=os.environ | {"PATH": path, "SUBNET_LOCAL_MODEL": "toy"},  # loading models has its own tests
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            said, _ = shell.communicate(timeout=55)
        finally:
            # What a block has put into the background must not outlive it, least of all one that failed.
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, f"{place}: exit code {shell.returncode}\n{said}"


@pytest.mark.parametrize("page", PAGES)
def test_every_marked_block_of_a_page_runs(page: str, tmp_path: Path) -> None:
    run(page, blocks((ROOT / page).read_text(encoding="utf-8")), tmp_path)


def test_a_page_is_one_story_and_an_unmarked_block_is_only_read(tmp_path: Path) -> None:
    text = (
        "<!-- run -->\n```python\nx = 1\n```\n```python\nraise OSError\n```\n"
        "<!-- run -->\n```sh\necho two > file\n```\n<!-- run -->\n```python\nassert x == 1\n```\n"
    )
    assert [block.line for block in blocks(text)] == [3, 10, 14]
    run("story.md", blocks(text), tmp_path)
    assert (tmp_path / "file").read_text() == "two\n"


@pytest.mark.parametrize("code", ["python\nassert 1 == 2", "sh\nfalse | cat", "ruby\nputs 1"])
def test_a_block_that_fails_or_cannot_be_run_is_reported(code: str, tmp_path: Path) -> None:
    broken = blocks(f"<!-- run -->\n```{code}\n```\n")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run("broken.md", broken, tmp_path)
