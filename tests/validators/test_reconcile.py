# SPDX-License-Identifier: Apache-2.0
"""What was written down of our weights is held against the chain, and the chain is right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from protocols.calls import (
    Call,
    CommitTimelockedWeights,
    CommitWeights,
    Register,
    RevealWeights,
    SetHyperparameter,
    SetWeights,
)
from protocols.chain import Receipt
from protocols.hyperparameters import Value
from protocols.keys import Signer
from protocols.types import Block, Hotkey
from subnet.chain.memory import MemoryChain
from tests.validators.world import (
    ME,
    NETUID,
    OWNER,
    Doubling,
    WatchedChain,
    World,
    hotkey,
    miner_key,
    off_by,
    world,
)
from validators.moment import Moment, coming
from validators.options import ValidatorOptions
from validators.store import Journal, Standing, Store
from validators.submission import Submission
from validators.timelock import timelock_of
from validators.weights import Setter

OPTIONS = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2)
HIDDEN: Mapping[str, Value] = {"commit_reveal_weights_enabled": True}


async def journal_of(w: World, store: Store) -> Journal:
    """What our validator has written down."""
    return await store.journal(w.chain.genesis, NETUID, hotkey(ME))


async def begun(w: World) -> None:
    """A miner and ourselves."""
    await w.add_miner("m", off_by(0))
    await w.add_validator()


@pytest.mark.parametrize("dials", [{}, HIDDEN])
async def test_a_chain_that_began_anew_under_the_same_genesis_gets_its_weights(
    tmp_path: Path, dials: Mapping[str, Value]
) -> None:
    folders = [tmp_path / name for name in ("old", "new")]
    for folder in folders:
        folder.mkdir()
    async with world(folders[0], dials) as old, world(folders[1], dials) as new:
        assert old.chain.genesis == new.chain.genesis
        await begun(old)
        await begun(new)
        store = await old.store()
        await old.steps(old.validator(store, options=OPTIONS), 120)
        assert await old.chain.block() > await new.chain.block() + 64
        chain = WatchedChain(new.chain)
        await new.steps(new.validator(store, chain, options=OPTIONS), 30)
        epochs = chain.epochs_of(CommitWeights if dials else SetWeights)
        assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
        assert len(epochs) >= 3
        assert set(await new.my_weights()) == {hotkey(miner_key("m"))}


async def test_a_commitment_whose_block_was_replaced_is_made_again_in_the_same_epoch(tmp_path: Path) -> None:
    async with world(tmp_path, HIDDEN) as w:
        await begun(w)
        first, again = await w.replaced_round()
        assert first.submitted is not None
        assert again.submitted is not None
        assert again.epoch == first.epoch


async def test_to_register_is_not_to_set_weights(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.submit(Register(NETUID, hotkey(ME)))
        now = await Moment.read(w.chain, NETUID, hotkey(ME))
        assert now.me.last_update == now.me.block_at_registration
        assert now.updated_at is None
        before = Block(now.me.block_at_registration - 1)
        submission = Submission(epoch=0, call=SetWeights(NETUID, (), ()), weights=(), intended_at=before)
        assert not now.has_landed(submission)


async def test_a_call_without_a_receipt_is_waited_for_as_long_as_it_lives_or_the_epoch_has_room(
    tmp_path: Path,
) -> None:
    # Tempo and rate limit, and for how many blocks to wait where at least 4 are wanted.
    for tempo, limit, blocks in ((10, 1, 4), (360, 1, 64), (360, 100, 4), (80, 1, 20)):
        folder = tmp_path / f"{tempo}-{limit}"
        folder.mkdir()
        async with world(folder, {"tempo": tempo, "weights_set_rate_limit": limit}) as w:
            await w.submit(Register(NETUID, hotkey(ME)))
            w.chain.seal(100)
            now = await Moment.read(w.chain, NETUID, hotkey(ME))
            sent = Submission(epoch=0, call=SetWeights(NETUID, (), ()), weights=(), intended_at=now.block)
            waited = [now.may_land(replace(sent, intended_at=Block(now.block - ago)), 4) for ago in range(100)]
            assert waited == [True] * (blocks + 1) + [False] * (99 - blocks)


async def test_a_miner_that_leaves_after_it_was_weighed_is_no_contradiction(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dials = {"max_allowed_uids": 4, "min_allowed_uids": 4, "immunity_period": 0}
    async with world(tmp_path, dials) as w:
        await w.add_miner("one", off_by(0))
        await w.add_miner("two", off_by(1))
        await w.add_validator()
        store = await w.store()
        validator = w.validator(store)
        assert (await validator.step()).submitted is not None
        await w.submit(Register(NETUID, hotkey(miner_key("new"))))
        await validator.step()
        kept = await (await journal_of(w, store)).last_landed()
        assert kept is not None
        assert kept.state == "confirmed"
        assert "other weights" not in caplog.text


async def test_where_hiding_ends_nothing_is_revealed_and_the_next_weights_are_open(tmp_path: Path) -> None:
    async with world(tmp_path, HIDDEN) as w:
        await begun(w)
        chain = WatchedChain(w.chain)
        refused: list[str] = []
        validator = w.validator(await w.store(), chain, options=OPTIONS)
        assert (await validator.step()).submitted is not None
        await w.submit(SetHyperparameter(NETUID, "commit_reveal_weights_enabled", False), OWNER)
        chain.before = lambda what: refused.append(what) if what == "submit" else None
        await w.steps(validator, 40)
        kinds = [type(call) for call, _, _ in chain.taken]
        assert kinds == [CommitWeights] + [SetWeights] * (len(kinds) - 1)
        assert len(kinds) >= 4
        assert len(refused) == len(kinds) - 1, "nothing was sent that the chain refuses"


class Beacon(WatchedChain):
    """A chain that opens by itself what was encrypted for it, an epoch later."""

    def __init__(self, chain: MemoryChain) -> None:
        super().__init__(chain)
        self.sealed: list[tuple[RevealWeights, int]] = []
        self.is_heard = True

    async def time_ns(self) -> int:
        return await self._chain.time_ns()

    async def timelocked(self, weights: SetWeights, hotkey: Hotkey) -> CommitTimelockedWeights:
        reveal = RevealWeights(weights.netuid, weights.uids, weights.values, (1, 2), weights.version_key)
        self.sealed.append((reveal, -1))
        return CommitTimelockedWeights(weights.netuid, b"sealed", len(self.sealed) - 1, 4)

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        if not isinstance(call, CommitTimelockedWeights):
            return await super().submit(call, signer)
        self.before("submit")
        reveal, _ = self.sealed[call.reveal_round]
        receipt = await self._chain.submit(reveal.commitment(hotkey(ME)), signer)
        if receipt.error is None:
            epoch = coming(await self._chain.epoch(NETUID), Block(receipt.block - 1))
            self.sealed[call.reveal_round] = (reveal, epoch)
            self.taken.append((call, receipt, epoch))
        self.after("submit")
        return receipt

    async def open(self) -> None:
        """What a block does first, where the beacon is heard."""
        now = (await self._chain.epoch(NETUID)).index
        for reveal, epoch in self.sealed:
            if self.is_heard and epoch == now - 1:
                await self._chain.submit(reveal, ME)
        self.sealed = [(reveal, -1 if epoch == now - 1 else epoch) for reveal, epoch in self.sealed]


async def test_encrypted_weights_are_committed_once_an_epoch_and_seen_when_the_chain_opens_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, HIDDEN) as w:
        await begun(w)
        rival = await w.add_miner("rival", off_by(0))
        w.chain.seal()
        chain, store = Beacon(w.chain), await w.store()
        journal = await journal_of(w, store)
        known = {neuron.hotkey: neuron.block_at_registration for neuron in await w.chain.metagraph(NETUID)}
        for at in range(80):
            if at % 7 == 0:  # a new process each time
                setter = Setter(
                    definition=Doubling(),
                    chain=chain,
                    netuid=NETUID,
                    key=ME,
                    journal=journal,
                    settle_blocks=2,
                    thin=0.0,
                    timelock=chain,
                )
            await chain.open()
            chain.is_heard = at < 35
            scores = {hotkey(miner_key("m")): 1.0, rival: 0.5 if chain.is_heard else 0.25}
            standings = {who: Standing(score, known[who]) for who, score in scores.items()}
            await setter.weigh(await chain.epoch(NETUID), await chain.metagraph(NETUID), standings)
            w.chain.seal()
        epochs = chain.epochs_of(CommitTimelockedWeights)
        assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
        assert len(epochs) >= 5
        assert not chain.epochs_of(RevealWeights), "the chain opens them"
        assert await w.my_weights() == {hotkey(miner_key("m")): 65_535, rival: 32_768}
        assert "and are lost" in caplog.text, "it is said where the chain did not open them"


async def test_only_a_public_chain_that_can_encrypt_is_given_encrypted_weights(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert timelock_of(w.chain) is None
        assert timelock_of(Beacon(w.chain)) is None, "nobody brings the beacon's words to a chain of one's own"

        class Public(Beacon):
            is_local = False

        public = Public(w.chain)
        assert timelock_of(public) is public
