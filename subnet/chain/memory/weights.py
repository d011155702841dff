# SPDX-License-Identifier: Apache-2.0
"""How validators vote: in the open, or hidden first and shown an epoch or more later.

The checks come in the chain's order, so that of two mistakes the same one is named. Weights are stored stretched to
65535, as the chain stores them, whatever was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from incentive.emission.stake import total_stake_bits
from incentive.fixed import I64F64
from incentive.quantise import upscale_u16
from protocols.balance import Balance
from protocols.calls import CommitTimelockedWeights, CommitWeights, RevealWeights, SetWeights
from protocols.chain import Event
from protocols.keys import short
from protocols.types import Hotkey, Uid
from subnet.chain.memory.accounts import account
from subnet.chain.memory.outcomes import Done, happened, refused, registered
from subnet.chain.memory.stakes import stakes_of
from subnet.chain.memory.state import ROOT, Commit, Network, State

__all__ = ["commit_timelocked_weights", "commit_weights", "live", "reveal_weights", "set_weights"]

_MOST_COMMITS: Final = 10


def set_weights(state: State, call: SetWeights, signer: str) -> Done:
    """Set the signer's weights in the open."""
    network = _voted_on(state, call.netuid)
    _check_stake(state, network, signer)
    if (uid := network.uid(signer)) is not None:
        _check_rate(state, network, uid, "SettingWeightsTooFast")
    if network.hyperparameters.commit_reveal_weights_enabled:
        raise refused(
            "CommitRevealEnabled",
            f"weights of subnet {call.netuid} are hidden at first, these were sent in the open",
            "submit reveal.commitment(hotkey) now and the RevealWeights itself later",
        )
    state, uid = _voted(state, network, call, signer)
    seat = replace(state.network(call.netuid).seats[uid], last_update=state.block)
    state = state.with_network(state.network(call.netuid).with_seat(uid, seat))
    return Done(state, (happened("WeightsSet", {"netuid": call.netuid, "uid": uid}),))


def commit_weights(state: State, call: CommitWeights, signer: str) -> Done:
    """Commit the signer to weights by their hash."""
    network = _voted_on(state, call.netuid)
    _check_hidden(network)
    uid = registered(network, signer)
    _check_rate(state, network, uid, "CommittingWeightsTooFast")
    commits = live(network, network.seats[uid].commits, state.block)
    if len(commits) >= _MOST_COMMITS:
        raise refused(
            "TooManyUnrevealedCommits",
            f"{len(commits)} commits wait to be revealed, expected fewer than {_MOST_COMMITS}",
            "reveal them, or wait until they expire",
        )
    commits = (*commits, Commit(call.commit_hash, network.epoch_at(state.block), state.block))
    seat = replace(network.seats[uid], commits=commits, last_update=state.block)
    event = _about_hash("WeightsCommitted", network, signer, call.commit_hash)
    return Done(state.with_network(network.with_seat(uid, seat)), (event,))


def reveal_weights(state: State, call: RevealWeights, signer: str) -> Done:
    """Show the weights behind a commit and set them; commits before it are dropped."""
    network = _voted_on(state, call.netuid)
    _check_hidden(network)
    wanted, holder = call.commitment(Hotkey(signer)).commit_hash, network.uid(signer)
    commits = () if holder is None else network.seats[holder].commits
    waiting = live(network, commits, state.block)
    place = next((at for at, commit in enumerate(waiting) if commit.hash == wanted), None)
    if place is None:
        raise _no_commit(network, commits, wanted, state.block)
    now, first = network.epoch_at(state.block), waiting[place].epoch + _period(network)
    if now != first:
        raise refused(
            "RevealTooEarly",
            f"the commit of epoch {waiting[place].epoch} opens in epoch {first}, now is {now}",
            "wait for the epoch: await chain.epoch(netuid)",
        )
    uid = registered(network, signer)
    network = network.with_seat(uid, replace(network.seats[uid], commits=waiting[place + 1 :]))
    _check_stake(state, network, signer)
    revealed = SetWeights(call.netuid, call.uids, call.values, call.version_key)
    state, uid = _voted(state, network, revealed, signer)
    events = (
        happened("WeightsSet", {"netuid": call.netuid, "uid": uid}),
        _about_hash("WeightsRevealed", network, signer, wanted),
    )
    return Done(state, events)


def commit_timelocked_weights(state: State, call: CommitTimelockedWeights, signer: str) -> Done:
    """Refused: nobody publishes the rounds of randomness that would open these weights here."""
    raise refused(
        "CallDisabled",
        f"weights locked until round {call.reveal_round} were sent by {short(signer)} at block {state.block}, and this "
        "chain reads no randomness beacon that could open them",
        "submit reveal.commitment(hotkey), and the RevealWeights itself an epoch later",
    )


def live(network: Network, commits: Sequence[Commit], block: int) -> tuple[Commit, ...]:
    """The commits that can still be revealed, now or later."""
    now = network.epoch_at(block)
    return tuple(commit for commit in commits if commit.epoch + _period(network) >= now)


def _period(network: Network) -> int:
    return network.hyperparameters.reveal_period_epochs


def _voted_on(state: State, netuid: int) -> Network:
    if netuid == ROOT:
        raise refused("CanNotSetRootNetworkWeights", f"netuid is {ROOT}, expected a subnet from 1 up")
    return state.network(netuid)


def _voted(state: State, network: Network, call: SetWeights, signer: str) -> tuple[State, Uid]:
    """The state with new weights, if all that the two ways of setting them have in common is in order."""
    n, dials = len(network.seats), network.hyperparameters
    if len(call.uids) > n:
        raise refused("UidsLengthExceedUidsInSubNet", f"{len(call.uids)} uids were weighed, there are {n}")
    uid = registered(network, signer)
    if 0 < dials.weights_version_key > call.version_key:
        raise refused(
            "IncorrectWeightVersionKey",
            f"version key is {call.version_key}, subnet {call.netuid} asks for {dials.weights_version_key} or more",
            "update the validator's code, which states its version",
        )
    on_self = call.uids == (uid,)
    if not (network.seats[uid].permit or on_self or network.hotkey == signer):
        raise refused(
            "NeuronNoValidatorPermit",
            f"uid {uid} has no validator permit, the last epoch gave them to those with most stake",
            "stake on the hotkey: AddStake(netuid, hotkey, amount), and wait for an epoch",
        )
    _check_uids(call, n)
    if not on_self and len(call.uids) < (least := min(n, dials.min_allowed_weights)):
        raise refused("WeightVecLengthIsLow", f"{len(call.uids)} uids were weighed, expected {least} or more")
    row = tuple(zip(call.uids, upscale_u16(call.values).tolist(), strict=True))
    return state.with_network(network.with_seat(uid, replace(network.seats[uid], weights=row))), uid


def _check_uids(call: SetWeights, n: int) -> None:
    if len(set(call.uids)) < len(call.uids):
        twice = next(uid for at, uid in enumerate(call.uids) if uid in call.uids[:at])
        raise refused("DuplicateUids", f"uid {twice} is weighed twice, expected each uid once")
    if call.uids and max(call.uids) >= n:
        raise refused("UidVecContainInvalidOne", f"uid {max(call.uids)} is weighed, subnet {call.netuid} has {n} uids")


def _check_stake(state: State, network: Network, signer: str) -> None:
    least = state.rules.stake_threshold
    if least == 0 or signer == network.hotkey:
        return
    rao = I64F64.floor(total_stake_bits(stakes_of(state, network, [signer]), [account(signer)])[0])
    held, wanted = Balance(rao, network.netuid), Balance(least, network.netuid)
    if held < wanted:
        raise refused(
            "NotEnoughStakeToSetWeights",
            f"the stake of {short(signer)} weighs {held}, expected {wanted}",
            "stake on the hotkey: AddStake(netuid, hotkey, amount)",
        )


def _check_rate(state: State, network: Network, uid: int, name: str) -> None:
    last, limit = network.seats[uid].last_update, network.hyperparameters.weights_set_rate_limit
    if last and state.block - last < limit:
        raise refused(
            name,
            f"uid {uid} was updated at block {last}, the next weights may come at {last + limit}, now is {state.block}",
            "set weights once an epoch; a registration counts as an update too",
        )


def _check_hidden(network: Network) -> None:
    if not network.hyperparameters.commit_reveal_weights_enabled:
        raise refused(
            "CommitRevealDisabled",
            f"weights of subnet {network.netuid} are set in the open, these were hidden",
            "submit SetWeights",
        )


def _no_commit(network: Network, commits: Sequence[Commit], wanted: bytes, block: int) -> Exception:
    if not commits:
        return refused("NoWeightsCommitFound", f"0 commits wait to be revealed, one of 0x{wanted.hex()} was expected")
    old = next((commit for commit in commits if commit.hash == wanted), None)
    if old is not None:
        last = old.epoch + _period(network)
        now = network.epoch_at(block)
        return refused("ExpiredWeightCommit", f"the commit could be opened until epoch {last}, now is {now}")
    known = ", ".join(f"0x{commit.hash.hex()}" for commit in commits)
    return refused(
        "InvalidRevealCommitHashNotMatch",
        f"these weights hash to 0x{wanted.hex()}, committed were {known}",
        "reveal the same uids, values, salt and version key under the same hotkey",
    )


def _about_hash(name: str, network: Network, signer: str, digest: bytes) -> Event:
    return happened(name, {"hotkey": signer, "netuid": network.netuid, "hash": f"0x{digest.hex()}"})
