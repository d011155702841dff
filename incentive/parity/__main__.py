# SPDX-License-Identifier: Apache-2.0
"""`python -m incentive.parity FILE...`: run recorded cases of the chain again, and say how far off each field is.

The one place of this package that reads files and prints. One JSON line a field on standard output, with the largest
difference over all cases; the exit code is 0 only if every difference is within its tolerance, which is 0 but for
`--float`. 2 means that a file could not be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from incentive.command import BROKEN, document, run
from incentive.consensus.arithmetic import FIXED, GRID, Arithmetic
from incentive.emission.halving import block_emission
from incentive.emission.registration import burn_decay_factor
from incentive.fixed import exp
from incentive.parity.cases import TOLERANCES, alpha_sigmoid, head, recorded, runtime185
from incentive.parity.compare import Field
from protocols.errors import UnreadableCase

_FORMATS: Final = """formats, as JSON or gzipped JSON:
  {"cases": [{"id", "in": {...}, "out": {...}}]}   an epoch of the latest source (its "in" has "mech"), or of spec 185
  {"block_emission[...]": [[...]], ...}            tables of functions: rows of arguments with the result last
"""
_TABLES: Final[Mapping[str, Callable[..., int]]] = {
    "alpha_sigmoid_bits": alpha_sigmoid,
    "block_emission": block_emission,
    "burn_decay_factor_q32": burn_decay_factor,
    "exp_safe_I32F32_bits": exp,
}


def main(arguments: Sequence[str]) -> int:
    """Compare every file; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m incentive.parity",
        description="Run recorded cases of the chain again and print how far off each field is, as JSON lines.",
        epilog=_FORMATS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument(
        "--float",
        action="store_true",
        help="in float64, floored as the chain floors: columns may differ by 1/65535, trust by 2; amounts are left out",
    )
    given = parser.parse_args(arguments)
    reports = [_report(path, GRID if given.float else FIXED) for path in given.files]
    return 0 if all(reports) else 1


def _report(path: Path, numbers: Arithmetic) -> bool:
    content = document(path)
    try:
        fields = list(_cases(content, numbers) if "cases" in content else _tables(content))
    except BROKEN as error:
        raise UnreadableCase(f"{path}: a case is not in the format: {type(error).__name__} {error}") from error
    if not fields:
        raise UnreadableCase(f"{path} has no cases")
    for field in fields:
        sys.stdout.write(json.dumps({"file": str(path), **field.to_dict()}) + "\n")
    return all(field.ok for field in fields)


def _cases(content: Mapping[str, Any], numbers: Arithmetic) -> Iterator[Field]:
    """Each recorded field over all cases; one that was recorded and is not computed is an error, not a pass."""
    fields: dict[str, Field] = {}
    for case in content["cases"]:
        computed = (head if "mech" in case["in"] else runtime185)(case, numbers)
        for name, value in recorded(case, numbers).items():
            if name in computed or numbers is FIXED:
                field = fields.setdefault(name, Field(name, 0 if numbers is FIXED else TOLERANCES.get(name, 1)))
                field.add(str(case["id"]), computed[name], value)
    yield from fields.values()


def _tables(content: Mapping[str, Any]) -> Iterator[Field]:
    for title, rows in content.items():
        name = title.partition("[")[0]
        if name not in _TABLES:
            raise UnreadableCase(f"there is no function {name!r}, expected one of {', '.join(_TABLES)}")
        field = Field(name)
        for *arguments, recorded_value in rows:
            field.add(str(arguments), _TABLES[name](*arguments), recorded_value)
        yield field


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:]))
