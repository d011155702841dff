# SPDX-License-Identifier: Apache-2.0
"""A real estimator does the work: it predicts in batches, makes vectors, and is loaded from a file of ours only."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from miners.engines.engine import Embedding, Job
from miners.engines.opening import EngineOptions, open_engine
from miners.engines.sklearn import Sklearn
from protocols.errors import EngineFailed, EngineLacks, ModelUnloadable

GOOD, BAD = "a fine and lovely day", "an awful and ugly mess"


def fitted() -> Any:
    """A classifier of texts."""
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    return pipeline.fit([GOOD, "lovely", BAD, "awful"], ["good", "good", "bad", "bad"])


def saved(estimator: Any, folder: Path) -> Path:
    """An estimator's file."""
    path = folder / "model.joblib"
    path.write_bytes(pickle.dumps(estimator))
    path.chmod(0o644)
    return path


@asynccontextmanager
async def engine_of(model: str) -> AsyncIterator[Sklearn]:
    """A started engine with this estimator."""
    engine = open_engine("sklearn", EngineOptions(model=model, batch=8))
    assert isinstance(engine, Sklearn)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


async def predicted(engine: Sklearn, prompt: str) -> str:
    """The prediction for a text."""
    async with aclosing(engine.generate(Job(prompt=prompt, max_tokens=1))) as pieces:
        return "".join([piece async for piece in pieces])


async def test_predictions_are_those_of_the_estimator_however_many_come_at_once(tmp_path: Path) -> None:
    estimator = fitted()
    texts = [GOOD, BAD] * 20
    async with engine_of(str(saved(estimator, tmp_path))) as engine:
        made = await asyncio.gather(*(predicted(engine, text) for text in texts))
        assert engine.gauges() == {"waiting": 0, "running": 0}
        assert engine.histograms()["batch"].buckets()[-1] == ("+Inf", 5)
    assert made == [str(label) for label in estimator.predict(texts)] == ["good", "bad"] * 20


async def test_vectors_are_transforms_or_else_probabilities(tmp_path: Path) -> None:
    classifier = fitted()
    async with engine_of(str(saved(classifier, tmp_path))) as engine:
        made = await engine.embed(Embedding(texts=[GOOD, BAD]))
        np.testing.assert_allclose(made, classifier.predict_proba([GOOD, BAD]))
        assert made.dtype == np.float64
    vectorizer = TfidfVectorizer().fit([GOOD, BAD])
    async with engine_of(str(saved(vectorizer, tmp_path))) as engine:
        made = await engine.embed(Embedding(texts=[GOOD, BAD] * 100))
        np.testing.assert_allclose(made, vectorizer.transform([GOOD, BAD] * 100).toarray())
        assert (await engine.embed(Embedding(texts=[]))).shape == (0, 0)


async def test_what_an_estimator_cannot_do_is_said(tmp_path: Path) -> None:
    async with engine_of(str(saved(CountVectorizer().fit([GOOD]), tmp_path))) as engine:
        with pytest.raises(EngineLacks, match="CountVectorizer, which has no predict"):
            await predicted(engine, "a")
    async with engine_of(str(saved(HashingVectorizer(n_features=2**24), tmp_path))) as engine:
        with pytest.raises(EngineLacks, match="at most 67108864"):
            await engine.embed(Embedding(texts=["a"]))
    async with engine_of(str(saved(TfidfVectorizer(), tmp_path))) as engine:
        with pytest.raises(EngineFailed, match="NotFittedError"):
            await engine.embed(Embedding(texts=["a"]))


async def test_numbers_and_rows_of_them_become_text(tmp_path: Path) -> None:
    (tmp_path / "lengths.py").write_text(
        "import numpy as np\n"
        "class Lengths:\n"
        "    def predict(self, texts): return np.array([len(text) / 2 for text in texts])\n"
        "class Pairs:\n"
        "    def predict(self, texts): return np.array([[len(text), 1] for text in texts])\n"
        "lengths, pairs = Lengths(), Pairs()\n"
    )
    async with engine_of(f"{tmp_path}/lengths.py:lengths") as engine:
        assert await predicted(engine, "abc") == "1.5"
    async with engine_of(f"{tmp_path}/lengths.py:pairs") as engine:
        assert await predicted(engine, "abc") == "3 1"


async def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = saved(fitted(), tmp_path)
    async with engine_of(str(path)) as engine:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert engine.facts() == {"model": "model.joblib", "digest": digest}


class Planted:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.trace),))


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o777])
async def test_a_file_that_others_may_write_to_is_not_even_opened_as_a_pickle(mode: int, tmp_path: Path) -> None:
    path = saved(Planted(tmp_path / "trace"), tmp_path)
    path.chmod(mode)
    with pytest.raises(ModelUnloadable, match="expected that only its owner may write"):
        async with engine_of(str(path)):
            pass
    assert not (tmp_path / "trace").exists()


async def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = saved(fitted(), tmp_path)
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 4321, -1)
    with pytest.raises(ModelUnloadable, match="belongs to user 4321, expected 0"):
        async with engine_of(str(path)):
            pass


async def test_what_another_version_has_saved_is_refused(tmp_path: Path) -> None:
    path = saved(fitted(), tmp_path)
    other = path.read_bytes().replace(sklearn.__version__.encode(), b"1.0.9")
    path.write_bytes(other)
    with pytest.raises(ModelUnloadable, match=r"version 1\.0\.9"):
        async with engine_of(str(path)):
            pass


@pytest.mark.parametrize(
    ("content", "message"), [(b"garbage", "cannot be loaded"), (pickle.dumps([1]), "is list, expected an estimator")]
)
async def test_what_is_no_estimator_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ModelUnloadable, match=message):
        async with engine_of(str(path)):
            pass
    with pytest.raises(ModelUnloadable, match="cannot be read: No such file"):
        async with engine_of(f"{path}.joblib"):
            pass
