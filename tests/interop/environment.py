# SPDX-License-Identifier: Apache-2.0
"""The environment that holds bittensor 10.5.0, the last release with an HTTP layer of its own.

Its requirements contradict ours, so it lives apart: one virtual environment for each Python version in the user's
cache, shared by all clones. `python -m tests.interop.environment` builds it where needed and prints its interpreter.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

__all__ = ["RELEASE", "build", "v10_python"]

RELEASE = "bittensor==10.5.0"


@cache
def v10_python() -> Path:
    """The interpreter that can `import bittensor` 10.5.0: named by SUBNET_V10_PYTHON, or from the cache."""
    named = os.environ.get("SUBNET_V10_PYTHON")
    return Path(named) if named else build(_home(), RELEASE)


def build(home: Path, requirement: str) -> Path:
    """Make the environment at `home` unless it stands whole already; any number of builders may call at once."""
    python, ready = home / "bin" / "python", home / ".ready"
    home.parent.mkdir(parents=True, exist_ok=True)
    with _only_builder(home):
        # The stamp alone proves too little: the Python beneath the environment may have been removed since.
        if not (ready.exists() and _runs(python)):
            _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(home))
            _run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", requirement)
            ready.touch()
    return python


@contextmanager
def _only_builder(home: Path) -> Iterator[None]:
    """Hold a lock that the kernel drops with its holder, so that a killed builder leaves nothing to clean up."""
    with home.with_name(f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _home() -> Path:
    cache_home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    return Path(cache_home) / "subnet" / "venvs" / f"{RELEASE.replace('==', '-')}-{tag}"


def _runs(python: Path) -> bool:
    return python.exists() and subprocess.run([python, "-c", ""], check=False).returncode == 0


def _run(*command: str) -> None:
    # What a failed install has to say reaches the person through stderr; stdout carries the interpreter's path only.
    subprocess.run(command, check=True, stdout=sys.stderr, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})


if __name__ == "__main__":
    sys.stdout.write(f"{v10_python()}\n")
