# SPDX-License-Identifier: Apache-2.0
"""Engines by name: those of ours, and those that installed packages offer, each imported only when it is wanted.

A package offers an engine through the entry point group `subnet.engines`; its class has a classmethod `opened`, which
makes one from an operator's choices.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final

from miners.engines.engine import Engine
from protocols.errors import UnknownEngine

__all__ = ["BUILT_IN", "EngineOptions", "GROUP", "engine_names", "open_engine"]

GROUP: Final = "subnet.engines"

BUILT_IN: Final[Mapping[str, str]] = {
    "echo": "miners.engines.echo:Echo",
    "function": "miners.engines.function:Function",
    "openai": "miners.engines.openai:OpenAI",
    "sklearn": "miners.engines.sklearn:Sklearn",
    "transformers": "miners.engines.transformers:Transformers",
}
"""Where the engines of ours live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What an operator chooses about an engine; each engine reads what concerns it."""

    model: str = ""
    """A folder, hub:NAME, a model's name at a server, or module:function, as the engine wants it."""
    device: str = "auto"
    """cpu, cuda, or auto."""
    dtype: str = "auto"
    """float32, bfloat16, float16, or auto: as the weights are stored, on a processor float32."""
    batch: int = 32
    """Jobs that are worked on at once."""
    waiting: int = 1024
    """Jobs that may wait for a place."""
    context: int = 0
    """Tokens that a prompt and its answer may have together; 0 for as many as the model can."""
    threads: int = 0
    """Threads that a model computes with; 0 leaves it to the library."""
    url: str = ""
    """Where a server is asked."""
    api_key: str = ""
    """What that server wants to be shown; never logged."""

    def __repr__(self) -> str:
        return f"EngineOptions(model={self.model!r}, device={self.device!r}, url={self.url!r})"


def engine_names() -> tuple[str, ...]:
    """All names that `open_engine` knows."""
    return tuple(sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))}))


def open_engine(name: str, options: EngineOptions) -> Engine:
    """The engine of this name, not started; raises `UnknownEngine`, or what it says of its options."""
    if name not in engine_names():
        near = difflib.get_close_matches(name, engine_names(), n=1)
        raise UnknownEngine(
            f"no engine {name!r}, expected one of {', '.join(engine_names())}",
            help=f"did you mean: --engine {near[0]}" if near else None,
        )
    try:
        engine: Engine = _found(name).opened(options)
    except (ImportError, AttributeError) as error:
        # Of a package that is damaged, or that needs another which is not there.
        raise UnknownEngine(
            f"engine {name!r} cannot be imported: {error}", help="see what is missing: pip check"
        ) from error
    return engine


def _found(name: str) -> Any:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)
    return next(iter(entry_points(group=GROUP, name=name))).load()
