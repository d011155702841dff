# SPDX-License-Identifier: Apache-2.0
"""An operator's own Python object by name: `app.py:name` or `module:name`, and the digest of the file it is from.

Naming it is consent to run it; nothing that came over a network is ever named here.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from protocols.errors import ModelUnloadable

__all__ = ["Named", "named"]


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for."""

    found: object
    digest: str
    """The SHA-256 of the source file in hex; empty where there is none."""


def named(reference: str) -> Named:
    """Import what was named; raises `ModelUnloadable` and keeps what its own code raised as the cause."""
    where, _, name = reference.rpartition(":")
    help = "name it like this: --model app.py:NAME, or --model module:NAME"
    if not where or not name:
        raise ModelUnloadable(f"model is {reference!r}, expected FILE.py:NAME or MODULE:NAME", help=help)
    module = _module(where)
    if not hasattr(module, name):
        near = difflib.get_close_matches(name, vars(module), n=1)
        raise ModelUnloadable(
            f"{where} has no {name!r}", help=f"did you mean: --model {where}:{near[0]}" if near else help
        )
    source = Path(getattr(module, "__file__", None) or "")
    digest = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else ""
    return Named(getattr(module, name), digest)


# Somebody else's code runs here and may raise anything, also what ends a program; it becomes one error.
def _module(where: str) -> ModuleType:
    try:
        return _from_file(Path(where).resolve()) if where.endswith(".py") else importlib.import_module(where)
    except (Exception, SystemExit) as error:
        raise ModelUnloadable(
            f"{where} cannot be imported: {type(error).__name__}: {error}", help="import it in Python to see where"
        ) from error


def _from_file(path: Path) -> ModuleType:
    # Under a name of its own, so that a file called `json.py` replaces nothing; what lies beside it can be imported.
    spec = spec_from_file_location(f"{path.stem}_{hashlib.sha256(bytes(path)).hexdigest()[:12]}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module
