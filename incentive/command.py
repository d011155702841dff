# SPDX-License-Identifier: Apache-2.0
"""What the two module commands of this package share: reading files of recorded truth, and how they end.

Files are JSON, gzipped or not, and come from anywhere: what is not such a file is refused with one typed error, however
it is broken. Nothing else in the package reads or prints.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from protocols.errors import SubnetError, UnreadableCase

__all__ = ["BROKEN", "document", "run"]

_GZIP: Final = b"\x1f\x8b"

BROKEN: Final = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""What reading a field raises where a file does not keep to its format."""


def document(path: Path) -> Mapping[str, Any]:
    """The object that a file holds."""
    try:
        raw = path.read_bytes()
        content = json.loads(gzip.decompress(raw) if raw.startswith(_GZIP) else raw)
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise UnreadableCase(f"{path}: {error}", help=f"see what it is: file {path}") from error
    if not isinstance(content, dict):
        raise UnreadableCase(f"{path} holds a {type(content).__name__}, expected an object")
    return content


def run(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Run a command to its exit code: 2 where a file cannot be read, 1 where nobody reads what is printed."""
    try:
        return main(arguments)
    except SubnetError as error:
        sys.stderr.write(error.render() + "\n")
        return 2
    except BrokenPipeError:
        # Else the interpreter complains again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
