# SPDX-License-Identifier: Apache-2.0
"""What may stand in a log line: nothing that ends the line or drives a terminal, and no secret.

Parts of lines come from strangers, who must not be able to write a line of their own. And a secret that got into a
message, by whatever mistake, must not get into a file that is copied about.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

__all__ = ["HIDDEN", "Veil", "printable"]

HIDDEN: Final = "***"

_SECRET: Final = re.compile(r"password|passphrase|mnemonic|phrase|secret|api_?key|private_?key|authorization|seed")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/@\"']+@|(?<=Bearer )[\w.~+/=-]+")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SEVERAL_LINES: Final = frozenset({"exception", "stack"})
_LEAST: Final = 4
"""A shorter secret is none, and hiding it would blot out half of every line."""


class Veil:
    """Hides secrets that are known, and what stands where secrets stand, in a line that is ready."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {one for one in secrets if len(one) >= _LEAST}
        spelled = known | {json.dumps(one)[1:-1] for one in known} | {repr(one)[1:-1] for one in known}
        # The longest first: one may be part of another.
        self._secrets = sorted(spelled, key=len, reverse=True)

    def __call__(self, line: str) -> str:
        """The line without them."""
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return _CREDENTIALS.sub(lambda found: f"{HIDDEN}@" if found[0].endswith("@") else HIDDEN, line)


def printable(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The fields of a line as a reader may see them."""
    for name, value in line.items():
        if _SECRET.search(name.lower()):
            line[name] = HIDDEN
        elif isinstance(value, str):
            controls = _CONTROLS_IN_TEXT if name in _SEVERAL_LINES else _CONTROLS
            line[name] = controls.sub(_escaped, value)
        elif isinstance(value, float) and not math.isfinite(value):
            line[name] = str(value)  # JSON has no such number
    return line


def _escaped(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]
