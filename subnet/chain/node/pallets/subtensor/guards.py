# SPDX-License-Identifier: Apache-2.0
"""What the pool looks at before a block does, so that calls which cost nothing cannot fill blocks in vain.

Votes, addresses, takes and new networks are turned away by a number when they could only fail. The same is looked at
again when the call is carried out, where it may come from within another call that the pool did not look into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.pallets.subtensor.accounts import mechanism_index
from subnet.chain.node.pallets.subtensor.commits import Commits, commitment
from subnet.chain.node.pallets.subtensor.networks import Networks
from subnet.chain.node.pallets.subtensor.serving import Serving
from subnet.chain.node.validity import InvalidTransaction

__all__ = ["Guards"]

_NUMBERS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "NotEnoughStakeToSetWeights": 1,
        "HotKeyAccountNotExists": 4,
        "CommittingWeightsTooFast": 6,
        "NetworkTxRateLimitExceeded": 6,
        "SettingWeightsTooFast": 6,
        "HotKeyNotRegisteredInNetwork": 10,
        "InvalidIpAddress": 11,
        "ServingRateLimitExceeded": 12,
        "InvalidPort": 13,
        "InvalidRevealRound": 15,
        "NoWeightsCommitFound": 16,
        "RevealTooEarly": 17,
        "InputLengthsUnequal": 18,
        "NonAssociatedColdKey": 25,
        "DelegateTakeTooLow": 26,
        "DelegateTakeTooHigh": 27,
    }
)
_OTHER: Final = 255
_MAIN: Final = 0


class Guards(Commits, Serving, Networks):
    """The checks of the chain's transaction extension."""

    def screen(self, who: bytes, call: str, arguments: tuple[Any, ...]) -> None:
        """Turn a call away that could only fail."""
        guard = getattr(self, f"_guard_{call}", None)
        if guard is None:
            return
        try:
            guard(who, *arguments)
        except DispatchFailure as failure:
            _, (number, *_) = failure.reason.fields[0]
            name = next(error.name for error in self.errors() if error.index == number)
            raise InvalidTransaction("Custom", _NUMBERS.get(name, _OTHER)) from failure

    def _guard_set_weights(self, who: bytes, netuid: int, *vote: Any) -> None:
        self._guard_set_mechanism_weights(who, netuid, _MAIN, *vote)

    def _guard_set_mechanism_weights(self, who: bytes, netuid: int, mechanism: int, *_: Any) -> None:
        self.check_stake_to_vote(who, netuid)
        if not self.CommitRevealWeightsEnabled[netuid]:
            self.check_rate(who, (netuid, mechanism), self.Errors.SettingWeightsTooFast)

    def _guard_batch_set_weights(self, who: bytes, netuids: Sequence[int], *lists: Sequence[Any]) -> None:
        self._guard_lengths(netuids, *lists)
        self.check_stakes_to_vote(who, netuids)

    def _guard_commit_weights(self, who: bytes, netuid: int, *_: Any) -> None:
        self._guard_commit_mechanism_weights(who, netuid, _MAIN)

    def _guard_commit_mechanism_weights(self, who: bytes, netuid: int, mechanism: int, *_: Any) -> None:
        self.check_stake_to_vote(who, netuid)
        self.check_rate(who, (netuid, mechanism), self.Errors.CommittingWeightsTooFast)

    def _guard_batch_commit_weights(self, who: bytes, netuids: Sequence[int], *lists: Sequence[Any]) -> None:
        self._guard_batch_set_weights(who, netuids, *lists)

    def _guard_reveal_weights(self, who: bytes, netuid: int, *shown: Any) -> None:
        self._guard_reveal_mechanism_weights(who, netuid, _MAIN, *shown)

    def _guard_reveal_mechanism_weights(self, who: bytes, netuid: int, mechanism: int, *shown: Any) -> None:
        self.check_stake_to_vote(who, netuid)
        self._guard_shown(who, (netuid, mechanism), shown)

    def _guard_batch_reveal_weights(self, who: bytes, netuid: int, *lists: Sequence[Any]) -> None:
        self._guard_lengths(*lists)
        self.check_stake_to_vote(who, netuid)
        for shown in zip(*lists, strict=True):
            self._guard_shown(who, (netuid, _MAIN), shown)

    def _guard_commit_timelocked_weights(self, who: bytes, netuid: int, _: bytes, round_: int, *__: Any) -> None:
        self.check_stake_to_vote(who, netuid)
        self.check_round(round_)

    def _guard_commit_timelocked_mechanism_weights(
        self, who: bytes, netuid: int, _: int, commit: bytes, round_: int, *__: Any
    ) -> None:
        self._guard_commit_timelocked_weights(who, netuid, commit, round_)

    def _guard_commit_crv3_mechanism_weights(
        self, who: bytes, netuid: int, _: int, commit: bytes, round_: int, *__: Any
    ) -> None:
        self._guard_commit_timelocked_weights(who, netuid, commit, round_)

    def _guard_register_network(self, who: bytes, hotkey: bytes) -> None:
        self.check_network_rate()

    def _guard_increase_take(self, who: bytes, hotkey: bytes, take: int) -> None:
        if take < self.MinDelegateTake.value:
            raise self.Errors.DelegateTakeTooLow()
        if take > self.MaxDelegateTake.value:
            raise self.Errors.DelegateTakeTooHigh()
        self.check_hotkey(hotkey)
        if self.Owner[hotkey] != who:
            raise self.Errors.NonAssociatedColdKey()

    def _guard_decrease_take(self, who: bytes, hotkey: bytes, take: int) -> None:
        self._guard_increase_take(who, hotkey, take)

    def _guard_serve_axon(self, who: bytes, netuid: int, *axon: Any) -> None:
        _, ip, port, ip_type, *_ = axon
        self.check_axon(who, netuid, ip_type, ip, port)

    def _guard_serve_axon_tls(self, who: bytes, *axon: Any) -> None:
        self._guard_serve_axon(who, *axon)

    def _guard_serve_prometheus(self, who: bytes, netuid: int, _: int, ip: int, port: int, ip_type: int) -> None:
        self.check_prometheus(who, netuid, ip_type, ip, port)

    def _guard_lengths(self, *lists: Sequence[Any]) -> None:
        if len({len(one) for one in lists}) > 1:
            raise self.Errors.InputLengthsUnequal()

    def _guard_shown(self, who: bytes, place: tuple[int, int], shown: tuple[Any, ...]) -> None:
        uids, values, salt, version_key = shown
        self.check_reveal(who, place, commitment(who, mechanism_index(*place), (uids, values), salt, version_key))
