# SPDX-License-Identifier: Apache-2.0
"""A chain in memory: the contract of `protocols.chain` with the public chain's rules, within one process.

State is immutable, and everything that happens is a function from one state to the next: `turn` what each block brings,
`calls` what people ask for. `blocks` keeps the row of them, and `chain` gives it a clock.
"""

from __future__ import annotations

from subnet.chain.memory.chain import MemoryChain
from subnet.chain.memory.genesis import LOCAL_HYPERPARAMETERS, Genesis, GenesisNetwork
from subnet.chain.memory.state import ChainRules

__all__ = ["ChainRules", "Genesis", "GenesisNetwork", "LOCAL_HYPERPARAMETERS", "MemoryChain"]
