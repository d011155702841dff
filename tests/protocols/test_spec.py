# SPDX-License-Identifier: Apache-2.0
"""A subnet is forty lines, its defaults do what their sentences say, and one that cannot work is refused at once."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import synapse
from protocols.clock import Clock, VirtualClock
from protocols.columns import Floats
from protocols.dialect import Caller
from protocols.endpoint import Endpoint
from protocols.errors import InvalidSubnet, NotAdmitted
from protocols.metagraph import Metagraph, Neuron
from protocols.model import Model, Sampling
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Returned, Task, TaskContext
from protocols.types import Block, Coldkey, Hotkey, NetUid, Uid


class Ask(Synapse):
    prompt: str

    class Reply(synapse.Reply):
        text: str


class Shout(Subnet):
    """Answer in capital letters."""

    name, version = "shout", 1
    synapse = Ask

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            word = "".join(ctx.rng.choice(list("abc"), 4))
            yield Task(Ask(prompt=word), reference=word.upper())

    async def answer(self, ask: Ask, ctx: AnswerContext) -> Ask.Reply:
        return Ask.Reply(text=await ctx.model.generate(ask.prompt, 8))

    def score(self, task: Task, replies: Replies) -> list[float]:
        return [float(text == task.reference) for text in replies.texts]


class Spell(Shout):
    name = "spell"

    async def answer(self, ask: Ask, ctx: AnswerContext) -> AsyncIterator[Ask.Reply]:  # type: ignore[override]
        for letter in ask.prompt:
            yield Ask.Reply(text=letter.upper())


class Capitals(Model):
    """A model that is good at one thing."""

    async def generate(self, prompt: str, max_tokens: int, sampling: Sampling | None = None) -> str:
        return prompt.upper()[:max_tokens]


CALLER = Caller("5Caller", 1, "btauth/1", "r1", b"")


def context(clock: Clock) -> AnswerContext:
    rng = np.random.default_rng(0)
    return AnswerContext(caller=CALLER, request_id="r1", model=Capitals(), rng=rng, clock=clock, deadline=5.0)


def returned(hotkey: str, *texts: str, elapsed_s: float = 1.0) -> Returned:
    return Returned(Hotkey(hotkey), tuple(Ask.Reply(text=text) for text in texts), elapsed_s)


async def drawn(subnet: Subnet, seed: int, count: int) -> list[Task]:
    tasks = subnet.tasks(TaskContext(np.random.default_rng(seed), VirtualClock()))
    return [await anext(tasks) for _ in range(count)]


async def test_a_definition_makes_answers_and_scores_its_own_tasks() -> None:
    subnet = Shout()
    (task,) = await drawn(subnet, 1, 1)
    reply = await subnet.answer(cast("Ask", task.ask), context(VirtualClock()))
    replies = Replies((Returned(Hotkey("good"), (reply,), 0.5), returned("bad", "?"), Returned(Hotkey("silent"))))
    assert subnet.rewards(task, replies).tolist() == [1.0, 0.0, 0.0]
    assert (subnet.ref(), subnet.is_streaming, Spell().is_streaming) == ("shout@1", False, True)


async def test_the_same_seed_makes_the_same_tasks() -> None:
    assert await drawn(Shout(), 1, 9) == await drawn(Shout(), 1, 9) != await drawn(Shout(), 2, 9)


async def test_the_time_that_remains_follows_the_clock() -> None:
    clock = VirtualClock()
    ctx = context(clock)
    await clock.advance(2.0)
    assert ctx.remaining_s == 3.0


def test_replies_are_read_in_columns_and_a_stream_as_one_text() -> None:
    replies = Replies((returned("a", "Y", "E", "S", elapsed_s=2.0), Returned(Hotkey("b"))))
    assert replies.hotkeys == ("a", "b")
    assert replies.texts == ("YES", "")
    assert replies.replies == (Ask.Reply(text="S"), None)
    assert replies.arrived.tolist() == [True, False]
    assert replies.elapsed_s.tolist() == [2.0, math.inf]
    assert [row.hotkey for row in replies] == [replies[0].hotkey, replies[1].hotkey]
    assert len(replies) == 2


def test_a_reply_that_never_came_is_worth_nothing_whatever_score_says() -> None:
    class Generous(Shout):
        def score(self, task: Task, replies: Replies) -> list[float]:
            return [1.0] * len(replies)

    replies = Replies((returned("a", "x"), Returned(Hotkey("b"))))
    assert Generous().rewards(Task(Ask(prompt="x")), replies).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ([0.5], r"score gave shape \(1,\), expected \(2,\)"),
        ([[0.5, 0.5]], r"score gave shape \(1, 2\)"),
        ([0.5, math.nan], "score gave nan at reply 1, expected 0 to 1"),
        ([1.5, 0.5], "score gave 1.5 at reply 0"),
        ([-0.1, 0.5], "score gave -0.1 at reply 0"),
        (["good", "bad"], "score gave list, expected numbers"),
        (None, "score gave shape"),
    ],
)
def test_rewards_that_are_no_rewards_are_refused(given_: Any, message: str) -> None:
    class Wrong(Shout):
        def score(self, task: Task, replies: Replies) -> Any:
            return given_

    with pytest.raises(InvalidSubnet, match=f"shout@1: {message}"):
        Wrong().rewards(Task(Ask(prompt="x")), Replies((returned("a", "x"), returned("b", "x"))))


def metagraph(endpoints: list[bool]) -> Metagraph:
    rows = [
        Neuron(Uid(uid), Hotkey(f"h{uid}"), Coldkey("c"), Endpoint("203.0.113.7", 80) if here else None)
        for uid, here in enumerate(endpoints)
    ]
    return Metagraph.of(NetUid(1), Block(1), rows)


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 12), st.integers(0, 99))
def test_a_sample_has_others_that_can_be_reached_each_once(endpoints: list[bool], k: int, seed: int) -> None:
    reachable = {f"h{uid}" for uid, here in enumerate(endpoints) if here} - {"h0"}
    picked = Shout().sample(metagraph(endpoints), np.random.default_rng(seed), k, Hotkey("h0"))
    assert len(picked) == len(set(picked)) == min(k, len(reachable))
    assert set(picked) <= reachable


def test_every_miner_is_as_likely_to_be_asked_as_the_next() -> None:
    rng, net = np.random.default_rng(0), metagraph([True] * 5)
    counts = dict.fromkeys(("h1", "h2", "h3", "h4"), 0)
    for _ in range(2000):
        for hotkey in Shout().sample(net, rng, 2, Hotkey("h0")):
            counts[hotkey] += 1
    assert all(900 < count < 1100 for count in counts.values())


def test_scores_move_toward_rewards_and_stay_where_nobody_was_asked() -> None:
    scores, asked = np.array([0.5, 0.5, 0.0]), np.array([True, False, True])
    moved = Shout().aggregate(scores, np.array([1.0, np.nan, 1.0]), asked)
    assert moved.tolist() == pytest.approx([0.55, 0.5, 0.1])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8))
def test_weights_sum_to_one_and_keep_the_order_of_scores(scores: list[float]) -> None:
    weights = Shout().weigh(np.array(scores))
    assert weights.sum() == pytest.approx(1.0 if sum(scores) else 0.0)
    assert all(
        weights[a] <= weights[b] for a in range(len(scores)) for b in range(len(scores)) if scores[a] <= scores[b]
    )


def test_many_validators_weights_are_made_at_once() -> None:
    assert Shout().weigh(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist() == [[0.25, 0.75], [0.0, 0.0]]


def test_only_the_registered_may_call() -> None:
    Shout().policy(CALLER, metagraph([True])[0])
    with pytest.raises(NotAdmitted, match="hotkey 5Caller is not registered on the subnet of shout"):
        Shout().policy(CALLER, None)


async def _coroutine(self: Any, *_: Any) -> None: ...


async def _generator(self: Any, *_: Any) -> AsyncIterator[None]:
    yield


def _plain(self: Any, *_: Any) -> None: ...


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"name": "Shout"}, "name is 'Shout', expected lower-case words"),
        ({"name": "a--b"}, "name is 'a--b'"),
        ({"name": "a" * 49}, "name is 'aaa"),
        ({"name": "a\n"}, "name is"),
        ({"name": None}, "name is None"),
        ({"version": 0}, "version is 0, expected a whole number from 1 up"),
        ({"version": True}, "version is True"),
        ({"version": "1"}, "version is '1'"),
        ({"synapse": Ask.Reply}, "synapse is .*expected a subclass of Synapse"),
        ({"synapse": Synapse}, "synapse is .*with a Reply"),
        ({"synapse": Ask(prompt="x")}, "synapse is Ask"),
        ({"alpha": 0.0}, "alpha is 0.0, expected above 0"),
        ({"tasks": _coroutine}, "tasks is not an async generator"),
        ({"tasks": _plain}, "tasks is not an async generator"),
        ({"answer": _plain}, "answer is not async def"),
        ({"score": _coroutine}, "score is not a plain method"),
        ({"score": 3}, "score is not a plain method"),
        ({"weigh": _generator}, "weigh is not a plain method"),
        ({"score": lambda self, task: []}, r"score takes \(task\), expected 2 arguments besides self"),
        ({"score": staticmethod(lambda task: [])}, "score takes"),
        ({"policy": lambda self, caller: None}, r"policy takes \(caller\), expected 2 arguments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_definition_that_cannot_work_is_refused_when_it_is_read(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSubnet, match=f"Broken.{message}") as caught:
        type("Broken", (Shout,), attributes)
    assert caught.value.help


@pytest.mark.parametrize("missing", ["tasks", "answer", "score"])
def test_what_only_the_designer_can_write_must_be_written(missing: str) -> None:
    whole = {name: vars(Shout)[name] for name in ("name", "version", "synapse", "tasks", "answer", "score")}
    with pytest.raises(InvalidSubnet, match=f"Broken does not define {missing}"):
        type("Broken", (Subnet,), {name: value for name, value in whole.items() if name != missing})


@pytest.mark.parametrize("wrap", [staticmethod, lambda function: function])
def test_a_method_may_be_static_and_have_defaults(wrap: Callable[[Any], Any]) -> None:
    plain = wrap is not staticmethod

    def with_self(self: Any, scores: Floats, power: int = 2) -> Floats:
        return scores**power

    def without(scores: Floats, power: int = 2) -> Floats:
        return scores**power

    kind = type("Squared", (Shout,), {"weigh": wrap(with_self if plain else without)})
    assert kind().weigh(np.array([0.5])).tolist() == [0.25]


async def test_a_streamed_answer_is_one_text() -> None:
    items = Spell().answer(Ask(prompt="ab"), context(VirtualClock()))
    row = Returned(Hotkey("a"), tuple([item async for item in items]))
    assert row.text == "AB"
