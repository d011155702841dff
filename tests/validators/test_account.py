# SPDX-License-Identifier: Apache-2.0
"""Why a miner was paid what it was paid: what an honest store shows, and that a doctored one is found out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from protocols import synapse
from protocols.clock import SystemClock
from protocols.columns import Flags, Floats
from protocols.errors import MalformedReply, NothingKnown
from protocols.judgement import Judgement
from protocols.seal import Evidence
from protocols.server import Context
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import AnswerContext, Replies, Task, TaskContext
from protocols.types import Block, Hotkey, NetUid
from tests.validators.test_store import ALICE, BOB
from tests.validators.world import ME, NETUID, Doubling, Guess, World, hotkey, off_by, world
from validators.account import Account, Document, account, document_of, miner_named
from validators.base import Validator
from validators.options import ValidatorOptions
from validators.query import Answer, Heard
from validators.store import Archive, Mark, RoundRecord, Standing, Store, Unsigned
from validators.tasks import TaskSource

OPTIONS = ValidatorOptions(timeout_s=2.0)


class Varied(Doubling):
    """Asks each miner for the double of a number of its own, and says how far off it was."""

    name = "varied"

    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        number = task.ask.number + 1000 * int(rng.integers(1, 1000))  # type: ignore[attr-defined]
        return Task(Guess(number=number), reference=2 * number)

    def score(self, task: Task, replies: Replies) -> Judgement:  # type: ignore[override]
        off = [abs(row.reply.number - row.asked.reference) if row.items and row.asked else 0.0 for row in replies]
        return Judgement([1 / (1 + distance) for distance in off], {"distance": off})


class Rewritten(Varied):
    """The same name and version, other arithmetic."""

    def aggregate(self, scores: Floats, rewards: Floats, asked: Flags) -> Floats:
        return np.where(asked, rewards, scores)

    def score(self, task: Task, replies: Replies) -> Judgement:  # type: ignore[override]
        return Judgement([0.25] * len(replies))

    def weigh(self, scores: Floats) -> Floats:
        return (scores > 0).astype(np.float64)


@asynccontextmanager
async def judged(folder: Path, *, rounds: int = 14) -> AsyncIterator[tuple[World, Store, Validator, list[Hotkey]]]:
    """A world in which a good miner, a worse one and a silent one were asked for some rounds."""
    async with world(folder) as w:
        miners = [await w.add_miner("good", off_by(0)), await w.add_miner("worse", off_by(3))]
        miners.append(await w.add_miner("silent", None))
        await w.add_validator()
        store = await w.store()
        validator = w.validator(store, definition=Varied(), options=OPTIONS)
        await w.steps(validator, rounds)
        yield w, store, validator, miners


async def told(
    path: Path, miner: str, definition: Subnet | None = None, *, epoch: int | None = None, rounds: int = 3
) -> Account:
    """The account of a miner out of a file."""
    with Archive(path) as archive:
        owner = archive.owners()[0]
        known = miner_named(archive, owner, miner)
        return await account(archive, owner, known, epoch=epoch, rounds=rounds, definition=definition)


def verdicts(found: Account) -> dict[str, bool | None]:
    """What the newest round's checks say, and the weight's."""
    return {check.what: check.holds for check in (*(found.vote.checks if found.vote else ()), *found.earned[0].checks)}


async def doctored(path: Path, change: Callable[[RoundRecord], RoundRecord], name: str = "doctored.db") -> Path:
    """The same store, but that its last round was changed by somebody who knows the format."""
    copy = path.with_name(name)
    store = Store(copy)
    with Archive(path) as archive:
        owner = archive.owners()[0]
        journal = await store.journal(owner.genesis, owner.netuid, owner.hotkey)
        rounds = [(row.id, replace(row.record, seed=owner.seed, proofs=archive.proofs(owner, row)))
                  for row in archive.rounds(owner)]  # fmt: skip
        for id, record in reversed(rounds):
            await journal.record(change(record) if id == rounds[0][0] else record)
        for submission in archive.submissions(owner):
            await journal.write(submission)
    await store.close()
    return copy


async def test_an_honest_store_accounts_for_a_weight_down_to_the_signed_answers(tmp_path: Path) -> None:
    async with judged(tmp_path) as (w, _, _, (good, worse, _)):
        found = await told(tmp_path / "validator.db", worse, Varied())
        assert found.holds
        assert verdicts(found) == dict.fromkeys(("weight", "signatures", "question", "before", "reward", "score"), True)
        assert found.vote is not None
        weights = await w.my_weights()
        assert found.vote.value == weights[worse]
        assert found.vote.share == pytest.approx(weights[worse] / sum(weights.values()))
        metagraph = await w.chain.metagraph(NETUID)
        assert found.vote.uid == metagraph.uid_of(worse)
        assert [row.recorded.record.number for row in found.earned] == [13, 12, 11]
        assert {(row.mark.reward, row.mark.because["distance"]) for row in found.earned} == {(0.25, 3.0)}
        assert [row.after for row in found.earned[1:]] == [row.before for row in found.earned[:-1]]
        best = await told(tmp_path / "validator.db", good[:10], Varied())
        assert best.miner.hotkey == good
        assert best.holds


async def test_without_the_definition_signatures_are_checked_and_the_rest_is_said_to_be_open(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (good, *_)):
        found = await told(tmp_path / "validator.db", good)
        assert verdicts(found) == {"weight": None, "signatures": True, "question": None, "before": True}
        assert found.holds


async def test_who_did_not_answer_is_shown_why_it_was_paid_nothing(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (*_, silent)):
        found = await told(tmp_path / "validator.db", silent, Varied())
        assert found.vote is not None
        assert (found.vote.value, found.vote.share) == (0, 0.0)
        assert {(row.mark.miss, row.mark.reward, row.proof) for row in found.earned} == {("unreachable", 0.0, None)}
        assert verdicts(found)["signatures"] is None
        assert verdicts(found)["nothing"] is True
        assert found.holds


async def test_the_weights_of_an_earlier_epoch_are_explained_by_the_rounds_before_them(tmp_path: Path) -> None:
    async with judged(tmp_path, rounds=24) as (_, _, _, (good, *_)):
        path = tmp_path / "validator.db"
        newest = (await told(path, good)).vote
        assert newest is not None
        found = await told(path, good, Varied(), epoch=newest.submission.epoch - 1)
        assert found.vote is not None
        assert found.earned[0].recorded.record.number == found.vote.round
        assert found.vote.round is not None
        assert newest.round is not None
        assert found.vote.round < newest.round
        assert found.holds
        with pytest.raises(NothingKnown, match="no weights of epoch 99, it has those of epochs"):
            await told(path, good, epoch=99)


async def test_a_users_question_is_scored_again_without_a_true_answer(tmp_path: Path) -> None:
    class Shared(Varied):
        """Pays whoever says the most frequent answer: what needs no true one."""

        def score(self, task: Task, replies: Replies) -> Judgement:  # type: ignore[override]
            said = [row.reply.number if row.items else None for row in replies]
            return Judgement([said.count(one) / len(said) for one in said])

    async with judged(tmp_path, rounds=2) as (w, store, _, (good, *_)):
        validator = w.validator(store, definition=Shared(), options=OPTIONS)
        await validator.organic(Task(Guess(number=5)), Heard.of(list[Answer]()))
        found = await told(tmp_path / "validator.db", good, Shared(), rounds=1)
        assert found.earned[0].recorded.record.is_organic
        assert verdicts(found)["reward"] is True
        assert found.earned[0].mark.reward == pytest.approx(1 / 3)


class Streamed(Doubling):
    """Answers in two items, of which the last one counts."""

    async def answer(self, ask: Guess, ctx: AnswerContext) -> AsyncIterator[Guess.Reply]:  # type: ignore[override]
        for number in (ask.number, 2 * ask.number):
            yield Guess.Reply(number=number)


async def test_a_stream_is_proven_and_scored_again_item_by_item(tmp_path: Path) -> None:
    async def stream(ask: Guess, ctx: Context) -> AsyncIterator[Guess.Reply]:
        for number in (1.0, 2.0 * ask.number + 1):
            yield Guess.Reply(number=number)

    async with world(tmp_path) as w:
        miner = await w.add_miner("streaming", stream)
        await w.add_validator()
        store = await w.store()
        await w.steps(w.validator(store, definition=Streamed(), options=OPTIONS), 3)
        found = await told(tmp_path / "validator.db", miner, Streamed(), rounds=1)
        checked = verdicts(found)
        assert (checked["signatures"], checked["question"], checked["reward"], checked["score"]) == (True,) * 4
        assert found.earned[0].mark.reward == 0.5
        assert found.earned[0].to_json()["answer"][0]["number"] == 1.0
        document = Document.from_bytes(document_of(found).to_bytes())
        assert document.rounds[0].check(document).holds
        journal = await store.journal(w.chain.genesis, NETUID, hotkey(ME))
        assert await journal.kept("vetting") is not None


async def test_another_arithmetic_than_the_one_that_paid_is_noticed(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (_, worse, _)):
        path = tmp_path / "validator.db"
        found = verdicts(await told(path, worse, Rewritten()))
        assert (found["weight"], found["score"]) == (False, False)
        # By another version nothing can be checked, and nothing is said to be wrong.
        other = type("Other", (Varied,), {"version": 2})()
        assert {verdicts(await told(path, worse, other))[what] for what in ("weight", "reward")} == {None}


def of(miner: Hotkey, change: Callable[[Mark], Mark]) -> Callable[[RoundRecord], RoundRecord]:
    """Changes what was paid to one."""
    return lambda record: replace(
        record, marks=[change(mark) if mark.hotkey == miner else mark for mark in record.marks]
    )


async def test_a_reward_that_was_changed_afterwards_is_found(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (_, worse, _)):
        path = await doctored(tmp_path / "validator.db", of(worse, lambda mark: mark._replace(reward=0.125)))
        found = await told(path, worse, Varied())
        assert not found.holds
        assert (verdicts(found)["reward"], verdicts(found)["score"]) == (False, False)
        assert "worth 0.25, it was paid 0.125" in str(found.checks)


async def test_an_answer_that_was_changed_afterwards_is_found(tmp_path: Path) -> None:
    def worsened(record: RoundRecord) -> RoundRecord:
        proofs = list(record.proofs)
        at = next(at for at, mark in enumerate(record.marks) if mark.hotkey == worse)
        proof = proofs[at]
        assert isinstance(proof, Evidence)
        body = msgspec.msgpack.decode(proof.reply_body) | {"number": 0.0}
        proofs[at] = msgspec.structs.replace(proof, reply_body=msgspec.msgpack.encode(body))
        return replace(record, proofs=proofs)

    async with judged(tmp_path) as (_, _, _, (_, worse, _)):
        found = await told(await doctored(tmp_path / "validator.db", worsened), worse, Varied())
        assert (verdicts(found)["signatures"], verdicts(found)["reward"]) == (False, False)
        assert not document_of(found).rounds[0].check(document_of(found)).holds


async def test_an_answer_of_somebody_else_or_to_another_question_is_found(tmp_path: Path) -> None:
    def swapped(record: RoundRecord) -> RoundRecord:
        proofs = {mark.hotkey: proof for mark, proof in zip(record.marks, record.proofs, strict=True)}
        return replace(record, proofs=[proofs[worse if mark.hotkey == good else mark.hotkey] for mark in record.marks])

    def other_question(record: RoundRecord) -> RoundRecord:
        return replace(record, seed=7)

    async with judged(tmp_path) as (_, _, _, (good, worse, *_)):
        path = tmp_path / "validator.db"
        assert verdicts(await told(await doctored(path, swapped), good, Varied()))["signatures"] is False
        found = await told(await doctored(path, other_question, "again.db"), good, Varied())
        # The definition may have changed as well: what cannot be known is not called a lie.
        assert verdicts(found)["reward"] is None
        assert found.holds


async def test_a_score_that_was_moved_between_two_rounds_is_found(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (good, *_)):
        path = await doctored(
            tmp_path / "validator.db", lambda record: replace(record, before={**record.before, good: 0.5})
        )
        found = verdicts(await told(path, good, Varied()))
        assert (found["before"], found["score"]) == (False, False)


async def test_pay_for_what_did_not_count_is_found_without_the_definition(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (*_, silent)):
        path = await doctored(tmp_path / "validator.db", of(silent, lambda mark: mark._replace(reward=1.0)))
        assert verdicts(await told(path, silent))["nothing"] is False


async def test_evidence_that_was_let_go_leaves_scores_that_can_still_be_moved_again(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (good, *_)):
        path = await doctored(tmp_path / "validator.db", lambda record: replace(record, proofs=()))
        found = verdicts(await told(path, good, Varied()))
        assert (found["signatures"], found["reward"], found["score"]) == (None, None, True)


async def test_a_hotkey_that_nobody_knows_and_one_that_is_not_whole_are_told_apart(tmp_path: Path) -> None:
    async with judged(tmp_path, rounds=1):
        with pytest.raises(NothingKnown, match=r"none of its 5 miners begins so"):
            await told(tmp_path / "validator.db", BOB)
        with pytest.raises(NothingKnown, match=r"5 hotkeys begin so"):
            await told(tmp_path / "validator.db", "5")


async def test_a_document_proves_itself_and_nothing_that_it_was_not_made_for(tmp_path: Path) -> None:
    async with judged(tmp_path) as (_, _, _, (good, worse, silent)):
        path = tmp_path / "validator.db"
        document = document_of(await told(path, good, rounds=5))
        again = Document.from_bytes(document.to_bytes())
        assert again == document
        assert (document.validator, document.miner) == (hotkey(ME), good)
        assert [row.check(again).holds for row in again.rounds] == [True] * 5
        other = msgspec.structs.replace(again, miner=worse)
        assert [row.check(other).holds for row in other.rounds] == [False] * 5
        assert document_of(await told(path, silent)).rounds == ()
        with Archive(path) as archive:
            seed = archive.owners()[0].seed
        assert f"{seed:x}".encode() not in document.to_bytes()
        assert str(seed) not in str((await told(path, good)).to_json())
    for data in (b"", b"{}", b"\xff", document.to_bytes().replace(b"proof/1", b"proof/2")):
        with pytest.raises(MalformedReply, match="proof"):
            Document.from_bytes(data)


class Say(Synapse):
    """Asks for a text."""

    text: str

    class Reply(synapse.Reply):
        """The text."""

        text: str


class Saying(Subnet):
    """Pays for anything said; each question carries a secret word."""

    name, version = "saying", 1
    synapse = Say

    async def tasks(self, ctx: TaskContext) -> AsyncIterator[Task]:
        while True:
            yield Task(Say(text=f"say {ctx.rng.integers(1000)}"))

    async def answer(self, ask: Say, ctx: AnswerContext) -> Say.Reply:
        return Say.Reply(text=ask.text)

    def variant(self, task: Task, rng: np.random.Generator) -> Task:
        secret = f"word{rng.integers(10**9)}"
        return Task(Say(text=f"{task.ask.text} {secret}"), canary=secret)  # type: ignore[attr-defined]

    def score(self, task: Task, replies: Replies) -> Sequence[float]:
        return [float(bool(text)) for text in replies.texts]


@pytest.mark.parametrize("copies", [True, False])
async def test_whether_anothers_secret_word_stands_in_an_answer_is_looked_up_again(
    tmp_path: Path, copies: bool
) -> None:
    store, definition, encode = Store(tmp_path / "v.db"), Saying(), msgspec.msgpack.encode
    journal = await store.journal("0x00", NetUid(1), hotkey(ME))
    source = TaskSource(definition, SystemClock(), journal.seed)
    task = await source.draw(0)
    mine, theirs = (one.ask for one in source.each(task, 0, [ALICE, BOB]))
    said = [encode({"text": (mine if copies or at == 0 else theirs).text}) for at in range(2)]  # type: ignore[attr-defined]
    await journal.record(
        RoundRecord(
            number=0, block=Block(1), epoch=0, definition="saying@1", query=encode(task.ask),
            marks=[Mark(ALICE, 1.0, 0.1, ""), Mark(BOB, 0.0, 0.1, "", f"canary_of:{ALICE}")],
            standings={ALICE: Standing(0.1, Block(0)), BOB: Standing(0.0, Block(0))}, before={ALICE: 0.0, BOB: 0.0},
            proofs=[Unsigned(encode(mine), (said[0],)), Unsigned(encode(theirs), (said[1],))],
        )
    )  # fmt: skip
    await store.close()
    await source.close()
    found = verdicts(await told(tmp_path / "v.db", BOB, definition))
    assert (found["struck"], found["reward"], found["signatures"]) == (copies, True, None)
