# SPDX-License-Identifier: Apache-2.0
"""The models answer as their parameters say: the skilled ones rightly, each in its own words, the same every time."""

from __future__ import annotations

import time

import numpy as np
import pytest

from protocols.errors import OutOfRange
from protocols.model import Model
from subnet.text import Constant, Extractive, NGram, Quiz, Silent, by_words, compose


def quizzes(count: int, seed: int = 0) -> list[Quiz]:
    rng = np.random.default_rng(seed)
    return [compose(rng) for _ in range(count)]


async def test_a_perfect_reader_tells_every_asked_fact_and_no_other() -> None:
    for quiz in quizzes(50):
        answer = await Extractive(1.0, 1).generate(quiz.prompt, 128)
        assert all(fact.value in answer for fact in quiz.asked)
        assert not any(fact.value in answer for fact in quiz.rest)


@pytest.mark.parametrize("skill", [0.0, 0.3, 0.85])
async def test_a_fact_is_recalled_as_often_as_the_skill_says(skill: float) -> None:
    recalled = [
        fact.value in await Extractive(skill, 5).generate(quiz.prompt, 128)
        for quiz in quizzes(200)
        for fact in quiz.asked
    ]
    assert np.mean(recalled) == pytest.approx(skill, abs=0.05)


async def test_honest_models_word_one_answer_differently_and_copies_are_identical() -> None:
    likeness = []
    for quiz in quizzes(8):
        texts = [await Extractive(1.0, seed).generate(quiz.prompt, 128) for seed in range(24)]
        likeness.append(by_words().matrix(texts)[np.triu_indices(len(texts), 1)])
    assert np.median(likeness) < 0.5
    assert np.quantile(likeness, 0.99) < 0.7
    assert np.max(likeness) < 0.8
    first, copy = Extractive(0.9, 3), Extractive(0.9, 3)
    prompt = quizzes(1)[0].prompt
    assert await first.generate(prompt, 128) == await copy.generate(prompt, 128)


async def test_an_answer_does_not_depend_on_the_questions_before_it() -> None:
    one, two = quizzes(2)
    model = Extractive(0.5, 9)
    expected = await model.generate(two.prompt, 128)
    await model.generate(one.prompt, 128)
    assert await model.generate(two.prompt, 128) == expected


@pytest.mark.parametrize(
    "model",
    [Extractive(0.8, 2), NGram(2), Constant("so many words in here"), Silent()],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("max_tokens", [0, 1, 7])
async def test_an_answer_has_no_more_words_than_were_asked_for(model: Model, max_tokens: int) -> None:
    assert len((await model.generate(quizzes(1)[0].prompt, max_tokens)).split()) <= max_tokens


@pytest.mark.parametrize("prompt", ["", "hello", "\0\ud800", "Question: What is the height?", "🦊. " * 1000])
async def test_a_prompt_of_another_kind_gets_some_answer(prompt: str) -> None:
    assert await Extractive(1.0, 1).generate(prompt, 64)
    assert await NGram(1).generate(prompt, 64)


async def test_a_language_model_goes_on_from_the_prompt_and_says_the_same_each_time() -> None:
    model = NGram(sentences=["the old mill stands by the river"])
    assert await model.generate("here the old", 3) == "mill stands by"
    prompts = [quiz.prompt for quiz in quizzes(20)]
    said = [await NGram(4).generate(prompt, 40) for prompt in prompts]
    assert said == [await NGram(4).generate(prompt, 40) for prompt in prompts]
    assert len(set(said)) > 10


@pytest.mark.parametrize("skill", [-0.1, 1.1, float("nan")])
def test_a_skill_that_is_no_probability_is_refused(skill: float) -> None:
    with pytest.raises(OutOfRange, match="skill is"):
        Extractive(skill, 0)


@pytest.mark.serial
async def test_an_answer_costs_less_than_two_milliseconds() -> None:
    model, prompts = Extractive(0.9, 1), [quiz.prompt for quiz in quizzes(50)]
    await model.generate(prompts[0], 128)
    start = time.process_time()
    for prompt in prompts:
        await model.generate(prompt, 128)
    assert (time.process_time() - start) / len(prompts) < 0.002
