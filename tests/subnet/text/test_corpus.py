# SPDX-License-Identifier: Apache-2.0
"""The documents: many, small, true to their key, readable, and the same for every validator."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from subnet.templates.text.text import Ask
from subnet.text import compose
from subnet.text.chance import stream
from subnet.text.reading import read
from subnet.text.vocabulary import ATTRIBUTES


def test_thousands_of_documents_are_all_different() -> None:
    rng = np.random.default_rng(0)
    assert len({compose(rng).document for _ in range(3000)}) == 3000


def test_a_document_tells_every_fact_of_its_place_and_is_understood() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        quiz = compose(rng)
        reading = read(quiz.prompt)
        assert reading.place == quiz.place
        assert reading.asked == tuple(fact.attribute for fact in quiz.asked)
        assert set(reading.told) == {*quiz.asked, *quiz.rest}
        assert len(reading.told) == len(ATTRIBUTES)


def test_what_fits_the_query_is_asked() -> None:
    rng = np.random.default_rng(2)
    assert max(len(compose(rng).prompt) for _ in range(500)) < 1500
    assert Ask(prompt=compose(rng).prompt).max_tokens >= 64


def test_false_answers_share_the_question_and_hardly_any_fact() -> None:
    rng = np.random.default_rng(3)
    asked = shared = 0
    for _ in range(100):
        quiz = compose(rng)
        key = quiz.key(rng)
        assert key.answer == quiz.answer
        for twin, flood in zip(key.twins, key.floods, strict=True):
            assert flood.startswith(twin)
            assert all(str(fact) in flood for fact in quiz.rest)
            assert all(f"The {fact.attribute.name} is " in twin for fact in quiz.asked)
            asked += len(quiz.asked)
            shared += sum(str(fact) in twin for fact in quiz.asked)
    assert shared / asked < 0.01


def test_validators_learn_from_the_same_texts_everywhere() -> None:
    # A numpy whose generators draw other numbers changes what answers are worth: raise the subnet's version with it.
    rng = stream(0, "pinned")
    texts = "\n".join([compose(rng).prompt for _ in range(20)])
    assert blake2b(texts.encode(), digest_size=8).hexdigest() == "983d01624123e8a6"
