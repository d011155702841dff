# SPDX-License-Identifier: Apache-2.0
"""Who may call a miner, how urgent that is, and when a caller has had enough.

The server asks after it has verified the signature and before it parses the body, so this sees proven hotkeys only,
and whoever is turned away has cost no parsing. It must not wait for a chain: it reads what was read last. A restart
forgets what was used; whoever could make a miner restart would gain one tempo's share by it, and nothing is worth a
write to disk for each query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from miners.admission.budget import Budget
from miners.admission.rules import Rules
from protocols.clock import Clock
from protocols.dialect import Caller
from protocols.errors import RequestsSpent, TokensSpent, TooManyAtOnce
from protocols.keys import short
from protocols.metagraph import Metagraph, Neuron
from protocols.spec import Subnet
from protocols.synapse import Synapse

__all__ = ["Members"]

_BLOCK_S: Final = 12.0
_BUSY_RETRY_S: Final = 1.0
_STRANGERS: Final = "strangers"
"""Whose budget is used by callers without a row, where a policy lets them in: a new key must not be a new budget."""


class Members:
    """The neurons of a subnet as the miner last saw them, and what each has under way and left."""

    def __init__(self, definition: Subnet, rules: Rules, clock: Clock) -> None:
        self._definition = definition
        self._rules = rules
        self._clock = clock
        # Until the first metagraph nobody has a row, which the default policy refuses.
        self._rows: Mapping[str, Neuron] = {}
        self._stake = 0
        self._running: Counter[str] = Counter()
        self._requests = Budget(rules.requests)
        self._tokens = Budget(rules.tokens)
        self._first: tuple[int, float] | None = None

    def renew(self, metagraph: Metagraph, tempo: int) -> None:
        """Know these neurons and no others, and that so many blocks are a tempo."""
        # All at once: a row costs more to cut out of the columns than the rest of an admission.
        self._rows = {neuron.hotkey: neuron for neuron in metagraph}
        self._stake = sum(neuron.stake for neuron in self._rows.values())
        known = frozenset(self._rows) | self._rules.allow | {_STRANGERS}
        for budget in (self._requests, self._tokens):
            budget.keep(known)
            budget.tempo_s = max(1.0, tempo * self._block_s(metagraph))

    def knows(self, hotkey: str) -> bool:
        """Whether a key of this name has a row or a place on the operator's list."""
        return hotkey in self._rows or hotkey in self._rules.allow

    def check(self, caller: Caller, query: type[Synapse]) -> None:
        """Raise what the operator's rules or the definition's policy have against this caller."""
        neuron = self._rows.get(caller.hotkey)
        self._rules.check(caller, neuron)
        if caller.hotkey not in self._rules.allow:
            self._definition.policy(caller, neuron)

    def admit(self, caller: Caller, query: type[Synapse]) -> float:
        """The priority that the definition gives to this caller, or what refuses it; `left` ends what this begins."""
        # Again, because the subnet may have changed while a replay store was waited for.
        self.check(caller, query)
        hotkey, neuron = caller.hotkey, self._rows.get(caller.hotkey)
        priority = float(self._definition.priority(caller, neuron))
        self._check_room(hotkey)
        if self._rules.are_metered:
            self._check_budgets(hotkey, neuron)
        self._running[hotkey] += 1
        return priority

    def left(self, caller: Caller) -> None:
        """Note that a query that was admitted is over, however it ended."""
        self._running[caller.hotkey] -= 1
        if not self._running[caller.hotkey]:
            del self._running[caller.hotkey]

    def charge(self, hotkey: str, tokens: int) -> None:
        """Note what work for a caller has cost."""
        if self._rules.tokens:
            self._tokens.take(self._purse(hotkey), max(0, tokens))

    def _check_room(self, hotkey: str) -> None:
        running, most = self._running[hotkey], self._rules.concurrency
        if running >= most:
            raise TooManyAtOnce(
                f"hotkey {short(hotkey)} has {running} queries under way, at most {most} may be",
                retry_after_s=_BUSY_RETRY_S,
            )

    def _check_budgets(self, hotkey: str, neuron: Neuron | None) -> None:
        now, share, purse = self._clock.monotonic(), self._share(neuron), self._purse(hotkey)
        # Tokens first: a query that is refused for them must not be counted as a request.
        if self._rules.tokens and (wait_s := self._tokens.wait_s(purse, share, now)):
            raise TokensSpent(_spent(hotkey, share * self._rules.tokens, "tokens"), retry_after_s=wait_s)
        if self._rules.requests:
            if wait_s := self._requests.wait_s(purse, share, now):
                raise RequestsSpent(_spent(hotkey, share * self._rules.requests, "queries"), retry_after_s=wait_s)
            self._requests.take(purse, 1.0)

    def _purse(self, hotkey: str) -> str:
        return hotkey if self.knows(hotkey) else _STRANGERS

    def _share(self, neuron: Neuron | None) -> float:
        stake = 0.0 if neuron is None or not self._stake else neuron.stake / self._stake
        return max(stake, self._rules.least_share)

    def _block_s(self, metagraph: Metagraph) -> float:
        """Seconds of a block, as this miner's own clock sees them pass."""
        now = self._clock.monotonic()
        if self._first is None:
            self._first = metagraph.block, now
        blocks, seconds = metagraph.block - self._first[0], now - self._first[1]
        return seconds / blocks if blocks > 0 and seconds > 0 else _BLOCK_S


def _spent(hotkey: str, share: float, what: str) -> str:
    return f"hotkey {short(hotkey)} has used its {share:g} {what} of this tempo"
