# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.bench [NAME ...]`: a line of JSON a figure, a table at the end, exit 1 where a bar is missed."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import tests.bench
from tests.bench.harness.figure import Bar, Figure, table
from tests.bench.harness.peer import PeerFailed

Source = Callable[[], Iterator[Figure]]


def sources() -> dict[str, Source]:
    """Every module of this package that measures something, by name."""
    names = [module.name for module in pkgutil.iter_modules(tests.bench.__path__) if not module.ispkg]
    plain = [name for name in names if not name.startswith(("_", "test_")) and name != "ours"]
    modules = {name: importlib.import_module(f"tests.bench.{name}") for name in plain}
    return {name: module.figures for name, module in modules.items() if hasattr(module, "figures")}


def measure(chosen: Iterable[tuple[str, Source]]) -> Iterator[Figure]:
    """All figures of the chosen modules; what could not be measured is a missed bar, and the rest goes on."""
    for name, source in chosen:
        try:
            yield from source()
        except PeerFailed as failure:
            yield Figure(name, None, Bar("==", 0), {"error": str(failure)})


def report(figures: Iterable[Figure]) -> int:
    """Print figures as they come and a table at the end; the exit code."""
    seen = []
    for figure in figures:
        print(figure.line(), flush=True)
        seen.append(figure)
    print(table(seen), file=sys.stderr)
    return 0 if all(figure.ok for figure in seen) else 1


def main(names: Sequence[str]) -> int:
    """Measure what was named, or everything."""
    known = sources()
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}: there are {', '.join(known)}", file=sys.stderr)
        return 2
    return report(measure((name, known[name]) for name in names or known))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
