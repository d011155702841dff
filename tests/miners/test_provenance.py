# SPDX-License-Identifier: Apache-2.0
"""A model's digest: equal for equal files wherever they lie, another for any other byte, and computable by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from miners.provenance import digest
from protocols.errors import ModelUnloadable


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that looks like a model."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"a": 1}')
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 40)
    return folder


def test_copies_have_one_digest_whatever_lies_beside_them(model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model, tmp_path / "copy")
    (copy / "README.md").write_text("nothing of this is loaded")
    assert digest(copy) == digest(model)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_one_other_byte_is_another_model(model: Path, name: str) -> None:
    before = digest(model)
    data = bytearray((model / name).read_bytes())
    data[-1] ^= 1
    (model / name).write_bytes(data)
    assert digest(model) != before


def test_a_file_under_another_name_is_another_model(model: Path) -> None:
    before = digest(model)
    (model / "config.json").rename(model / "other.json")
    assert digest(model) != before


def test_a_shell_computes_the_same(model: Path) -> None:
    script = (
        'for f in config.json model.safetensors; do echo "$f:$(stat -c %s $f):$(sha256sum < $f | cut -d" " -f1)"; done'
    )
    done = subprocess.run(f"({script}) | sha256sum", cwd=model, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == digest(model)


def test_what_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnloadable, match="no model in it"):
        digest(tmp_path)
    with pytest.raises(ModelUnloadable, match="cannot be read"):
        digest(tmp_path / "missing")
