# SPDX-License-Identifier: Apache-2.0
"""Votes that are hidden at first: by their hash and shown an epoch or more later, or locked until a beacon's round.

A hash binds account, network, uids, values, salt and version. What is locked opens by itself in the epoch it is meant
for, once the beacon's signature of its round is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import dropwhile
from typing import TYPE_CHECKING, Final, TypeAlias

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.state import State
from subnet.chain.node.pallets.drand import Drand
from subnet.chain.node.pallets.subtensor.accounts import mechanism_index
from subnet.chain.node.pallets.subtensor.timelock import Opened, open_commit
from subnet.chain.node.pallets.subtensor.weights import Weights
from subnet.chain.node.scale.names import AccountId, Blob, Hash, compact_u16, scale_of, u8, u16, u64

if TYPE_CHECKING:
    from subnet.chain.node.pallets.balances import Balances
    from subnet.chain.node.pallets.system import System

__all__ = ["Commits", "commitment"]

_MOST: Final = 10
_LARGEST: Final = 5000
_VERSION: Final = 4
_Line: TypeAlias = tuple[tuple[bytes, int, int, int], ...]
_PREIMAGE: Final = scale_of(tuple[AccountId, u16, tuple[u16, ...], tuple[u16, ...], tuple[u16, ...], u64])


def commitment(
    hotkey: bytes, index: int, votes: tuple[Sequence[int], Sequence[int]], salt: Sequence[int], version_key: int
) -> bytes:
    """The hash by which a vote is committed to."""
    return blake2_256(_PREIMAGE.encode((hotkey, index, *votes, salt, version_key)))


class Commits(Weights):
    """Calls that hide votes and show them."""

    def __init__(self, state: State, system: System, balances: Balances) -> None:
        super().__init__(state, system, balances)
        self.beacon = Drand(state, system)
        """What opens votes that are locked."""

    @call(96, pays=False)
    def commit_weights(self, origin: Origin, netuid: u16, commit_hash: Hash) -> None:
        """Commit to a vote."""
        self._hide(origin.signed(), (netuid, 0), commit_hash)

    @call(115, pays=False)
    def commit_mechanism_weights(self, origin: Origin, netuid: u16, mecid: u8, commit_hash: Hash) -> None:
        """Commit to a vote on one of a network's mechanisms."""
        self._hide(origin.signed(), (netuid, mecid), commit_hash)

    @call(100, pays=False)
    def batch_commit_weights(
        self, origin: Origin, netuids: tuple[compact_u16, ...], commit_hashes: tuple[Hash, ...]
    ) -> None:
        """Commit to votes on several networks; one that fails does not keep the others."""
        hotkey = origin.signed()
        if len(netuids) != len(commit_hashes):
            raise self.Errors.InputLengthsUnequal()
        self.check_stakes_to_vote(hotkey, netuids)
        failures = []
        for netuid, digest in zip(netuids, commit_hashes, strict=True):
            failures += self.attempt(netuid, partial(self._commit, hotkey, (netuid, 0), digest))
        self.report_batch(hotkey, netuids, failures)

    @call(97, pays=False)
    def reveal_weights(
        self,
        origin: Origin,
        netuid: u16,
        uids: tuple[u16, ...],
        values: tuple[u16, ...],
        salt: tuple[u16, ...],
        version_key: u64,
    ) -> None:
        """Show a vote."""
        self._reveal(origin.signed(), (netuid, 0), (uids, values), salt, version_key)

    @call(116, pays=False)
    def reveal_mechanism_weights(
        self,
        origin: Origin,
        netuid: u16,
        mecid: u8,
        uids: tuple[u16, ...],
        values: tuple[u16, ...],
        salt: tuple[u16, ...],
        version_key: u64,
    ) -> None:
        """Show a vote on one of a network's mechanisms."""
        self._reveal(origin.signed(), (netuid, mecid), (uids, values), salt, version_key)

    @call(98, pays=False)
    def batch_reveal_weights(
        self,
        origin: Origin,
        netuid: u16,
        uids_list: tuple[tuple[u16, ...], ...],
        values_list: tuple[tuple[u16, ...], ...],
        salts_list: tuple[tuple[u16, ...], ...],
        version_keys: tuple[u64, ...],
    ) -> None:
        """Show several votes on a network, all or none; the last one counts."""
        hotkey = origin.signed()
        if len({len(uids_list), len(values_list), len(salts_list), len(version_keys)}) > 1:
            raise self.Errors.InputLengthsUnequal()
        self.check_stake_to_vote(hotkey, netuid)
        reveals = list(zip(uids_list, values_list, salts_list, version_keys, strict=True))
        hashes = [commitment(hotkey, netuid, (uids, values), salt, key) for uids, values, salt, key in reveals]
        for digest in hashes:
            self.check_reveal(hotkey, (netuid, 0), digest)
        self._check_hidden(netuid)
        line = self._waiting(netuid, self.WeightCommits[netuid, hotkey] or (), self.epoch_now(netuid))
        self.WeightCommits[netuid, hotkey] = line or None
        for (uids, values, _, key), digest in zip(reveals, hashes, strict=True):
            place = self._place_in_line(hotkey, netuid, digest)
            waiting = self.WeightCommits[netuid, hotkey] or ()
            self.WeightCommits[netuid, hotkey] = (*waiting[:place], *waiting[place + 1 :]) or None
            self.store_weights(hotkey, (netuid, 0), uids, values, key)
        self.system.deposit(self.Events.WeightsBatchRevealed(hotkey, netuid, tuple(hashes)))

    @call(113, pays=False)
    def commit_timelocked_weights(
        self, origin: Origin, netuid: u16, commit: Blob, reveal_round: u64, commit_reveal_version: u16
    ) -> None:
        """Lock a vote until a round of the beacon."""
        self._lock(origin.signed(), (netuid, 0), commit, reveal_round, commit_reveal_version)

    @call(118, pays=False)
    def commit_timelocked_mechanism_weights(
        self, origin: Origin, netuid: u16, mecid: u8, commit: Blob, reveal_round: u64, commit_reveal_version: u16
    ) -> None:
        """Lock a vote on one of a network's mechanisms until a round of the beacon."""
        self._lock(origin.signed(), (netuid, mecid), commit, reveal_round, commit_reveal_version)

    @call(117, pays=False)
    def commit_crv3_mechanism_weights(
        self, origin: Origin, netuid: u16, mecid: u8, commit: Blob, reveal_round: u64
    ) -> None:
        """The same, as it was called before it had a version."""
        self._lock(origin.signed(), (netuid, mecid), commit, reveal_round, _VERSION)

    def reveal_timelocked(self) -> None:
        """Open what was locked for the epoch that has come, where the beacon has spoken; drop what is older."""
        if not len(self.TimelockedWeightCommits):
            return
        _, waiting = self.epochs_due()
        for netuid in self.subnets():
            # A network whose epoch has to wait opens its votes in the block in which it runs.
            if netuid not in waiting:
                self._reveal_on(netuid)

    def epoch_now(self, netuid: int) -> int:
        """The number of the epoch that votes sent now are for."""
        return self.SubnetEpochIndex[netuid] + (1 if self.should_run_epoch(netuid) else 0)

    def _reveal_on(self, netuid: int) -> None:
        due = max(self.epoch_now(netuid) - self.RevealPeriodEpochs[netuid], 0)
        for index in self.mechanisms(netuid):
            for epoch, commits in self.TimelockedWeightCommits.under(index):
                if epoch < due:
                    del self.TimelockedWeightCommits[index, epoch]
                elif epoch == due and self.epoch_now(netuid) >= self.RevealPeriodEpochs[netuid]:
                    left = tuple(one for one in commits if not self._open(netuid, index, one))
                    if not left:
                        del self.TimelockedWeightCommits[index, epoch]
                    elif left != commits:
                        self.TimelockedWeightCommits[index, epoch] = left

    def _hide(self, hotkey: bytes, place: tuple[int, int], digest: bytes) -> None:
        self.check_stake_to_vote(hotkey, place[0])
        self.check_rate(hotkey, place, self.Errors.CommittingWeightsTooFast)
        self._commit(hotkey, place, digest)

    def _commit(self, hotkey: bytes, place: tuple[int, int], digest: bytes) -> None:
        self.check_mechanism(*place)
        self._check_hidden(place[0])
        uid = self._committer(hotkey, place)
        index, now = mechanism_index(*place), self.epoch_now(place[0])
        waiting = self._waiting(place[0], self.WeightCommits[index, hotkey] or (), now)
        if len(waiting) >= _MOST:
            raise self.Errors.TooManyUnrevealedCommits()
        self.WeightCommits[index, hotkey] = (*waiting, (digest, now, self.system.block, 0))
        self.system.deposit(self.Events.WeightsCommitted(hotkey, index, digest))
        self.note_update(place, uid)

    def _reveal(
        self,
        hotkey: bytes,
        place: tuple[int, int],
        votes: tuple[Sequence[int], Sequence[int]],
        salt: Sequence[int],
        version_key: int,
    ) -> None:
        netuid, index = place[0], mechanism_index(*place)
        wanted = commitment(hotkey, index, votes, salt, version_key)
        self.check_stake_to_vote(hotkey, netuid)
        self.check_reveal(hotkey, place, wanted)
        self._check_hidden(netuid)
        at = self._place_in_line(hotkey, index, wanted)
        self.WeightCommits[index, hotkey] = (self.WeightCommits[index, hotkey] or ())[at + 1 :] or None
        self.store_weights(hotkey, place, *votes, version_key)
        self.system.deposit(self.Events.WeightsRevealed(hotkey, index, wanted))

    def check_reveal(self, hotkey: bytes, place: tuple[int, int], digest: bytes) -> None:
        """Refuse to show what was not committed to, or not in its epoch."""
        netuid, index = place[0], mechanism_index(*place)
        since = next((one[1] for one in self.WeightCommits[index, hotkey] or () if one[0] == digest), None)
        if since is None:
            raise self.Errors.NoWeightsCommitFound()
        if self.epoch_now(netuid) != since + self.RevealPeriodEpochs[netuid]:
            raise self.Errors.RevealTooEarly()

    def check_round(self, round_: int) -> None:
        """Refuse to lock a vote until a round that is over."""
        if round_ < self.beacon.last_round():
            raise self.Errors.InvalidRevealRound()

    def _place_in_line(self, hotkey: bytes, index: int, digest: bytes) -> int:
        digests = [one[0] for one in self.WeightCommits[index, hotkey] or ()]
        if digest not in digests:
            raise self.Errors.InvalidRevealCommitHashNotMatch()
        return digests.index(digest)

    def _lock(self, hotkey: bytes, place: tuple[int, int], commit: bytes, round_: int, version: int) -> None:
        if len(commit) > _LARGEST:
            raise self.Errors.InvalidValue()
        self.check_stake_to_vote(hotkey, place[0])
        self.check_round(round_)
        self.check_mechanism(*place)
        self._check_hidden(place[0])
        if version != self.CommitRevealWeightsVersion.value:
            raise self.Errors.IncorrectCommitRevealVersion()
        uid = self._committer(hotkey, place)
        index, now = mechanism_index(*place), self.epoch_now(place[0])
        commits = self.TimelockedWeightCommits[index, now]
        if sum(who == hotkey for who, _, _, _ in commits) >= _MOST:
            raise self.Errors.TooManyUnrevealedCommits()
        self.TimelockedWeightCommits[index, now] = (*commits, (hotkey, self.system.block, commit, round_))
        self.system.deposit(self.Events.TimelockedWeightsCommitted(hotkey, index, blake2_256(commit), round_))
        self.note_update(place, uid)

    def _committer(self, hotkey: bytes, place: tuple[int, int]) -> int:
        uid = self.Uids[place[0], hotkey]
        if uid is None:
            raise self.Errors.HotKeyNotRegisteredInSubNet()
        if not self.may_update(place, uid):
            raise self.Errors.CommittingWeightsTooFast()
        return uid

    def _check_hidden(self, netuid: int) -> None:
        if not self.CommitRevealWeightsEnabled[netuid]:
            raise self.Errors.CommitRevealDisabled()

    def _waiting(self, netuid: int, commits: _Line, now: int) -> _Line:
        """The commits without those in front that are over."""
        return tuple(dropwhile(lambda one: self._is_over(netuid, one[1], now), commits))

    def _is_over(self, netuid: int, committed: int, now: int) -> bool:
        return now > committed + self.RevealPeriodEpochs[netuid]

    def _open(self, netuid: int, index: int, commit: tuple[bytes, int, bytes, int]) -> bool:
        """Whether a locked vote is done with: opened, or found to be none."""
        hotkey, _, sealed, round_ = commit
        signature = self.beacon.signature(round_)
        if signature is None:
            return False
        opened = open_commit(sealed, round_, signature)
        if opened is None or opened.hotkey not in (hotkey, None):
            return True
        mark = self.state.mark()
        try:
            self._count(hotkey, (netuid, self.mechanisms(netuid).index(index)), opened)
        except DispatchFailure:
            self.state.rollback(mark)
            return True
        self.system.deposit(self.Events.TimelockedWeightsRevealed(index, hotkey))
        return True

    def _count(self, hotkey: bytes, place: tuple[int, int], opened: Opened) -> None:
        self.store_weights(hotkey, place, opened.uids, opened.values, opened.version_key)
