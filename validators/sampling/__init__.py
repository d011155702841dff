# SPDX-License-Identifier: Apache-2.0
"""Whom to ask in a round: the definition's choice, held to those who can be asked, by chance that can be repeated."""

from __future__ import annotations

from validators.sampling.sampler import Sampler, SamplingOptions, sample

__all__ = ["Sampler", "SamplingOptions", "sample"]
