# SPDX-License-Identifier: Apache-2.0
"""`subnet explain`: the error catalogue at the prompt, where the person who has just seen a code is.

Everything it says is read from the error classes themselves, so no error can lack its explanation or outgrow it.
"""

from __future__ import annotations

import difflib
from typing import Annotated, NamedTuple

from cyclopts import Parameter

from protocols.errors import (
    CATALOGUE,
    AuthError,
    HandlerError,
    MessageError,
    Refusal,
    SubnetError,
    UnknownErrorCode,
)
from subnet.cli.answer import Answer

__all__ = ["Entry", "entries", "run"]

_ANSWERS = (AuthError, MessageError, Refusal, HandlerError)


class Entry(NamedTuple):
    """One error as its catalogue describes it.

    `status` is what a server answers with, for the errors that a request can meet there; `exit_code` is that of a
    program which ends with it; `kinds` are the branches to catch, the widest first.
    """

    code: str
    status: int | None
    meaning: str
    help: str
    exit_code: int
    kinds: list[str]


def entries() -> list[Entry]:
    """The whole catalogue, by code."""
    return [_entry(CATALOGUE[code]) for code in sorted(CATALOGUE)]


def run(code: Annotated[str | None, Parameter(help="A code, or the name of an error's class.")] = None, /) -> Answer:
    """Explain the error of this code, or list all codes with what they mean."""
    if code is None:
        listed = entries()
        return Answer(_table(listed), [entry._asdict() for entry in listed])
    found = _find(code)
    return Answer(_page(found), found._asdict())


def _entry(cls: type[SubnetError]) -> Entry:
    kinds = [kind.__name__ for kind in reversed(cls.__mro__) if issubclass(kind, SubnetError)]
    status = cls.status if issubclass(cls, _ANSWERS) else None
    return Entry(cls.code, status, " ".join((cls.__doc__ or "").split()), cls.advice, cls.exit_code, kinds)


def _find(code: str) -> Entry:
    if code in CATALOGUE:
        return _entry(CATALOGUE[code])
    # People paste class names from tracebacks as often as codes from messages.
    by_class = {cls.__name__: cls for cls in CATALOGUE.values()}
    if code in by_class:
        return _entry(by_class[code])
    near = difflib.get_close_matches(code.lower().replace("-", "_"), CATALOGUE, n=1)
    raise UnknownErrorCode(
        f"no error has the code {code!r}", help=f"did you mean: subnet explain {near[0]}" if near else None
    )


def _table(listed: list[Entry]) -> str:
    width = max(len(entry.code) for entry in listed)
    return "\n".join(f"{entry.code:{width}}  {entry.meaning}" for entry in listed)


def _page(entry: Entry) -> str:
    lines = [f"{entry.code}: {entry.meaning}", ""]
    lines += [f"  help:   {entry.help}"] if entry.help else []
    lines += [f"  HTTP:   {entry.status}"] if entry.status else []
    lines += [f"  exit:   {entry.exit_code}"]
    lines += [f"  class:  {' > '.join(entry.kinds)}"]
    return "\n".join(lines)
