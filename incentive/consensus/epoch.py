# SPDX-License-Identifier: Apache-2.0
"""An epoch as the chain runs it: stored lists of 16-bit votes in, stored columns and amounts of rao out.

Around the mathematics of Yuma stand the masks: who is inactive, who has a permit, which votes are about somebody who
has left. They follow subtensor's `epoch_mechanism` step by step. An older runtime states only where it differs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from incentive.arrays import Flags, Ints
from incentive.consensus.arithmetic import FIXED, Arithmetic, Cells
from incentive.consensus.ledger import Ledger, Settings, Terms, votes
from incentive.consensus.rules import Network, Outcome
from incentive.fixed import I32F32, I64F64
from incentive.quantise import max_upscale

__all__ = ["Epoch", "Epoch185"]


class Epoch:
    """The chain's current epoch."""

    def __init__(self, settings: Settings, arithmetic: Arithmetic = FIXED) -> None:
        self.settings = settings
        self.numbers = arithmetic
        self.consensus = settings.version(settings.rules, arithmetic)

    def run(self, ledger: Ledger, rao: int) -> Terms:
        """Distribute an amount of rao among the neurons."""
        n = len(ledger.registered)
        active = ledger.last_update + self.settings.activity_cutoff >= ledger.block
        stake = self.stake(ledger)  # (N,)
        permits = self.owned(ledger.permits)
        counted = self.numbers.share(np.where(active & permits, stake, 0))  # (N,) active stake
        voters = np.flatnonzero(permits | (np.diff(ledger.bonds.starts) > 0))
        network = self.network(ledger, voters, permits, counted)
        outcome = self.consensus.run(network)
        dividends = self.spread(outcome.dividends, voters, n)
        server, validator, combined = self.emission(outcome.incentive, dividends, counted, stake)
        renewed = self.owned(self.most_staked(stake))
        preranks = self.numbers.times(network.weights, network.stake[:, None]).sum(axis=0)
        return Terms(
            active=active,
            permits=renewed,
            stake_weight=self.numbers.to_u16(stake),
            consensus=self.numbers.to_u16(outcome.consensus),
            incentive=self.numbers.to_u16(outcome.incentive),
            dividends=self.numbers.to_u16(dividends),
            validator_trust=self.numbers.to_u16(self.spread(outcome.validator_trust, voters, n)),
            rank=self.numbers.to_u16(outcome.incentive),
            trust=self.numbers.to_u16(self.numbers.over(outcome.ranks, preranks)),
            pruning=np.array(max_upscale(self.numbers.bits(combined)), dtype=np.int64),
            emission=self.amounts(combined, rao),
            server_emission=self.amounts(server, rao),
            validator_emission=self.amounts(validator, rao),
            bonds=self.bonds(ledger, network, voters, outcome, renewed),
        )

    def network(self, ledger: Ledger, voters: Ints, permits: Flags, counted: Cells) -> Network:
        """The votes and bonds of the voters with all masks applied."""
        n = len(ledger.registered)
        weights = votes(ledger.weights, voters, n).without(~permits[voters, None])
        weights = weights.without(self.self_votes(voters, n)).without(self.outdated(ledger, voters))
        bonds = votes(ledger.bonds, voters, n).without(self.foreign_bonds(ledger, voters))
        return Network(
            weights=self.numbers.share(self.numbers.whole(weights.values)),
            stake=counted[voters],
            bonds=self.consensus.stored(bonds.values),
            order=weights.order,
            bond_order=bonds.order,
            listed=weights.listed,
        )

    def stake(self, ledger: Ledger) -> Cells:
        """Each neuron's part of the stake of all who reach the threshold; the owner need not."""
        low, owner = self.settings.stake_threshold, self.settings.owner_uid
        enough = [s if uid == owner or I64F64.floor(s) >= low else 0 for uid, s in enumerate(ledger.stake)]
        return self.normalised(enough)

    def normalised(self, stake: Sequence[int]) -> Cells:
        """Parts of the sum of I64F64 bits, which are divided at that precision first."""
        total = sum(stake)
        fine = [I64F64.divide(s, total) >> 32 if total else s >> 32 for s in stake]
        return self.numbers.from_bits(fine)

    def owned(self, permits: Flags) -> Flags:
        """The owner of the subnet always has a permit."""
        if (owner := self.settings.owner_uid) is None:
            return permits
        granted = permits.copy()
        granted[owner] = True
        return granted

    def most_staked(self, stake: Cells) -> Flags:
        """Who gets a permit: the largest stakes, none without any; of equal ones the higher uid."""
        return self.top(stake) & (stake > 0)

    def top(self, stake: Cells) -> Flags:
        """The `max_validators` largest."""
        chosen = np.ones(len(stake), dtype=np.bool_)
        if len(stake) >= self.settings.max_validators:
            chosen[np.argsort(stake, kind="stable")[: len(stake) - self.settings.max_validators]] = False
        return chosen

    def self_votes(self, voters: Ints, n: int) -> Flags:
        """Votes for oneself, which only the owner may cast, (V, N)."""
        own: Flags = (voters[:, None] == np.arange(n)) & (voters != self.settings.owner_uid)[:, None]
        return own

    def outdated(self, ledger: Ledger, voters: Ints) -> Flags:
        """Votes that were cast, or committed, before their subject was registered, (V, N)."""
        stale: Flags = ledger.last_update[voters, None] <= ledger.registered
        if ledger.committed is not None:
            stale = stale | (ledger.committed[voters, None] < ledger.registered)
        return stale

    def foreign_bonds(self, ledger: Ledger, voters: Ints) -> Flags:
        """Bonds on a uid that somebody else has taken since the last epoch, (V, N)."""
        since = ledger.last_step + 1 if ledger.last_step else max(0, ledger.block - self.settings.tempo)
        return np.broadcast_to(since <= ledger.registered, (len(voters), len(ledger.registered)))

    def emission(self, incentive: Cells, dividends: Cells, counted: Cells, stake: Cells) -> tuple[Cells, Cells, Cells]:
        """The parts of miners, validators and both, (N,) each; where nobody agreed on anything, by stake."""
        combined = incentive + dividends
        total = combined.sum()
        if total == 0:
            by_stake = counted if counted.any() else stake
            return incentive, by_stake, by_stake
        numbers = self.numbers
        return numbers.over(incentive, total), numbers.over(dividends, total), numbers.over(combined, total)

    def bonds(
        self, ledger: Ledger, network: Network, voters: Ints, outcome: Outcome, renewed: Flags
    ) -> list[list[tuple[int, int]]]:
        """The rows to store: of who has a permit now; all others are emptied."""
        rows: list[list[tuple[int, int]]] = [[] for _ in renewed]
        counts = self.numbers.to_u16(outcome.bonds)
        as_listed = self.consensus.keeps_order(outcome)
        for row, uid in enumerate(voters.tolist()):
            if renewed[uid]:
                columns = np.flatnonzero(outcome.held[row])
                if as_listed and network.order is not None:
                    columns = network.order[row][outcome.held[row, network.order[row]]]
                rows[uid] = list(zip(columns.tolist(), counts[row, columns].tolist(), strict=True))
        return rows

    def amounts(self, parts: Cells, rao: int) -> list[int]:
        """Whole rao of each part, floored; what is lost is dust."""
        return [I32F32.floor(part * rao) for part in self.numbers.bits(parts)]

    @staticmethod
    def spread(values: Cells, voters: Ints, n: int) -> Cells:
        """Values of the voters at their uids, zero elsewhere."""
        whole: Cells = np.zeros(n, dtype=values.dtype)
        whole[voters] = values
        return whole


class Epoch185(Epoch):
    """The epoch of spec 185: stake of any size, permits without stake, no owner, bonds kept where nothing changed."""

    def most_staked(self, stake: Cells) -> Flags:
        return self.top(stake)

    def foreign_bonds(self, ledger: Ledger, voters: Ints) -> Flags:
        stale: Flags = ledger.last_update[voters, None] <= ledger.registered
        return stale

    def bonds(
        self, ledger: Ledger, network: Network, voters: Ints, outcome: Outcome, renewed: Flags
    ) -> list[list[tuple[int, int]]]:
        rows = super().bonds(ledger, network, voters, outcome, renewed)
        starts = ledger.bonds.starts
        for uid in np.flatnonzero(~renewed & ~ledger.permits).tolist():
            span = slice(int(starts[uid]), int(starts[uid + 1]))
            rows[uid] = list(zip(ledger.bonds.uids[span].tolist(), ledger.bonds.values[span].tolist(), strict=True))
        return rows
