# SPDX-License-Identifier: Apache-2.0
"""The engine for what scikit-learn has fitted: an estimator or a pipeline that takes texts, in micro-batches.

A saved estimator is a pickle, and loading a pickle runs what is in it. So only a file is loaded that is the operator's
own and that nobody else may write to; one that came from somebody else is not made safe by that.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import warnings
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import numpy as np

from miners.engines.engine import Embedding, Engine, Job
from miners.engines.named import Named, named
from miners.engines.opening import EngineOptions
from miners.gate import Seen
from miners.gathering import Gathering
from protocols.clock import Clock
from protocols.columns import Floats
from protocols.errors import EngineFailed, EngineLacks, ModelUnloadable
from protocols.histogram import Histogram

__all__ = ["Sklearn"]

Result = TypeVar("Result")

_SUFFIXES: Final = (".joblib", ".pickle", ".pkl")
_WHERE: Final = "name a file: subnet miner run APP --engine sklearn --model model.joblib"
_VECTOR_BYTES: Final = 1 << 26
"""Of the vectors of one batch: those of a bag of words are as long as the vocabulary."""


class Sklearn(Engine):
    """Predicts texts, and makes vectors of them with `transform` or `predict_proba`."""

    name = "sklearn"

    def __init__(self, options: EngineOptions, clock: Clock | None = None) -> None:
        self._reference = options.model
        # Estimators promise nothing about threads, so there is one; what it calls may use more.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sklearn")
        self._seen = Seen()
        self._texts = self._gathering(self._predicted, options, clock)
        self._vectors = self._gathering(self._transformed, options, clock)
        self._model = Named(None, "")

    @classmethod
    def opened(cls, options: EngineOptions) -> Self:
        """An engine for the estimator that `model` names: a `.joblib` file, `app.py:object` or `module:object`."""
        return cls(options)

    async def start(self) -> None:
        """Load the estimator; raises `ModelUnloadable`."""
        is_file = self._reference.endswith(_SUFFIXES)
        model = await asyncio.to_thread(_loaded if is_file else named, self._reference)
        if not any(hasattr(model.found, ability) for ability in ("predict", "transform")):
            kind = type(model.found).__name__
            raise ModelUnloadable(f"{self._reference} is {kind}, expected an estimator that can predict or transform")
        self._model = model

    async def close(self) -> None:
        """Turn away whoever waits, and let the batch under way end."""
        await self._texts.close()
        await self._vectors.close()
        self._pool.shutdown(wait=False)

    def facts(self) -> Mapping[str, Any]:
        """The estimator's name, and the digest of the file that it is from."""
        return {"model": self._reference.rpartition("/")[2], "digest": self._model.digest}

    def gauges(self) -> Mapping[str, float]:
        """Whose texts wait, and whose are of the batch under way."""
        both = (self._texts, self._vectors)
        return {"waiting": sum(one.waiting for one in both), "running": sum(one.running for one in both)}

    def histograms(self) -> Mapping[str, Histogram]:
        """How long texts have waited, and how many were computed together."""
        return {"wait": self._seen.wait, "batch": self._seen.batch}

    async def generate(self, job: Job) -> AsyncGenerator[str, None]:
        """The prediction for the prompt, as one piece."""
        yield await self._texts.of(job.prompt, job.priority, job.deadline)

    async def embed(self, job: Embedding) -> Floats:
        """What the estimator makes of each text: `transform`, or else `predict_proba`."""
        made = await self._vectors.of_each(job.texts, job.priority, job.deadline)
        return np.stack(made) if made else np.empty((0, 0))

    def _gathering(
        self, compute: Callable[[list[str]], Sequence[Result]], options: EngineOptions, clock: Clock | None
    ) -> Gathering[Result]:
        lines = {"batch": options.batch, "waiting": options.waiting}
        return Gathering(compute, self._pool, **lines, clock=clock, seen=self._seen)

    def _predicted(self, texts: list[str]) -> Sequence[str]:
        return [_text(row) for row in self._ability("predict")(texts)]

    def _transformed(self, texts: list[str]) -> Sequence[Floats]:
        made = self._ability("transform", "predict_proba")(texts)
        made = made if hasattr(made, "toarray") else np.asarray(made)
        if (size := made.shape[0] * made.shape[1] * 8) > _VECTOR_BYTES:
            raise EngineLacks(
                f"vectors of {len(texts)} texts have {size} bytes, at most {_VECTOR_BYTES} are made",
                help="end the pipeline with a TruncatedSVD",
            )
        dense = made if isinstance(made, np.ndarray) else made.toarray()
        return list(np.asarray(dense, dtype=np.float64))

    def _ability(self, *names: str) -> Callable[[list[str]], Any]:
        estimator = self._model.found
        if estimator is None:
            raise EngineFailed(f"{self._reference} is not loaded, expected a started engine")
        for name in names:
            if hasattr(estimator, name):
                ability: Callable[[list[str]], Any] = getattr(estimator, name)
                return ability
        raise EngineLacks(f"{self._reference} is {type(estimator).__name__}, which has no {' or '.join(names)}")


def _text(row: Any) -> str:
    return " ".join(map(str, row)) if isinstance(row, np.ndarray) else str(row)


def _loaded(reference: str) -> Named:
    try:
        joblib: Any = import_module("joblib")
        from sklearn.exceptions import InconsistentVersionWarning
    except ImportError as error:
        raise ModelUnloadable(f"{error.name} is not installed", help="pip install scikit-learn") from error
    try:
        with Path(reference).open("rb") as file:
            # Of the file that is open, so that it cannot be exchanged after it was looked at.
            _check_owner(reference, os.fstat(file.fileno()))
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("error", InconsistentVersionWarning)
                return Named(joblib.load(file), digest)
    except ModelUnloadable:
        raise
    except OSError as error:
        raise ModelUnloadable(f"{reference} cannot be read: {error.strerror or error}", help=_WHERE) from error
    except Exception as error:
        # A pickle may raise anything; another version of scikit-learn would predict something else.
        raise ModelUnloadable(
            f"{reference} cannot be loaded: {type(error).__name__}: {error}", help="fit and save it with this version"
        ) from error


def _check_owner(reference: str, found: os.stat_result) -> None:
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.filemode(found.st_mode)
        raise ModelUnloadable(
            f"{reference} is {mode}, expected that only its owner may write", help=f"chmod go-w {reference}"
        )
    if found.st_uid not in (0, os.geteuid()):
        raise ModelUnloadable(
            f"{reference} belongs to user {found.st_uid}, expected {os.geteuid()}", help="load your own files only"
        )
