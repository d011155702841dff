# SPDX-License-Identifier: Apache-2.0
"""The root of the error tree and the catalogue that every error enters by being defined."""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CATALOGUE",
    "SubnetError",
]


class SubnetError(Exception):
    """Base of everything this project raises on purpose."""

    code: ClassVar[str] = "subnet_error"
    status: ClassVar[int] = 500
    """Of an HTTP response that says so."""
    exit_code: ClassVar[int] = 1
    """Of a program that ends with it: 2 for what was typed, 75 where starting it again may help, 78 where it cannot."""
    advice: ClassVar[str] = ""

    def __init__(self, message: str, *, help: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = self.advice if help is None else help
        self.retry_after_s = retry_after_s

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.code in CATALOGUE:
            raise TypeError(
                f"error code {cls.code!r} is taken by {CATALOGUE[cls.code].__name__}, wanted by {cls.__name__}"
            )
        CATALOGUE[cls.code] = cls

    def render(self) -> str:
        """The error as a person reads it on a terminal."""
        lines = [f"error[{self.code}]: {self.message}"]
        if self.help:
            lines.append(f"  help: {self.help}")
        lines.append(f"  see:  subnet explain {self.code}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, str]:
        """The error as a program reads it: the body of an HTTP error and of `--json` output."""
        return {"code": self.code, "message": self.message, "help": self.help}


CATALOGUE: dict[str, type[SubnetError]] = {SubnetError.code: SubnetError}
