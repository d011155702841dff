# SPDX-License-Identifier: Apache-2.0
"""Engines by name: ours and those of installed packages, each imported only when it is wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from miners.engines.engine import Job
from miners.engines.opening import BUILT_IN, EngineOptions, engine_names, open_engine
from protocols.errors import UnknownEngine

PLUGIN = """
from miners.engines.engine import Engine

class Reverse(Engine):
    name = "reverse"

    def __init__(self, options):
        self.options = options

    @classmethod
    def opened(cls, options):
        return cls(options)

    async def generate(self, job):
        yield job.prompt[::-1]
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that offers an engine, and one whose engine cannot be imported, as pip leaves them."""
    (tmp_path / "reverse_engine.py").write_text(PLUGIN)
    info = tmp_path / "reverse_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: reverse-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[subnet.engines]\nreverse = reverse_engine:Reverse\necho = reverse_engine:Reverse\n"
        "missing = no_such_module:Engine\nunlike = reverse_engine:Engine\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_every_engine_of_ours_is_there_and_bears_its_name() -> None:
    for name in BUILT_IN:
        options = EngineOptions(model="x:y", url="http://127.0.0.1:1/v1")
        assert open_engine(name, options).name == name


@pytest.mark.usefixtures("installed")
async def test_an_installed_package_adds_an_engine_but_replaces_none_of_ours() -> None:
    assert {"reverse", "echo"} <= set(engine_names())
    engine = open_engine("reverse", EngineOptions(model="m"))
    assert [piece async for piece in engine.generate(Job(prompt="abc", max_tokens=1))] == ["cba"]
    assert [piece async for piece in open_engine("echo", EngineOptions()).generate(Job(prompt="a", max_tokens=1))] == [
        "a"
    ]


@pytest.mark.usefixtures("installed")
def test_an_engine_that_cannot_be_imported_is_named_with_the_reason() -> None:
    with pytest.raises(UnknownEngine, match="'missing' cannot be imported: No module named 'no_such_module'") as raised:
        open_engine("missing", EngineOptions())
    assert raised.value.help == "see what is missing: pip check"
    with pytest.raises(UnknownEngine, match=r"'unlike' cannot be imported: .*no attribute 'opened'"):
        open_engine("unlike", EngineOptions())


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownEngine, match="expected one of echo, function, openai, sklearn, transformers") as raised:
        open_engine("transformer", EngineOptions())
    assert raised.value.help == "did you mean: --engine transformers"


def test_options_do_not_show_the_key() -> None:
    assert "secret" not in f"{EngineOptions(api_key='secret')!r} {EngineOptions(api_key='secret')}"


@pytest.mark.parametrize("name", ["echo", "function", "openai", "sklearn"])
def test_an_engine_without_a_model_of_its_own_imports_no_torch(name: str) -> None:
    code = (
        "import sys; from miners.engines.opening import *;"
        f"open_engine({name!r}, EngineOptions(model='x:y', url='http://h/v1'));"
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy', 'joblib'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30, cwd=Path(__file__).parents[3])
