# SPDX-License-Identifier: Apache-2.0
"""The attention reward: answers paid for what they are worth, once, however many miners give them.

Around the rule stands what it needs to be trusted: qualities that constant output cannot earn, the similarity of
miners over many queries, the effective number of answers, and tables of what clones and spammers would gain.
"""

from __future__ import annotations

from incentive.attention.contrast import (
    contrast,
    contrast_gate,
    contrast_quality,
    crowd_reference,
    moving_contrast,
    others_reference,
)
from incentive.attention.diversity import effective_number
from incentive.attention.explanation import Explanation
from incentive.attention.frontier import sybil_frontier
from incentive.attention.rivals import RIVALS
from incentive.attention.rule import Attention, Rewards, attention_reward
from incentive.attention.spam import constant_spam
from incentive.attention.tracker import SimilarityTracker

__all__ = [
    "Attention",
    "Explanation",
    "RIVALS",
    "Rewards",
    "SimilarityTracker",
    "attention_reward",
    "constant_spam",
    "contrast",
    "contrast_gate",
    "contrast_quality",
    "crowd_reference",
    "effective_number",
    "moving_contrast",
    "others_reference",
    "sybil_frontier",
]
