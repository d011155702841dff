# SPDX-License-Identifier: Apache-2.0
"""How alike two answers are, by what they are: texts, vectors, numbers, rankings or images.

Copies can only be paid once if they can be recognised, and every kind of answer has its own likeness. All measures
here keep one protocol, so that a reward takes any of them, and all run without a model or a network.
"""

from __future__ import annotations

from incentive.similarity.calibrate import Band, calibrate, calibrate_tau
from incentive.similarity.distributions import Brier, ErrorAgreement, Hellinger, JensenShannon, LogScore, TotalVariation
from incentive.similarity.edits import Damerau, Levenshtein
from incentive.similarity.image import ColourHistogram, PHash, Ssim
from incentive.similarity.measure import Baseline, Embedded, Similarity, Subtracted, baseline
from incentive.similarity.ngrams import CharNgrams
from incentive.similarity.numeric import Crps, Gaussian, LogRatio, RelativeError
from incentive.similarity.ranks import Kendall, Spearman
from incentive.similarity.sentence import Encoder, Sentences
from incentive.similarity.vectors import Angular, Cosine
from incentive.similarity.words import Exact, Jaccard, MinHash, Rouge, RougeL, TokenF1

__all__ = [
    "Angular",
    "Band",
    "Baseline",
    "Brier",
    "CharNgrams",
    "ColourHistogram",
    "Cosine",
    "Crps",
    "Damerau",
    "Embedded",
    "Encoder",
    "ErrorAgreement",
    "Exact",
    "Gaussian",
    "Hellinger",
    "Jaccard",
    "JensenShannon",
    "Kendall",
    "Levenshtein",
    "LogRatio",
    "LogScore",
    "MinHash",
    "PHash",
    "RelativeError",
    "Rouge",
    "RougeL",
    "Sentences",
    "Similarity",
    "Spearman",
    "Ssim",
    "Subtracted",
    "TokenF1",
    "TotalVariation",
    "baseline",
    "calibrate",
    "calibrate_tau",
]
