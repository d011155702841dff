# SPDX-License-Identifier: Apache-2.0
"""What a command returns, or yields as it works: an answer in two forms, so that no command decides about `--json`."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Answer"]


class Answer(NamedTuple):
    """The answer as a person reads it, as plain data that JSON can carry, and whether it is a good one.

    An answer that is not ok (a check that found something) is printed like any other and makes the exit code 1.
    """

    text: str
    data: object
    ok: bool = True
