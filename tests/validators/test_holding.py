# SPDX-License-Identifier: Apache-2.0
"""Where too little is known, the last good weights hold, and it is said; what is known is used in the end."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from protocols.calls import CommitWeights, Register, ServeAxon, SetWeights
from protocols.endpoint import Endpoint
from protocols.types import Hotkey
from tests.validators.world import ME, NETUID, PAYER, WatchedChain, World, hotkey, miner_key, off_by, world
from validators.holding import Coverage, coverage
from validators.options import ValidatorOptions
from validators.round import Round
from validators.sampling import SamplingOptions
from validators.store import Store
from validators.submission import Weight

FEW = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2, sampling=SamplingOptions(size=1))
ALL = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2)
DIALS = {"tempo": 20, "max_allowed_uids": 16, "min_allowed_uids": 4}


async def crowd(w: World, size: int) -> list[Hotkey]:
    """So many miners, each worse than the one before, and we among them."""
    miners = [await w.add_miner(f"m{at}", off_by(at)) for at in range(size)]
    await w.add_validator()
    return miners


async def seen(w: World, store: Store) -> Coverage:
    """What the validator knows of whom."""
    journal = await store.journal(w.chain.genesis, NETUID, hotkey(ME))
    return await coverage(journal, await w.chain.metagraph(NETUID), hotkey(ME), is_local=True)


async def weighed(w: World, store: Store) -> tuple[Weight, ...]:
    """The weights that the chain took last."""
    kept = await (await store.journal(w.chain.genesis, NETUID, hotkey(ME))).last_landed()
    assert kept is not None
    return kept.weights


async def lost(w: World, store: Store) -> Store:
    """The store after its file was lost."""
    await store.close()
    for path in w.folder.glob("validator.db*"):
        path.unlink()
    return await w.store()


async def until_sent(w: World, validator: Any, most: int = 60) -> list[Round]:
    """Rounds, one in each block, to the first with weights."""
    rounds: list[Round] = []
    while not rounds or rounds[-1].submitted is None:
        assert len(rounds) < most, rounds[-1].reason
        rounds.append(await validator.step())
        w.chain.seal()
    return rounds


@pytest.mark.parametrize("dials", [{}, {"commit_reveal_weights_enabled": True}])
async def test_after_a_lost_file_the_weights_that_the_chain_shows_hold_until_enough_are_known(
    tmp_path: Path, dials: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    async with world(tmp_path, {**DIALS, **dials}) as w:
        miners = await crowd(w, 6)
        # The chain gives up weights for who registered after they were decided: let these be from long before.
        for _ in range(4):
            await w.next_epoch()
        store = await w.store()
        await until_sent(w, w.validator(store, options=ALL))
        for _ in range(2 if dials else 0):  # until they are revealed
            await w.next_epoch()
            await w.steps(w.validator(store, options=ALL), 3)
        good = await w.my_weights()
        assert set(good) == set(miners)
        store = await lost(w, store)
        await w.next_epoch()
        chain = WatchedChain(w.chain)
        few = w.validator(store, chain, options=FEW)
        sent = (await until_sent(w, few))[-1]
        assert "only 1 of 6 miners have been asked, expected 50% of them" in sent.reason
        assert "so the weights that the chain shows of this hotkey hold" in sent.reason
        warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert any("only 1 of 6" in text for text in warned)
        kept = await (await store.journal(w.chain.genesis, NETUID, hotkey(ME))).last_landed()
        assert kept is not None
        assert {row.hotkey: row.value for row in kept.weights} == good, "value for value"
        while (await seen(w, store)).asked < 3:
            await few.step()
            w.chain.seal()
        await w.next_epoch()
        await until_sent(w, few)
        kept = await (await store.journal(w.chain.genesis, NETUID, hotkey(ME))).last_landed()
        assert kept is not None
        assert not kept.because
        assert {row.hotkey for row in kept.weights} != set(good), "now those who are known"


async def test_newcomers_who_were_never_asked_freeze_nobodys_weights(tmp_path: Path) -> None:
    async with world(tmp_path, DIALS) as w:
        await crowd(w, 3)
        store = await w.store()
        await until_sent(w, w.validator(store, options=ALL))
        before = await w.my_weights()
        for at in range(8):
            await w.add_miner(f"new{at}", off_by(0))
        await w.next_epoch()
        # Of most miners nothing is known, and still no less than when the last weights were set.
        sent = (await until_sent(w, w.validator(store, options=FEW)))[-1]
        assert "hold" not in sent.reason
        assert set(before) < set(await w.my_weights())


async def test_with_nothing_to_hold_more_is_waited_for_and_what_is_known_is_set_before_the_next_epoch_ends(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, DIALS) as w:
        await crowd(w, 9)
        for at in range(5):
            await w.add_miner(f"silent{at}", None)
        await w.next_epoch()
        w.chain.seal(12)
        chain = WatchedChain(w.chain)
        store = await w.store()
        one = await w.chain.epoch(NETUID)
        # Only those whose neighbours on the list are asked: as from a definition that asks the same few for ever.
        options = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2, sampling=SamplingOptions(size=1))
        rounds: list[Round] = []
        validator = w.validator(store, chain, options=options)
        for _ in range(3):
            rounds.append(await validator.step())
        assert "more answers are waited for until the end of the next epoch" in rounds[-1].reason
        while not chain.taken:
            # The rest of the time passes without rounds, until the end of the epoch that was seen whole.
            w.chain.seal()
            now, block = await w.chain.epoch(NETUID), await w.chain.block()
            assert now.next is not None
            if now.index > one.index and block + 3 >= now.next:
                rounds.append(await validator.step())
        ((_, _, epoch),) = chain.taken
        assert epoch == one.index + 1
        assert (await w.chain.epoch(NETUID)).index == epoch, "before the epoch ended"
        w.chain.seal()
        assert set(await w.my_weights()) == {who for who, score in rounds[-1].scores.items() if score}


async def test_whoever_wants_no_weights_held_for_few_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, DIALS) as w:
        await crowd(w, 6)
        options = ValidatorOptions(seed=1, timeout_s=2.0, sampling=SamplingOptions(size=1), thin=0.0)
        done = await w.validator(await w.store(), options=options).step()
        assert done.submitted is not None
        w.chain.seal()
        assert len(await w.my_weights()) == 1


async def test_a_miner_that_registered_anew_has_not_been_asked_and_gets_nothing_of_what_held(tmp_path: Path) -> None:
    dials = {"tempo": 20, "max_allowed_uids": 6, "min_allowed_uids": 4, "immunity_period": 0}
    async with world(tmp_path, dials) as w:
        miners = await crowd(w, 4)
        for _ in range(2):
            await w.next_epoch()
        store = await w.store()
        await until_sent(w, w.validator(store, options=ALL))
        before = await w.my_weights()
        assert await seen(w, store) == Coverage(4, 4)
        await w.submit(Register(NETUID, hotkey(miner_key("new"))))
        (leaver,) = set(miners) - set((await w.chain.metagraph(NETUID)).hotkeys)
        name = f"m{miners.index(leaver)}"
        await w.submit(Register(NETUID, leaver), PAYER)
        await w.submit(ServeAxon(NETUID, Endpoint("127.0.0.1", 9100)), miner_key(name))
        stayed = (set(miners) & set((await w.chain.metagraph(NETUID)).hotkeys)) - {leaver}
        assert await seen(w, store) == Coverage(len(stayed), len(stayed) + 1)
        store = await lost(w, store)
        await w.next_epoch()
        validator = w.validator(store, options=ValidatorOptions(seed=1, thin=2.0, timeout_s=2.0))
        done = (await until_sent(w, validator))[-1]
        assert "so the weights that the chain shows" in done.reason
        held = {row.hotkey: row.value for row in await weighed(w, store)}
        assert set(held) == stayed
        assert max(held.values()) == 65_535
        assert sorted(held, key=held.__getitem__) == sorted(held, key=before.__getitem__)


async def test_what_is_held_is_sent_once_an_epoch_like_any_weights(tmp_path: Path) -> None:
    for kind in (SetWeights, CommitWeights):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        dials = {**DIALS, "commit_reveal_weights_enabled": kind is CommitWeights}
        async with world(folder, dials) as w:
            await crowd(w, 5)
            store = await w.store()
            await until_sent(w, w.validator(store, options=ALL))
            for at in range(8):
                await w.add_miner(f"new{at}", None)
            chain = WatchedChain(w.chain)
            options = ValidatorOptions(seed=1, timeout_s=2.0, settle_blocks=2, thin=1.5)
            validator = w.validator(store, chain, options=options)
            for _ in range(70):
                await validator.step()
                w.chain.seal()
            epochs = chain.epochs_of(kind)
            assert len(epochs) >= 3
            assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
