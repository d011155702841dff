# SPDX-License-Identifier: Apache-2.0
"""Weights on the chain: once an epoch, whatever dies, by hotkey, never for ourselves, and only where we may."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from protocols.balance import Balance
from protocols.calls import AddStake, Call, CommitWeights, Register, RevealWeights, SetWeights
from protocols.chain import Receipt
from protocols.columns import Floats
from protocols.errors import ChainUnreachable, ExtrinsicFailed
from protocols.keys import Signer
from protocols.types import Uid
from subnet.chain.memory import MemoryChain
from tests.validators.world import (
    ME,
    NETUID,
    PAYER,
    Doubling,
    WatchedChain,
    World,
    chance,
    hotkey,
    miner_key,
    off_by,
    world,
)
from validators.options import ValidatorOptions
from validators.store import Store

_T = TypeVar("_T")
OPTIONS = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2)
HIDDEN = {"commit_reveal_weights_enabled": True}


class Death(BaseException):
    """The process ends here."""


class Fate:
    """Counts what a validator does to the outside, and lets it die at one such moment."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.armed = False

    def moment(self, _: object = None) -> None:
        """One moment in which a process may die."""
        if self.armed:
            self.left -= 1
            if self.left == -1:
                raise Death


class DyingStore(Store):
    """A store whose process may die before each transaction: after it is before whatever comes next."""

    fate = Fate(-1)

    async def transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        self.fate.moment()
        return await super().transact(work)


async def lives(w: World, fate: Fate, epochs: int) -> WatchedChain:
    """Run a validator for some epochs, one round a block; where it dies it is started again."""
    chain = WatchedChain(w.chain)
    chain.before = chain.after = fate.moment

    async def start() -> tuple[DyingStore, Any]:
        store = DyingStore(w.folder / "validator.db")
        store.fate = fate
        return store, w.validator(store, chain, options=OPTIONS)

    first = (await w.chain.epoch(NETUID)).index
    store, validator = await start()
    while (now := (await w.chain.epoch(NETUID)).index) < first + epochs:
        fate.armed = fate.armed or now == first + 1
        try:
            await validator.step()
        except Death:
            await store.close()
            store, validator = await start()
        w.chain.seal()
    await store.close()
    return chain


def check_each_epoch_once(chain: WatchedChain, kind: type, *, least: int, period: int = 1) -> None:
    """Every epoch has its weights, and none has them twice; the last may be sent for the epoch that comes."""
    epochs = chain.epochs_of(kind)
    assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
    assert len(epochs) >= least
    if kind is CommitWeights:
        reveals = chain.epochs_of(RevealWeights)
        assert reveals == [epoch + period for epoch in epochs[: len(reveals)]]
        assert len(reveals) >= least - period


async def test_weights_are_set_exactly_once_an_epoch(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        chain = await lives(w, Fate(10**9), epochs=12)
        check_each_epoch_once(chain, SetWeights, least=12)


async def test_hidden_weights_are_committed_once_an_epoch_and_revealed_in_their_own(tmp_path: Path) -> None:
    for period in (1, 2):
        folder = tmp_path / str(period)
        folder.mkdir()
        async with world(folder, {**HIDDEN, "reveal_period_epochs": period}) as w:
            await w.add_miner("m", off_by(0))
            await w.add_validator()
            chain = await lives(w, Fate(10**9), epochs=8)
            check_each_epoch_once(chain, CommitWeights, least=8, period=period)
            assert await w.my_weights() == {hotkey(miner_key("m")): 65_535}


@pytest.mark.parametrize("kind", [SetWeights, CommitWeights])
@pytest.mark.parametrize("moments", [range(12), range(12, 24), range(24, 36)])
async def test_a_death_at_any_moment_neither_loses_nor_doubles_an_epochs_weights(
    tmp_path: Path, kind: type, moments: range
) -> None:
    dials = {"tempo": 6, **(HIDDEN if kind is CommitWeights else {})}
    for at in moments:
        folder = tmp_path / str(at)
        folder.mkdir()
        async with world(folder, dials) as w:
            await w.add_miner("m", off_by(0))
            await w.add_validator()
            fate = Fate(at)
            chain = await lives(w, fate, epochs=3)
        assert fate.left < 0, "nobody died"
        check_each_epoch_once(chain, kind, least=3)


@pytest.mark.parametrize("dials", [{}, HIDDEN])
async def test_a_round_in_the_last_block_of_an_epoch_counts_to_the_one_in_which_its_calls_land(
    tmp_path: Path, dials: dict[str, bool]
) -> None:
    async with world(tmp_path, dials) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        chain = WatchedChain(w.chain)
        validator = w.validator(await w.store(), chain)
        for _ in range(5):
            epoch = await w.chain.epoch(NETUID)
            assert epoch.next is not None
            w.chain.seal(epoch.next - 1 - await w.chain.block())
            await validator.step()
            w.chain.seal()
        check_each_epoch_once(chain, CommitWeights if dials else SetWeights, least=5)


class SlowLine(WatchedChain):
    """Says of one call that no answer came, and delivers it a few blocks later."""

    def __init__(self, chain: MemoryChain, at: int, delay: int) -> None:
        super().__init__(chain)
        self._at, self._delay = at, delay
        self._late: tuple[Call, Signer] | None = None

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        self._at -= 1
        if self._at != -1:
            return await super().submit(call, signer)
        self._late = call, signer
        raise ChainUnreachable("no answer")

    async def pass_block(self) -> None:
        """What lay in the line for long enough arrives."""
        self._delay -= self._late is not None
        if self._late is not None and self._delay == 0:
            await super().submit(*self._late)


@pytest.mark.parametrize("kind", [SetWeights, CommitWeights])
@pytest.mark.parametrize(("at", "delay"), [(0, 1), (0, 2), (0, 3), (1, 3), (2, 2), (3, 3)])
async def test_a_call_that_lands_late_is_waited_for_and_not_sent_twice(
    tmp_path: Path, kind: type, at: int, delay: int
) -> None:
    async with world(tmp_path, HIDDEN if kind is CommitWeights else {}) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        chain = SlowLine(w.chain, at, delay)
        validator = w.validator(await w.store(), chain, options=OPTIONS)
        for _ in range(50):
            await chain.pass_block()
            await validator.step()
            w.chain.seal()
        check_each_epoch_once(chain, kind, least=5)


async def test_weights_are_set_once_an_epoch_while_the_chain_comes_and_goes(tmp_path: Path) -> None:
    for seed, dials in ((1, {}), (3, HIDDEN)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        rng = chance(seed)

        def flap(_: str, rng: np.random.Generator = rng) -> None:
            if rng.random() < 0.1:
                raise ChainUnreachable("the line is bad")

        async with world(folder, {"tempo": 20, **dials}) as w:
            await w.add_miner("m", off_by(0))
            await w.add_validator()
            chain = WatchedChain(w.chain)
            chain.before = chain.after = flap
            validator = w.validator(await w.store(), chain, options=OPTIONS)
            for _ in range(170):
                with suppress(ChainUnreachable):
                    await validator.step()
                w.chain.seal()
        check_each_epoch_once(chain, CommitWeights if dials else SetWeights, least=8)


async def test_without_a_permit_miners_are_scored_and_nothing_is_sent_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "validators")
    async with world(tmp_path) as w:
        good = await w.add_miner("m", off_by(0))
        await w.add_validator(stake=0)
        chain = WatchedChain(w.chain)
        validator = w.validator(await w.store(), chain)
        rounds = await w.steps(validator, 25)
        assert not chain.taken
        assert rounds[-1].scores[good] > 0.9
        assert "no validator permit" in rounds[-1].reason
        assert caplog.text.count("no validator permit") == 1
        await w.submit(AddStake(NETUID, hotkey(ME), Balance.tao(100)))
        await w.next_epoch()
        assert (await validator.step()).submitted is not None


class Selfish(Doubling):
    """Gives everybody the same, itself included."""

    name = "selfish"

    def weigh(self, scores: Floats) -> Floats:
        return np.full_like(scores, 1 / len(scores))


async def test_no_weight_is_for_ourselves_and_missing_names_are_filled_up_with_zeros(tmp_path: Path) -> None:
    async with world(tmp_path, {"min_allowed_weights": 4}) as w:
        good = await w.add_miner("good", off_by(0))
        for at in range(4):
            await w.add_miner(f"silent{at}", None)
        await w.add_validator()
        store = await w.store()
        await w.steps(w.validator(store), 2)
        weights = await w.my_weights()
        assert {who: value for who, value in weights.items() if value} == {good: 65_535}
        assert len(weights) == 4
        await w.next_epoch()
        await w.steps(w.validator(store, definition=Selfish()), 2)
        weights = await w.my_weights()
        assert set(weights.values()) == {65_535}
        assert hotkey(ME) not in weights


class Silent(Doubling):
    """Never gives anybody anything."""

    name = "silent"

    def weigh(self, scores: Floats) -> Floats:
        return np.zeros_like(scores)


async def test_with_nothing_to_say_the_last_weights_hold_and_without_any_nothing_is_sent(tmp_path: Path) -> None:
    dials = {"max_allowed_uids": 5, "min_allowed_uids": 5, "immunity_period": 0}
    async with world(tmp_path, dials) as w:
        await w.add_validator()
        leaver, good, fair = [await w.add_miner(f"m{at}", off_by(at)) for at in (0, 1, 3)]
        w.chain.seal()
        store = await w.store()
        silent = w.validator(store, definition=Silent())
        assert "no miner has a score above zero" in (await silent.step()).reason
        await w.next_epoch()
        assert (await w.validator(store).step()).submitted is not None
        w.chain.seal()
        before = await w.my_weights()
        assert set(before) == {leaver, good, fair}
        await w.next_epoch()
        # Somebody leaves, so that the last weights are now those of fewer.
        await w.submit(Register(NETUID, hotkey(miner_key("new"))))
        left = ({leaver, good, fair} - set((await w.chain.metagraph(NETUID)).hotkeys)).pop()
        assert (await silent.step()).submitted is not None
        w.chain.seal()
        held = await w.my_weights()
        assert set(held) == {leaver, good, fair} - {left}
        first, second = held
        assert held[first] / held[second] == pytest.approx(before[first] / before[second], rel=1e-3)


async def test_a_hotkey_that_moved_between_scoring_and_sending_is_weighed_where_it_is(tmp_path: Path) -> None:
    dials = {"max_allowed_uids": 4, "min_allowed_uids": 4, "immunity_period": 0}
    async with world(tmp_path, dials) as w:
        await w.add_validator()
        one, two = [await w.add_miner(f"m{at}", off_by(at)) for at in range(2)]
        w.chain.seal()
        moved: list[bool] = []

        async def move() -> None:
            """One miner loses its uid to a newcomer."""
            await w.chain.submit(Register(NETUID, hotkey(miner_key("new"))), PAYER)
            w.chain.seal()

        class Late(WatchedChain):
            async def hyperparameters(self, netuid: Any) -> Any:
                if not moved:
                    moved.append(True)
                    await move()
                return await super().hyperparameters(netuid)

        chain = Late(w.chain)
        done = await w.validator(await w.store(), chain).step()
        assert set(done.rewards) == {one, two}
        w.chain.seal()
        stayed = {one, two} & set((await w.chain.metagraph(NETUID)).hotkeys)
        assert len(stayed) == 1
        assert set(await w.my_weights()) == stayed


async def test_weights_that_were_set_by_hand_in_this_epoch_are_not_set_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        await w.submit(SetWeights(NETUID, (Uid(0),), (65_535,)), ME)
        validator = w.validator(await w.store())
        done = await validator.step()
        assert done.submitted is None
        assert "the chain has weights of this hotkey since block" in done.reason
        await w.next_epoch()
        assert (await validator.step()).submitted is not None


async def test_weights_whose_block_was_replaced_are_set_again_in_the_same_epoch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        first, again = await w.replaced_round()
        assert first.submitted is not None
        assert again.submitted is not None
        assert again.epoch == first.epoch
        assert "the chain took back the weights" in caplog.text


async def test_the_rate_limit_is_waited_out_and_not_run_into(tmp_path: Path) -> None:
    async with world(tmp_path, {"weights_set_rate_limit": 25}) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        refused: list[Receipt] = []

        class Noting(WatchedChain):
            async def submit(self, call: Call, signer: Signer) -> Receipt:
                receipt = await super().submit(call, signer)
                refused.extend([receipt] if receipt.error else [])
                return receipt

        chain = Noting(w.chain)
        await w.steps(w.validator(await w.store(), chain), 100)
        blocks = [receipt.block for _, receipt, _ in chain.taken]
        assert len(blocks) == 4
        assert min(np.diff(blocks)) == 25
        assert not refused


class Refusing(WatchedChain):
    """Takes no weights, for a reason that a validator cannot read from it beforehand."""

    def __init__(self, chain: MemoryChain) -> None:
        super().__init__(chain)
        self.refused: list[Call] = []

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        self.refused.append(call)
        raise ExtrinsicFailed("NotEnoughStakeToSetWeights: the stake weighs 1, expected 1000")


async def test_a_refusal_is_said_and_tried_again_with_patience(tmp_path: Path) -> None:
    async with world(tmp_path, {"tempo": 100}) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        chain = Refusing(w.chain)
        rounds = await w.steps(w.validator(await w.store(), chain), 40)
        assert "NotEnoughStakeToSetWeights" in rounds[0].reason
        assert all(done.submitted is None for done in rounds)
        assert 3 <= len(chain.refused) <= 6


@pytest.mark.parametrize("dials", [{}, HIDDEN])
async def test_patience_never_lasts_for_much_of_an_epoch(tmp_path: Path, dials: dict[str, bool]) -> None:
    async with world(tmp_path, dials) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        store = await w.store()
        if dials:  # something to reveal, too
            assert (await w.validator(store).step()).submitted is not None
        chain = Refusing(w.chain)
        validator = w.validator(store, chain)
        await w.steps(validator, 10)
        tried = len(chain.refused)
        await w.steps(validator, 8)
        assert len(chain.refused) - tried >= 3
        done = await w.validator(store).step()
        assert done.submitted is not None


async def test_a_definition_that_is_older_than_the_subnet_asks_for_sends_nothing_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, {"weights_version_key": 2}) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        chain = WatchedChain(w.chain)
        submits: list[str] = []
        chain.before = lambda what: submits.append(what) if what == "submit" else None
        (done,) = await w.steps(w.validator(await w.store(), chain), 1)
        assert "takes weights of version 2 or later, this definition is of 1" in done.reason
        assert not submits


class Short(Doubling):
    """Weighs one miner only."""

    name = "short"

    def weigh(self, scores: Floats) -> Floats:
        return scores[:1]


class Poisoned(Doubling):
    """Divides by nothing."""

    name = "poisoned"

    def weigh(self, scores: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return scores / 0.0 - scores / 0.0


class Broken(Doubling):
    """Raises what designers raise."""

    name = "broken"

    def weigh(self, scores: Floats) -> Floats:
        raise KeyError("best")


@pytest.mark.parametrize("definition", [Short(), Poisoned(), Broken()])
async def test_what_is_no_weights_costs_no_epoch_and_the_last_good_ones_hold(
    tmp_path: Path, definition: Doubling, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path) as w:
        good, fair = await w.add_miner("good", off_by(0)), await w.add_miner("fair", off_by(1))
        await w.add_validator()
        store = await w.store()
        nothing = await w.validator(store, definition=definition).step()
        assert nothing.submitted is None
        assert f"weigh of {definition.ref()} failed with" in nothing.reason
        assert "neither does the chain hold any weights" in nothing.reason
        assert nothing.scores[good] == 0.5, "the round is kept all the same"
        assert (await w.validator(store).step()).submitted is not None
        w.chain.seal()
        before = await w.my_weights()
        assert set(before) == {good, fair}
        for _ in range(2):
            await w.next_epoch()
            done = await w.validator(store, definition=definition).step()
            assert done.submitted is not None
            assert "so the weights of epoch" in done.reason
            assert await w.my_weights() == before
            kept = await (await store.journal(w.chain.genesis, NETUID, hotkey(ME))).last_landed()
            assert kept is not None
            assert kept.because in caplog.text


async def test_what_the_chain_took_is_read_back_and_recorded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with world(tmp_path) as w:
        await w.add_miner("m", off_by(0))
        await w.add_validator()
        store = await w.store()
        validator = w.validator(store)
        first, second = await w.steps(validator, 2)
        assert first.submitted is not None
        journal = await store.journal(w.chain.genesis, NETUID, hotkey(ME))
        kept = await journal.last_landed()
        assert kept is not None
        assert (kept.state, kept.landed_at, kept.landed_epoch) == ("confirmed", first.submitted.block, first.epoch)
        assert kept.extrinsic_hash == first.submitted.extrinsic_hash
        assert second.reason == f"the weights of epoch {first.epoch} are set"
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
