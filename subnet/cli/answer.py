# SPDX-License-Identifier: Apache-2.0
"""What a command returns: one answer in two forms, so that `--json` is decided in one place and by no command."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Answer"]


class Answer(NamedTuple):
    """The answer as a person reads it, and as plain data that JSON can carry."""

    text: str
    data: object
