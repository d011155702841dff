# SPDX-License-Identifier: Apache-2.0
"""The bundled subnet keeps its promises: skill is paid, copies and silence are not, and nothing makes it stumble."""

from __future__ import annotations

import ast
import gc
import time

import numpy as np
import pytest
from scipy.stats import spearmanr

from incentive.similarity import calibrate
from protocols.codec import JSON
from protocols.columns import Floats
from protocols.errors import MessageError
from protocols.model import Model
from protocols.registry import load
from protocols.task import Replies, Returned, Task
from subnet.templates.text.text import Ask, Text
from subnet.text import Extractive, by_words, nearness, own_pairs
from tests.subnet.text.population import SKILLS, TEMPLATE, Reworded, answers, asked, honest, idle, paid, replies, tasks

SEEDS = (1, 2, 3)
SPLIT: Model = Extractive(skill=0.8, seed=77)
SYBILS: list[Model] = [Reworded(SPLIT, words=1, seed=seed) for seed in range(3)]


def ranked(rewards: Floats) -> float:
    """Spearman's correlation with the skills: 1, or .9 where two neighbours have changed places."""
    return round(float(spearmanr(SKILLS, rewards).statistic), 9)


@pytest.mark.parametrize("seed", SEEDS)
async def test_honest_miners_are_paid_in_the_order_of_their_skill(seed: int) -> None:
    rewards = await paid([*honest(seed), *idle(), *SYBILS], seed)
    assert ranked(rewards[: len(SKILLS)]) >= 0.9


@pytest.mark.parametrize("seed", SEEDS)
async def test_copiers_of_the_best_share_its_reward_and_add_nothing_to_it(seed: int) -> None:
    miners = honest(seed)
    alone = await paid([*miners, *idle(), *SYBILS], seed)
    copied = await paid([*miners, *idle(), *SYBILS, miners[0], miners[0]], seed)
    victim, copiers = copied[0], copied[-2:]
    together = victim + copiers.sum()
    assert together <= 1.05 * alone[0]
    assert together / copied.sum() <= 1.05 * alone[0] / alone.sum()
    assert copiers.max() <= victim
    # Counted as what it is, one answer that three miners gave, the best answer still is the best.
    assert ranked(np.array([together, *copied[1 : len(SKILLS)]])) >= 0.9


@pytest.mark.parametrize("seed", SEEDS)
async def test_silent_and_constant_miners_take_under_two_percent_of_the_pool(seed: int) -> None:
    rewards = await paid([*honest(seed), *idle()], seed)
    assert rewards[len(SKILLS) :].sum() < 0.02 * rewards.sum()


@pytest.mark.parametrize("seed", SEEDS)
async def test_sybils_with_one_answer_and_a_word_exchanged_earn_as_one(seed: int) -> None:
    one = await paid([*honest(seed), *idle(), SYBILS[0]], seed)
    three = await paid([*honest(seed), *idle(), *SYBILS], seed)
    assert three[-3:].sum() <= 1.10 * one[-1]
    assert three[-3:].sum() / three.sum() <= 1.10 * one[-1] / one.sum()


async def test_repeating_the_question_or_the_document_earns_less_than_the_worst_reader() -> None:
    worst, earned = honest(4)[-1], np.zeros(3)
    for task in await tasks(4, 30):
        document, _, question = asked(task).prompt.partition("\n\nQuestion: ")
        (read,) = await answers([worst], task)
        earned += Text().rewards(task, replies([question, document, read]))
    assert earned[0] < 0.1 * earned[2]
    assert earned[1] < 0.5 * earned[2]


async def test_the_band_is_that_of_answers_which_the_validator_wrote_itself() -> None:
    low, high = calibrate(by_words(), *own_pairs())
    assert Text.rule.tau0 == pytest.approx(low, abs=0.005)
    assert Text.rule.tau1 == pytest.approx(high, abs=0.005)


async def test_the_same_seed_gives_the_same_tasks_and_the_same_scores() -> None:
    first, again, other = await tasks(5, 3), await tasks(5, 3), await tasks(6, 3)
    assert first == again
    assert first != other
    assert (await paid(honest(5), 5, 3)).tolist() == (await paid(honest(5), 5, 3)).tolist()


async def test_the_order_of_the_replies_does_not_matter() -> None:
    (task,) = await tasks(7, 1)
    miners = [*honest(7), *idle(), *SYBILS, SPLIT]
    texts = await answers(miners, task)
    order = np.random.default_rng(7).permutation(len(texts))
    moved = Text().rewards(task, replies([texts[at] for at in order]))
    assert moved == pytest.approx(Text().rewards(task, replies(texts))[order], abs=1e-12)


async def test_whatever_comes_the_scores_are_numbers_from_0_to_1_and_a_miss_is_0() -> None:
    (task,) = await tasks(8, 1)
    (true,) = await answers([Extractive(1.0, 1)], task)
    strange = ["", " ", "\0" * 1000, "\ud800", "🦊" * 1000, "ﷺ" * 1000, "a", "\u0301" * 1000, task.reference.answer]
    rewards = Text().rewards(task, replies([None, *strange, true]))
    assert np.isfinite(rewards).all()
    assert rewards.min() >= 0.0
    assert rewards.max() <= 1.0
    assert rewards[0] == 0.0
    assert rewards[-1] > 0.1
    assert Text().rewards(task, replies([])).shape == (0,)
    assert not Text().rewards(task, replies([None, None])).any()


def test_a_reply_of_a_megabyte_does_not_pass_the_wire() -> None:
    with pytest.raises(MessageError):
        JSON.decode(JSON.encode(Ask.Reply(text="x" * (1 << 20))), Ask.Reply)


async def test_what_is_remembered_of_a_round_never_gets_into_another() -> None:
    one, other = await tasks(11, 2)
    rounds = [(task, replies(await answers([*honest(11), *SYBILS], task))) for task in (one, other)]
    struck = Replies((Returned(rounds[0][1][0].hotkey), *rounds[0][1].rows[1:]))  # after it was compared with the rest
    rounds.append((one, struck))

    def judged(task: Task, given: Replies) -> tuple[list[list[float]], list[float]]:
        return Text().likeness(given).tolist(), Text().rewards(task, given).tolist()

    together = [judged(*each) for each in [*rounds, *rounds]]
    alone = []
    for each in rounds:
        nearness.cache_clear()
        alone.append(judged(*each))
    assert together == alone * 2
    assert together[0] != together[1] != together[2]


@pytest.mark.serial
async def test_the_score_of_64_replies_takes_less_than_a_tenth_of_a_second() -> None:
    # Another task each time: what was compared a moment ago is remembered.
    first, *others = await tasks(9, 6)
    miners: list[Model] = [Extractive(0.9, seed) for seed in range(64)]
    Text().rewards(first, replies(await answers(miners, first)))
    taken = []
    for task in others:
        given = replies(await answers(miners, task))
        gc.collect()
        start = time.perf_counter()
        Text().rewards(task, given)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.100


async def test_the_definition_is_found_by_its_path_and_answers_like_the_bundled_one() -> None:
    loaded = load(str(TEMPLATE))
    assert loaded.ref() == Text.ref() == "text@1"
    (task,) = await tasks(10, 1)
    given = replies(await answers(honest(10), task))
    assert loaded().rewards(task, given).tolist() == Text().rewards(task, given).tolist()


def test_a_designer_reads_at_most_forty_lines_of_code() -> None:
    classes = [node for node in ast.parse(TEMPLATE.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)]
    lines = "\n".join(map(ast.unparse, classes)).splitlines()  # without comments
    assert sum(bool(line) and not line.lstrip().startswith('"""') for line in lines) <= 40
