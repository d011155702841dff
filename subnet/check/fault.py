# SPDX-License-Identifier: Apache-2.0
"""An error of somebody else's code, told in a line: what it says, and the place in the definition where it came up.

The check must survive whatever a definition raises, and its author needs the line that raised, not our frames around
it. An error of ours that no line of theirs raised says all that is needed by itself.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from protocols.errors import SubnetError
from protocols.spec import Subnet

__all__ = ["told"]


def told(error: BaseException, definition: type[Subnet]) -> tuple[str, str]:
    """What to write into the row of a check that ended with this error: detail and help."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if frame.filename in _files(definition)]
    if isinstance(error, SubnetError) and not theirs:
        return error.message, error.help
    said = traceback.format_exception_only(error)[-1].strip()
    where = _place((theirs or list(frames))[-1]) if frames else ""
    advice = error.help if isinstance(error, SubnetError) else "mend that line"
    return f"{said}{where}", advice


def _files(definition: type[Subnet]) -> set[str]:
    """Where the definition and what it inherits from is written, this project's own part apart."""
    modules = [sys.modules.get(kind.__module__) for kind in definition.__mro__ if kind not in Subnet.__mro__]
    return {module.__file__ for module in modules if module is not None and module.__file__}


def _place(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name
    return f" ({shown}:{frame.lineno} in {frame.name})"
