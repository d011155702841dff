# SPDX-License-Identifier: Apache-2.0
"""Who may call a miner: its subnet's policy, asked with the caller's row of the newest metagraph.

The server asks after it has verified the signature and before it parses the body, so the policy sees proven hotkeys
only, and whoever is turned away has cost no parsing. It must not wait for a chain: it reads what was read last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from protocols.dialect import Caller
from protocols.metagraph import Metagraph, Neuron
from protocols.spec import Subnet
from protocols.synapse import Synapse

__all__ = ["Members"]


class Members:
    """The neurons of a subnet as the miner last saw them; admits by the definition's `policy`, ranks by stake."""

    def __init__(self, definition: Subnet) -> None:
        self._definition = definition
        # Until the first metagraph nobody has a row, which the default policy refuses.
        self._rows: Mapping[str, Neuron] = {}
        self.spent: Counter[str] = Counter()
        """Tokens by hotkey; of those who were admitted, so of no strangers."""

    def renew(self, metagraph: Metagraph) -> None:
        """Know these neurons and no others."""
        # All at once: a row costs more to cut out of the columns than the rest of an admission.
        self._rows = {neuron.hotkey: neuron for neuron in metagraph}

    def admit(self, caller: Caller, query: type[Synapse]) -> float:
        """The caller's stake as its priority, or what the policy raises."""
        neuron = self._rows.get(caller.hotkey)
        self._definition.policy(caller, neuron)
        return 0.0 if neuron is None else float(neuron.stake)

    def charge(self, hotkey: str, tokens: int) -> None:
        """Note what a caller's work has cost."""
        self.spent[hotkey] += tokens
