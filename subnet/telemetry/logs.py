# SPDX-License-Identifier: Apache-2.0
"""Log lines of a service: one JSON object each for machines, or a line for people, always on stderr.

Packages log through the standard library and know nothing of this. A line carries what happened and what it was about
(`request`, `caller`, `query`) in fields of its own, so that nobody has to cut numbers out of sentences. Lines are made
and written in a thread: whoever reads stderr and stops reading must not stop the service.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Final

from subnet.telemetry.fields import Veil, printable
from subnet.telemetry.writer import Writer

if TYPE_CHECKING:
    from structlog.typing import Processor

__all__ = ["log_to"]

_OURS: Final = ("subnet", "miners", "validators", "protocols")
_QUIET: Final = ("uvicorn", "uvicorn.error", "uvicorn.access")
"""What would write a line for each malformed request of a stranger; our own server counts those."""


def log_to(stream: IO[str], *, level: str = "info", json: bool = False, secrets: Iterable[str] = ()) -> Writer:
    """Write the log lines of our packages, from this level up, and warnings of all others, to a stream.

    No line shows any of `secrets`, nor a field whose name is that of one.
    """
    writer = Writer(stream, _formatter(is_coloured=stream.isatty(), json=json), Veil(secrets))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        if isinstance(old, Writer):
            old.close()
    root.addHandler(writer)
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # A library's warning would otherwise stand between the lines in a form of its own.
    logging.captureWarnings(True)
    return writer


def _formatter(*, is_coloured: bool, json: bool) -> logging.Formatter:
    import structlog

    # Never rich's way of showing exceptions: it prints local variables, among which are keys.
    last: Processor = structlog.dev.ConsoleRenderer(
        colors=is_coloured, timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
    )
    if json:
        last = structlog.processors.JSONRenderer()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _timed,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            printable,
            last,
        ],
    )


def _timed(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # When it happened, which is earlier than when a thread comes to write it.
    happened = datetime.fromtimestamp(line["_record"].created, UTC)
    line["time"] = happened.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return line
