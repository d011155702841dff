# SPDX-License-Identifier: Apache-2.0
"""What it costs to know a text's meaning: our embedding against sentence-transformers, of the same model and texts.

Both run in this process, in turns, with the threads that torch gives itself. bfloat16 is faster only on a processor
that multiplies in it. Elsewhere `MiniLM` computes in float32, as `arithmetic` in the details says, and the bar is that
of float32.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from scipy.stats import spearmanr

from incentive.arrays import Array
from incentive.similarity.sentence import Sentences
from tests.bench.harness.figure import Bar, Figure, effort, middle, pairs
from tests.bench.harness.machine import Watch
from validators.embedding import MiniLM

__all__ = ["figures"]

_WORDS: Final = """
    about answer apple bank before blue boat book bread bridge bring build carry chain change child city clean cloud
    cold count cross dark deep doctor door dream drive early earth east evening farm fast father field fire fish flower
    forest friend garden glass gold good grass green guitar hand happy heart heavy hill horse house ice idea iron island
    king kitchen lake large late law leaf letter light lion little long machine market meadow milk money moon morning
    mother mountain music narrow network new night north ocean old open orange paper peace people piano picture plant
    price queen quiet rain red reward river road rock room round salt sand school sea seven shadow ship short silver
    sing sister sleep slow small snow soft south spring star stone storm story street strong subnet sugar summer sun
    sweet table tall teacher ten thin town train tree under validator valley village voice walk wall warm water weight
    west white wide wild wind window winter wise wood word world yellow young
"""
_BATCH: Final = 32


def figures() -> Iterator[Figure]:
    """Texts a second in float32 and bfloat16, how far the latter keeps the order of the cosines, and repetition."""
    from sentence_transformers import SentenceTransformer

    exact, fast = MiniLM(), MiniLM(precision="bfloat16")
    rival = SentenceTransformer(str(MiniLM.find()), device="cpu", local_files_only=True)

    def theirs(texts: list[str]) -> object:
        return rival.encode(texts, batch_size=_BATCH, show_progress_bar=False)

    texts = _texts(effort(256, 16))
    rank = _rank_correlation(exact.encode(texts), fast.encode(texts))
    detail: dict[str, object] = {"arithmetic": fast.arithmetic, "rank_correlation": rank}
    quick = Bar(">=", 1.5 if fast.arithmetic == "bfloat16" else 1.0)
    yield _against(exact.encode, theirs, texts, "embedding_vs_sentence_transformers", Bar(">=", 1.0), {})
    yield _against(fast.encode, theirs, texts, "embedding_bf16_vs_sentence_transformers", quick, detail)
    yield Figure("embedding_bf16_rank_correlation", rank, Bar(">=", 0.999), {**detail, "texts": len(texts)})
    yield _repeated(exact, texts)


def _texts(count: int) -> list[str]:
    """Texts of 15 tokens on average, the two that mark beginning and end included."""
    rng, words = random.Random(0), _WORDS.split()
    return [" ".join(rng.choices(words, k=rng.randint(8, 18))) for _ in range(count)]


def _against(
    ours: Callable[[list[str]], object],
    theirs: Callable[[list[str]], object],
    texts: list[str],
    name: str,
    bar: Bar,
    detail: dict[str, object],
) -> Figure:
    import torch

    for encode in (ours, theirs):
        encode(texts)
    quiet = Watch([])
    turns = pairs(lambda: _seconds(ours, texts), lambda: _seconds(theirs, texts), effort(15, 1))
    speeds: dict[str, Any] = {
        side: {"texts_s": middle(len(texts) / turn[at] for turn in turns)}
        for at, side in enumerate(("ours", "sentence-transformers"))
    }
    value = middle(rival / mine for mine, rival in turns)
    counts = {"texts": len(texts), "batch": _BATCH, "threads": torch.get_num_threads(), "pairs": len(turns)}
    return Figure(name, value, bar, {**speeds, **counts, **detail, "foreign_load": quiet.foreign()})


def _repeated(model: MiniLM, texts: list[str]) -> Figure:
    turns = []
    for _ in range(effort(3, 1)):
        measure = Sentences(model)
        turns.append((_seconds(measure.embed, texts), _seconds(measure.embed, texts)))
    detail = {"first_s": middle(first for first, _ in turns), "again_s": middle(again for _, again in turns)}
    value = middle(again / first for first, again in turns)
    return Figure("embedding_repeated_texts", value, Bar("<=", 0.02), {**detail, "texts": len(texts)})


def _seconds(encode: Callable[[list[str]], object], texts: list[str]) -> float:
    start = time.perf_counter()
    encode(texts)
    return time.perf_counter() - start


def _rank_correlation(x: Array, y: Array) -> float:
    """Spearman's correlation of the texts' pairwise cosines."""
    pair = np.triu_indices(len(x), 1)
    return float(spearmanr((x @ x.T)[pair], (y @ y.T)[pair]).statistic)
