# SPDX-License-Identifier: Apache-2.0
"""What a subnet is: one class, which the miner, the validator, the local network and the simulation all run.

Its designer says what is asked, how it is answered and what an answer is worth. How miners are picked, how scores move,
how they become weights and who may call has a default each, and each can be replaced alone. A definition that cannot
work is refused when Python reads the class, not when a validator has been running for a day.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from protocols.balance import RAO
from protocols.columns import Flags, Floats
from protocols.dialect import Caller
from protocols.errors import InvalidSubnet, Unregistered
from protocols.judgement import Judgement, judged
from protocols.keys import short
from protocols.metagraph import Metagraph, Neuron
from protocols.organic import Prompt, Texts, task_of
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Hotkey

__all__ = ["Subnet"]

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_MAX_NAME: Final = 48
_MAX_VERSION: Final = 2**64 - 1  # the chain's version key


class Subnet(ABC):
    """Base of every subnet definition.

    class Echo(Subnet):
        name, version = "echo", 1
        synapse = Ask

        async def tasks(self, ctx):
            yield Task(Ask(prompt="hello"), reference="hello")

        async def answer(self, ask, ctx):
            return Ask.Reply(text=ask.prompt)

        def score(self, task, replies):
            return [float(text == task.reference) for text in replies.texts]
    """

    name: ClassVar[str]
    version: ClassVar[int]
    """Raised with each change that makes scores differ; validators of one version agree."""
    synapse: ClassVar[type[Synapse]]
    alpha: ClassVar[float] = 0.1
    """How far one round's reward moves a score."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _check_attributes(cls)
        for method, shape in _SHAPES.items():
            _check_method(cls, method, shape)

    @classmethod
    def ref(cls) -> str:
        """The name and version as one word: `echo@1`."""
        return f"{cls.name}@{cls.version}"

    @property
    def is_streaming(self) -> bool:
        """Whether `answer` gives a reply in several items."""
        return inspect.isasyncgenfunction(self.answer)

    @abstractmethod
    def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        """Make challenges: an async generator that the validator draws from, and starts again at its end."""

    @abstractmethod
    def answer(self, ask: Any, ctx: AnswerContext) -> Awaitable[Any] | AsyncIterator[Any]:
        """Do the miner's work: a coroutine that returns a reply, or an async generator that streams several."""

    @abstractmethod
    def score(self, task: Task, replies: Replies) -> Sequence[float] | Floats | Judgement:
        """Say what each reply is worth, from 0 to 1, in the order of the replies, and with `Judgement` also why."""

    def sample(self, metagraph: Metagraph, rng: np.random.Generator, k: int, me: Hotkey) -> Sequence[Hotkey]:
        """Pick whom to ask: at most `k` of all others that can be reached, each as likely as the next."""
        published = zip(metagraph.hotkeys, metagraph.endpoints, strict=True)
        others = [hotkey for hotkey, endpoint in published if endpoint is not None and hotkey != me]
        return [others[at] for at in rng.permutation(len(others))[:k].tolist()]

    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        """Move the scores, (N,), by a round's rewards; who was not asked keeps its score, a newcomer starts at 0."""
        return np.where(asked, scores + self.alpha * (rewards - scores), scores)

    def weigh(self, scores: Floats) -> Floats:
        """Turn scores, (..., N), into weights that sum to 1; all zero where no score is above zero."""
        total = scores.sum(axis=-1, keepdims=True)
        weights: Floats = np.divide(scores, total, out=np.zeros_like(scores), where=total > 0)
        return weights

    def policy(self, caller: Caller, neuron: Neuron | None) -> None:
        """Let a caller in, or raise `NotAdmitted`; `neuron` is its row of the metagraph, if it has one."""
        if neuron is None:
            raise Unregistered(f"hotkey {short(caller.hotkey)} is not registered on the subnet of {self.name}")

    def priority(self, caller: Caller, neuron: Neuron | None) -> float:
        """How urgent a caller's query is, by default its stake in tao: twice as much is served a second earlier."""
        return 0.0 if neuron is None else neuron.stake / RAO

    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        """The same question in words for one miner alone, with its canary if it has one; by default just as it is."""
        return task

    def likeness(self, replies: Replies) -> Floats:
        """How surely each two replies are one answer, (N, N) from 0 to 1; by default 1 where they are equal."""
        items = [row.items for row in replies]
        alike = [[bool(one) and one == other for other in items] for one in items]
        return np.array(alike, dtype=np.float64).reshape(len(items), len(items))

    def organic(self, query: Prompt | Texts) -> Task:
        """The task that a user's question makes, with no reference; `NotOffered` where users cannot be served."""
        return task_of(self.synapse, query)

    def judge(self, task: Task, replies: Replies) -> Judgement:
        """What `score` says, held to its promise: a number from 0 to 1 for each reply, and 0 where none came."""
        return judged(self.ref(), self.score(task, replies) if len(replies) else (), replies)

    def rewards(self, task: Task, replies: Replies) -> Floats:
        """The rewards alone of `judge`."""
        return np.asarray(self.judge(task, replies).rewards)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a method has to look, and for which words it is written."""

    wanted: str
    header: str
    arguments: int
    required: bool = False

    def fits(self, method: Any) -> bool:
        """Whether it can be called, and is of the wanted kind."""
        generator, coroutine = inspect.isasyncgenfunction(method), inspect.iscoroutinefunction(method)
        kinds = {_GENERATOR: generator, _ASYNC: generator or coroutine, _PLAIN: not (generator or coroutine)}
        return callable(method) and kinds[self.wanted]


_GENERATOR: Final = "an async generator"
_ASYNC: Final = "async def"
_PLAIN: Final = "a plain method"
_SHAPES: Final = {
    "tasks": _Shape(_GENERATOR, "async def tasks(self, ctx): yield Task(...)", 1, required=True),
    "answer": _Shape(_ASYNC, "async def answer(self, ask, ctx): return Ask.Reply(...)", 2, required=True),
    "score": _Shape(_PLAIN, "def score(self, task, replies): return [...]", 2, required=True),
    "sample": _Shape(_PLAIN, "def sample(self, metagraph, rng, k, me): ...", 4),
    "aggregate": _Shape(_PLAIN, "def aggregate(self, scores, rewards, asked): ...", 3),
    "weigh": _Shape(_PLAIN, "def weigh(self, scores): ...", 1),
    "policy": _Shape(_PLAIN, "def policy(self, caller, neuron): ...", 2),
    "variant": _Shape(_PLAIN, "def variant(self, task, rng): return Task(...)", 2),
    "likeness": _Shape(_PLAIN, "def likeness(self, replies): ...", 1),
    "organic": _Shape(_PLAIN, "def organic(self, query): return Task(...)", 1),
    "priority": _Shape(_PLAIN, "def priority(self, caller, neuron): return 1.0", 2),
}


def _check_attributes(cls: type[Subnet]) -> None:
    owner = cls.__qualname__
    name, version, synapse = (getattr(cls, attribute, None) for attribute in ("name", "version", "synapse"))
    if not isinstance(name, str) or len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise InvalidSubnet(
            f"{owner}.name is {name!r}, expected lower-case words joined by dashes", help='name = "my-subnet"'
        )
    if type(version) is not int or not 1 <= version <= _MAX_VERSION:
        raise InvalidSubnet(f"{owner}.version is {version!r}, expected a whole number from 1 up", help="version = 1")
    if not (isinstance(synapse, type) and issubclass(synapse, Synapse) and hasattr(synapse, "Reply")):
        raise InvalidSubnet(
            f"{owner}.synapse is {synapse!r}, expected a subclass of Synapse with a Reply",
            help="synapse = Ask, where Ask is the class of your queries",
        )
    if not 0.0 < cls.alpha <= 1.0:
        raise InvalidSubnet(f"{owner}.alpha is {cls.alpha}, expected above 0 and at most 1", help="alpha = 0.1")


def _check_method(cls: type[Subnet], name: str, shape: _Shape) -> None:
    owner, given = cls.__qualname__, inspect.getattr_static(cls, name)
    if shape.required and given is inspect.getattr_static(Subnet, name):
        raise InvalidSubnet(f"{owner} does not define {name}", help=shape.header)
    # Bound as an instance would see it, so that a static method counts its arguments like any other.
    method = given.__get__(cls, cls) if hasattr(given, "__get__") else given
    if not shape.fits(method):
        raise InvalidSubnet(f"{owner}.{name} is not {shape.wanted}", help=shape.header)
    try:
        inspect.signature(method).bind(*range(shape.arguments))
    except TypeError:
        raise InvalidSubnet(
            f"{owner}.{name} takes {inspect.signature(method)}, expected {shape.arguments} arguments besides self",
            help=shape.header,
        ) from None
