# SPDX-License-Identifier: Apache-2.0
"""Whose answer an answer is: what was copied is worth nothing, before anybody asks what it is worth.

One round shows that two answers are alike, and not whether one was copied, nor from whom. A canary shows it at once;
otherwise it takes many rounds, and so what was seen is kept.
"""

from __future__ import annotations

from validators.vetting.canaries import spoken
from validators.vetting.vetter import Vetted, Vetter, VettingOptions, likeness

__all__ = ["Vetted", "Vetter", "VettingOptions", "likeness", "spoken"]
