# SPDX-License-Identifier: Apache-2.0
"""A definition that gives nonsense, a clock that jumps, miners that come and go, a subnet that shrinks, a full disk."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.calls import CommitWeights, Register, RevealWeights, SetWeights
from protocols.clock import SystemClock
from protocols.columns import Flags, Floats
from protocols.keys import Keypair
from protocols.metagraph import Metagraph
from protocols.task import Replies, Task
from protocols.types import Block, NetUid
from subnet.chain.local import signing
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.composites import Variant
from tests.validators.reach import Reach, reach
from tests.validators.world import ME, NETUID, Doubling, WatchedChain, hotkey, miner_key, off_by, world
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.round import Round

OPTIONS = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2, interval_s=0.01, most_backoff_s=0.05)
HIDDEN = {"commit_reveal_weights_enabled": True}


class Turning(Doubling):
    """Scores well until told otherwise."""

    name = "turning"

    def __init__(self) -> None:
        self.nonsense: Any = None

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        if self.nonsense is None:
            return super().score(task, replies)
        if isinstance(self.nonsense, Exception):
            raise self.nonsense
        given: Sequence[float] = self.nonsense(len(list(replies)))
        return given


class Drifting(Doubling):
    """Moves scores well until told otherwise."""

    name = "drifting"
    is_wrong = False

    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        moved = super().aggregate(scores, rewards, asked)
        return np.full_like(moved, np.nan) if self.is_wrong else moved


class Enough(BaseException):
    """The test has seen what it wants to see."""


class Passing(WatchedChain):
    """A chain on which a block passes each time that somebody looks at it, until an epoch comes."""

    last: int | None = None

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        found = await super().metagraph(netuid, block)
        if self.last is not None:
            self._chain.seal()
            if (await self._chain.epoch(netuid)).index >= self.last:
                raise Enough
        return found


async def run_epochs(validator: Validator, chain: Passing, count: int) -> None:
    """The validator as its service runs it, for so many epochs."""
    chain.last = (await chain.epoch(NETUID)).index + count
    with suppress(Enough):
        await validator.run()
    chain.last = None


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda n: [float("nan")] * n,
        lambda n: [float("inf")] * n,
        lambda n: [-1.0] * n,
        lambda n: [1.0] * (n + 1),
        lambda n: None,
        lambda n: [[1.0]] * n,
        ZeroDivisionError("division by zero"),
    ],
    ids=["nan", "infinite", "negative", "too many", "nothing", "nested", "raises"],
)
async def test_nonsense_of_a_score_function_counts_nothing_and_costs_no_epochs_weights(
    tmp_path: Path, nonsense: Any
) -> None:
    async with world(tmp_path) as w:
        miners = [await w.add_miner(f"m{at}", off_by(at)) for at in range(3)]
        await w.add_validator()
        chain, store, definition = Passing(w.chain), await w.store(), Turning()
        validator = w.validator(store, chain, definition=definition, options=OPTIONS)
        await w.steps(validator, 12)
        journal = await store.journal(w.chain.genesis, NETUID, hotkey(ME))
        before, weights = await journal.standings(), await w.my_weights()
        assert set(weights) == set(miners)
        definition.nonsense = nonsense
        await run_epochs(validator, chain, 3)
        assert await journal.standings() == before, "the old scores stay"
        definition.nonsense = None
        await w.steps(validator, 12)
        epochs = chain.epochs_of(SetWeights)
        assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
        assert len(epochs) >= 5
        assert await w.my_weights() == weights, "value for value"


async def test_scores_that_an_aggregate_poisons_are_not_kept_and_weights_go_on(tmp_path: Path) -> None:
    async with world(tmp_path, HIDDEN) as w:
        for at in range(3):
            await w.add_miner(f"m{at}", off_by(at))
        await w.add_validator()
        chain, store, definition = Passing(w.chain), await w.store(), Drifting()
        validator = w.validator(store, chain, definition=definition, options=OPTIONS)
        await w.steps(validator, 25)
        weights = await w.my_weights()
        assert weights
        definition.is_wrong = True
        await run_epochs(validator, chain, 3)
        definition.is_wrong = False
        await w.steps(validator, 12)
        epochs, reveals = chain.epochs_of(CommitWeights), chain.epochs_of(RevealWeights)
        assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
        assert reveals == [epoch + 1 for epoch in epochs[: len(reveals)]]
        assert await w.my_weights() == weights


class Jumping(SystemClock):
    """A wall clock that somebody sets."""

    def __init__(self) -> None:
        self.off_s = 0.0

    def time_ns(self) -> int:
        return super().time_ns() + int(self.off_s * 1e9)


@pytest.mark.parametrize("dials", [{}, HIDDEN])
async def test_a_wall_clock_that_jumps_by_hours_moves_no_weights(tmp_path: Path, dials: dict[str, bool]) -> None:
    async with world(tmp_path, dials) as w:
        for at in range(3):
            await w.add_miner(f"m{at}", off_by(at))
        await w.add_validator()
        w.clock = clock = Jumping()
        chain, store = WatchedChain(w.chain), await w.store()
        validator = w.validator(store, chain, options=OPTIONS)
        await w.steps(validator, 25)
        weights, answered = await w.my_weights(), []
        for off_s in (3 * 3600.0, -2 * 3600.0, 0.0):
            clock.off_s = off_s
            rounds = await w.steps(validator, 10)
            answered.append(sum(done.answered for done in rounds))
            if not dials:
                assert await w.my_weights() == weights
        assert answered[:2] == [0, 0], "miners take nothing that was signed hours away"
        assert answered[2] == 30
        epochs = chain.epochs_of(CommitWeights if dials else SetWeights)
        assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
        assert len(epochs) >= 5
        assert await w.my_weights() == weights


async def test_a_miner_that_takes_over_a_uid_gets_nothing_of_what_its_holder_earned(tmp_path: Path) -> None:
    for dials in ({}, HIDDEN):
        folder = tmp_path / str(len(dials))
        folder.mkdir()
        rules = {"max_allowed_uids": 5, "min_allowed_uids": 4, "immunity_period": 0, **dials}
        async with world(folder, rules) as w:
            await w.add_validator()
            miners = [await w.add_miner(f"m{at}", off_by(at)) for at in range(3)]
            w.chain.seal()
            chain, store = WatchedChain(w.chain), await w.store()
            validator = w.validator(store, chain, options=OPTIONS)
            await w.steps(validator, 22)
            before = (await w.chain.metagraph(NETUID)).hotkeys
            await w.submit(Register(NETUID, hotkey(miner_key("new"))))
            after = (await w.chain.metagraph(NETUID)).hotkeys
            (uid,) = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
            assert before[uid] in miners
            rounds: list[Round] = await w.steps(validator, 25)
            held = await w.my_weights()
            assert {who for who, value in held.items() if value} == set(miners) - {before[uid]}
            assert hotkey(miner_key("new")) not in rounds[-1].scores or not rounds[-1].scores[after[uid]]
            epochs = chain.epochs_of(CommitWeights if dials else SetWeights)
            assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))


async def trim(found: Reach, places: int) -> None:
    """Take places away, as root may."""
    node, root = found.local.node, Keypair.from_uri("//Alice")
    assert isinstance(node.runtime, Runtime)
    inner = Variant("AdminUtils", (Variant("sudo_trim_to_max_allowed_uids", (int(NETUID), places)),))
    call, nonce = Variant("Sudo", (Variant("sudo", (inner,)),)), node.next_nonce(root.public_key)
    await node.submit(signing.signed(node.runtime, node.hash_at(0) or b"", call, root, nonce))
    found.local.seal()


@pytest.mark.parametrize("is_hidden", [False, True])
async def test_a_subnet_that_shrinks_gives_out_uids_anew_and_weights_stay_with_their_miners(
    tmp_path: Path, is_hidden: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rules = {"MinAllowedUids": 3, "ImmunityPeriod": 1, "CommitRevealWeightsEnabled": is_hidden}
    async with reach(tmp_path, rules) as found:
        late = await found.world.add_miner("late", off_by(0))  # after ourselves
        store = await found.world.store()
        validator = found.world.validator(store, found.local, options=OPTIONS)
        for _ in range(24):
            await validator.step()
            found.local.seal()
        old = await found.local.metagraph(NETUID)
        await trim(found, old.n - 1)
        new = await found.local.metagraph(NETUID)
        assert new.n == old.n - 1
        assert new.uid_of(late) == old.uid_of(late) - 1
        (gone,) = set(old.hotkeys) - set(new.hotkeys)
        for _ in range(24):
            await validator.step()
            found.local.seal()
        assert ("stay hidden" in caplog.text) is is_hidden, "uids that were committed to are of others now"
        held = found.shown[await found.epoch()]
        earned = {late: 1.0, **{hotkey(miner_key(f"m{at}")): 1 / (1 + at) for at in range(3)}}
        left = {who: worth for who, worth in earned.items() if who != gone}
        assert {who: value / 65_535 for who, value in held.items()} == pytest.approx(left, abs=1e-4)
        epochs = found.epochs()
        assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))


@pytest.mark.parametrize("rules", ["open", "hidden"])
def test_a_full_disk_loses_nothing_sends_nothing_twice_and_is_over_when_there_is_room(
    tmp_path: Path, rules: str
) -> None:
    command = [sys.executable, "-m", "tests.validators.filling", str(tmp_path), rules]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=True
    )
    told = json.loads(done.stdout)
    assert told["failed"] > 0, "the disk was full"
    assert "df -h" in told["help"] or "disk" in told["help"]
    assert told["epochs"] == sorted(set(told["epochs"])), "twice in one epoch"
    assert told["before"] >= 2
    assert told["after"] >= 2, "it goes on when there is room"
    assert told["kept"] == told["scored"], "every round that was done is in the store"
    assert told["weights"] == told["landed"], "the chain holds what the store says"
