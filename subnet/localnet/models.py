# SPDX-License-Identifier: Apache-2.0
"""What the miners of a local network work with: the models that are bundled, or toys that need no weights.

All miners of one process share the engines, as the requests of one miner do: their answers join one running batch. What
makes good miners differ is how freely each chooses its words, and whose numbers it draws. In lockstep toys answer: how
a batch is put together depends on the moment, and with it the last bit of a sum, which may turn a word.
"""

from __future__ import annotations

import zlib
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, TypeAlias

from miners.engines.engine import Engine
from miners.engines.lent import Lent
from miners.engines.plain import Plain
from protocols.errors import ModelUnloadable
from protocols.model import Sampling
from subnet.localnet.casting import Part
from subnet.text import Extractive

__all__ = ["Kind", "Models", "chosen"]

Kind: TypeAlias = Literal["auto", "bundled", "toy"]

# In an installed package they lie beside the code, in a checkout at its top.
_FOLDERS: Final = tuple(Path(__file__).parents[up] / name / "models" for up, name in ((1, "_configs"), (2, "configs")))
_BAD: Final = frozenset({"weak"})
_CALM: Final = 0.4
_SPREAD: Final = 1.6


def chosen(kind: Kind, *, lockstep: bool) -> Kind:
    """What `auto` comes to on this machine: models where they can run, except in lockstep."""
    if kind != "auto":
        return kind
    return "toy" if lockstep or find_spec("torch") is None else "bundled"


class Models:
    """The models of one network."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._good: Engine | None = None
        self._bad: Engine | None = None

    async def open(self, stack: AsyncExitStack) -> None:
        """Load what is needed, for as long as the stack lasts."""
        if self._kind != "bundled":
            return
        from miners.engines.transformers import Setup, Transformers

        folder = next((place for place in _FOLDERS if place.is_dir()), None)
        if folder is None:
            raise ModelUnloadable(f"the bundled models are not in {_FOLDERS[0]}", help="subnet run --model toy")
        # These models are so small that a second thread would wait for the first most of the time.
        setup = Setup(threads=1)
        self._good, self._bad = (Transformers(str(folder / name), setup) for name in ("reader", "beginner"))
        for engine in (self._good, self._bad):
            stack.push_async_callback(engine.close)
            await engine.start()

    def engine(self, part: Part) -> Engine:
        """What a part works with."""
        shared = self._bad if part.role in _BAD else self._good
        return Plain(Extractive(skill=part.skill, seed=_seed(part))) if shared is None else Lent(shared)

    def sampling(self, part: Part) -> Sampling:
        """How a part chooses its words: the less skilled, the more freely; sybils all choose alike."""
        seed = _seed(part) if part.role == "sybil" else None
        return Sampling(temperature=_CALM + _SPREAD * (1.0 - part.skill), seed=seed)


def _seed(part: Part) -> int:
    return zlib.crc32((part.role if part.role == "sybil" else part.name).encode())
