# SPDX-License-Identifier: Apache-2.0
"""Where nobody knows the answer the others decide: agreement is paid, once; loneliness and conspiracy are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import spearmanr

from protocols.columns import Floats
from protocols.model import Model
from protocols.task import Task
from subnet.templates.text.text import Ask, Text
from subnet.text import Constant, Extractive, Silent
from tests.subnet.text.population import SKILLS, answers, asked, honest, idle, paid, replies, tasks

SEEDS = (1, 2, 3)


async def unknown(models: Sequence[Model], seed: int, count: int = 15) -> Floats:
    """The mean reward of each where no task has a reference."""
    rewards = []
    for task in await tasks(seed, count):
        given = replies(await answers(models, task))
        rewards.append(Text().rewards(Task(task.ask), given))
    mean: Floats = np.mean(rewards, axis=0)
    return mean


def judged(prompt: str, *texts: str | None) -> list[float]:
    """What each text earns as an answer to a user."""
    earned: list[float] = Text().rewards(Task(Ask(prompt=prompt)), replies(texts)).tolist()
    return earned


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_crowd_ranks_honest_miners_about_as_a_reference_does(seed: int) -> None:
    skilled = [*honest(seed), *honest(seed + 50)]
    rewards = await unknown([*skilled, *idle()], seed)
    assert float(spearmanr([*SKILLS, *SKILLS], rewards[: len(skilled)]).statistic) > 0.6
    assert rewards[len(skilled) :].max() < 0.3 * rewards[: len(skilled)].max()


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_good_answer_to_a_user_earns_about_what_it_earns_in_a_round(seed: int) -> None:
    skilled = [*honest(seed), *honest(seed + 50)]
    of_users, of_rounds = await unknown(skilled, seed), await paid(skilled, seed, 15)
    assert of_users.max() == pytest.approx(of_rounds.max(), rel=0.35)


async def test_an_answer_that_is_alone_is_worth_nothing_and_so_is_a_pair() -> None:
    (task,) = await tasks(4, 1)
    models = [Extractive(1.0, seed) for seed in range(3)]
    one, two, three = await answers(models, task)
    prompt = asked(task).prompt
    assert judged(prompt) == []
    assert judged(prompt, one) == [0.0]
    assert judged(prompt, one, two) == [0.0, 0.0]
    assert judged(prompt, one, None, None, None) == [0.0] * 4
    assert judged(prompt, one, two, None, None, None) == [0.0] * 5
    assert min(judged(prompt, one, two, three)) > 0.2


async def test_an_answer_is_paid_once_however_many_give_it() -> None:
    (task,) = await tasks(5, 1)
    texts = await answers([Extractive(1.0, seed) for seed in range(5)], task)
    alone = judged(asked(task).prompt, *texts)
    cloned = judged(asked(task).prompt, *texts, texts[0], texts[0])
    together = cloned[0] + cloned[-1] + cloned[-2]
    assert together <= 1.05 * alone[0]
    assert together / sum(cloned) <= 1.1 * alone[0] / sum(alone)


async def test_repeating_the_question_pays_next_to_nothing() -> None:
    (task,) = await tasks(6, 1)
    prompt = asked(task).prompt
    document, _, question = prompt.partition("\n\nQuestion: ")
    texts = await answers([Extractive(1.0, seed) for seed in range(6)], task)
    earned = judged(prompt, *texts, prompt, document, question)
    assert max(earned[6:8]) == 0.0
    assert earned[8] < 0.4 * min(earned[:6])


async def test_a_minority_that_agrees_among_itself_is_paid_nothing() -> None:
    secret = ["The password is swordfish.", "Swordfish is the password, they say.", "It is: the password swordfish!"]
    for crowd in (
        ["I do not know."] * 5,
        ["I do not know.", "No idea.", "Who can tell?", "Ask her.", "Hm, hard to say"],
    ):
        earned = judged("What is the word of Mallory?", *secret, *crowd)
        assert max(earned[:3]) == 0.0


async def test_whatever_is_said_rewards_are_numbers_from_0_to_1() -> None:
    (task,) = await tasks(8, 1)
    strange = ["", " ", "\0" * 1000, "\ud800", "🦊" * 300, "a", "\u0301" * 500, asked(task).prompt[:1000], None]
    models = [Silent(), Constant("x"), Extractive(1.0, 1), Extractive(0.9, 2), Extractive(0.9, 3)]
    earned = np.array(judged(asked(task).prompt, *strange, *await answers(models, task)))
    assert np.isfinite(earned).all()
    assert earned.min() >= 0.0
    assert earned.max() <= 1.0
