# SPDX-License-Identifier: Apache-2.0
"""Users' questions move scores, and whoever asks them cannot choose whose."""

from __future__ import annotations

import asyncio
from pathlib import Path

from protocols.clock import VirtualClock
from protocols.errors import ServiceError
from protocols.server import Context
from protocols.task import Returned, Task
from protocols.types import Hotkey
from subnet.text import Extractive, compose
from tests.validators.gateway.town import Ask, Say, Town, chance, eventually, saying, town
from validators.gateway.audits import Audits
from validators.gateway.options import GatewayOptions
from validators.query import Answer, Heard

ALL = GatewayOptions(audit=1.0, audit_every_s=0.0, explore=0.0)


def case(words: str) -> tuple[Task, Heard]:
    """A question and what one miner said."""
    task = Task(Ask(prompt=words))
    return task, Heard.of([Answer(Returned(Hotkey("a"), (Ask.Reply(text=words),), 0.1, 0.1, task))])


def audits(scored: list[str], clock: VirtualClock, share: float = 1.0, size: int = 8, every_s: float = 12.0) -> Audits:
    """Audits that only note what they would score."""

    async def judge(task: Task, given: Heard) -> None:
        scored.append(given.replies.texts[0])
        if scored[-1] == "bad":
            raise ServiceError("not this one")

    return Audits(judge, clock, chance(3), share=share, size=size, every_s=every_s)


async def test_users_questions_are_scored_no_more_often_than_the_validators_own() -> None:
    clock, scored = VirtualClock(), list[str]()
    made = audits(scored, clock)
    running = asyncio.create_task(made.run())
    for at in range(1200):
        made.offer(1, *case(f"flood {at}"))
        await clock.advance(0.1)
    running.cancel()
    assert 10 <= len(scored) <= 11  # in two minutes, one in 12 seconds
    assert 7 <= made.waiting <= 8
    assert made.outcomes == {"scored": len(scored), "failed": 0, "dropped": 1200 - made.waiting - len(scored)}


async def test_a_flood_drops_its_own_questions_and_each_key_has_its_turn() -> None:
    clock, scored = VirtualClock(), list[str]()
    made = audits(scored, clock, size=4)
    made.offer(2, *case("quiet"))
    for at in range(100):
        made.offer(1, *case(f"flood {at}"))
    made.offer(3, *case("late"))
    running = asyncio.create_task(made.run())
    await clock.advance(100)
    running.cancel()
    assert scored == ["quiet", "flood 98", "late", "flood 99"]


async def test_which_questions_count_is_drawn_and_one_that_fails_ends_nothing() -> None:
    clock, scored = VirtualClock(), list[str]()
    made = audits(scored, clock, share=0.25, size=10_000, every_s=0.0)
    for _ in range(1000):
        made.offer(1, *case("good"))
    assert 200 < made.waiting < 300
    made = audits(scored, clock, every_s=0.0)
    running = asyncio.create_task(made.run())
    for words in ("bad", "good"):
        made.offer(1, *case(words))
    await clock.advance(1)
    running.cancel()
    assert scored == ["bad", "good"]
    assert made.outcomes == {"scored": 1, "failed": 1, "dropped": 0}


def reading(seed: int) -> Say:
    """An honest miner with a voice of its own."""
    model = Extractive(skill=0.95, seed=seed)

    async def answer(ask: Ask, ctx: Context) -> Ask.Reply:
        return Ask.Reply(text=await model.generate(ask.prompt, ask.max_tokens))

    return answer


async def asking(place: Town, prompts: list[str]) -> None:
    """A user asks all of this, and everything is scored."""
    user = await place.member()
    for prompt in prompts:
        await user.completions.create(model="text", prompt=prompt)
    outcomes = place.gateway.desk.audits.outcomes
    await eventually(lambda: sum(outcomes.values()) == len(prompts), within_s=20.0)
    assert outcomes["scored"] == len(prompts)


async def test_good_answers_to_users_raise_a_score_and_garbage_lowers_it(tmp_path: Path) -> None:
    honest: dict[str, Say | None] = {f"good{at}": reading(at) for at in range(4)}
    before = {**dict.fromkeys(honest, 0.1), "garbage": 0.11}
    miners = {**honest, "garbage": saying("blue trees sing of the third bridge in march")}
    async with town(tmp_path, miners, options=ALL, scores=before) as place:
        await asking(place, [compose(chance(seed)).prompt for seed in range(6)])
        # Whoever was asked by the user and whoever was asked beside it.
        assert min([await place.score(name) for name in honest]) > 0.13
        assert await place.score("garbage") < 0.08


async def test_a_user_cannot_lift_miners_of_its_own_by_asking_what_only_they_know(tmp_path: Path) -> None:
    """The others do not know the secret, and say so in words of their own or all in the same."""
    secret = ["The password is swordfish, said Mallory.", "Mallory told me: swordfish is the password."]
    own: dict[str, Say | None] = {f"own{at}": saying(words) for at, words in enumerate(secret)}
    unknowing = ["I do not know.", "I do not know.", "I do not know.", "No idea, sorry about that."]
    others: dict[str, Say | None] = {f"good{at}": saying(words) for at, words in enumerate(unknowing)}
    before = {**dict.fromkeys(own, 0.3), **dict.fromkeys(others, 0.3)}
    async with town(tmp_path, {**own, **others}, options=ALL, scores=before) as place:
        await asking(place, [f"What is the password of Mallory? ({at})" for at in range(6)])
        gained = {name: await place.score(name) for name in before}
        assert max(gained[name] for name in own) < 0.3
        # Nor do they stand better beside the others than they did.
        assert sum(gained[name] for name in own) <= 1.01 * len(own) / len(before) * sum(gained.values())


async def test_miners_of_a_user_that_answer_its_questions_alone_are_paid_nothing_for_it(tmp_path: Path) -> None:
    """The user's question is such that the others cannot answer at all."""

    async def failing(ask: Ask, ctx: Context) -> Ask.Reply:
        raise ValueError(ask.prompt)

    own: dict[str, Say | None] = {"own0": saying("swordfish it is"), "own1": saying("the word is swordfish")}
    others: dict[str, Say | None] = {f"good{at}": failing for at in range(3)}
    before = {**dict.fromkeys(own, 0.3), **dict.fromkeys(others, 0.3)}
    async with town(tmp_path, {**own, **others}, options=ALL, scores=before) as place:
        await asking(place, [f"say it {at}" for at in range(4)])
        assert max([await place.score(name) for name in own]) < 0.3
