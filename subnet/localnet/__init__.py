# SPDX-License-Identifier: Apache-2.0
"""A whole network on one machine: a chain, miners of every character, validators, over real signed HTTP.

Everything that runs here is what runs on a public network; only the chain has a single node, in this very process, and
the keys are ones that everybody knows.
"""

from __future__ import annotations

from subnet.localnet.casting import Part, parse
from subnet.localnet.network import Localnet, LocalnetOptions
from subnet.localnet.standing import Standing, Summary

__all__ = ["Localnet", "LocalnetOptions", "Part", "Standing", "Summary", "parse"]
