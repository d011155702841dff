# SPDX-License-Identifier: Apache-2.0
"""Encrypted transactions: opened in the block that has them, and whatever is wrong with one costs its sender only.

Envelopes are made by the library of the official tools. Numbers and names of calls, events and errors are those of
subtensor's pallets/shield at 14bc6f9f9, spec 425.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from bittensor_core import encrypt_mlkem768

from protocols.clock import VirtualClock
from protocols.errors import PoolRefusal
from protocols.keys import Keypair
from subnet.chain.node.dev import Dev
from subnet.chain.node.envelopes import ENVELOPE_KEY
from subnet.chain.node.extrinsic import bare
from subnet.chain.node.founding import ensure_founded
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import NOBODY
from subnet.chain.node.genesis import Genesis
from subnet.chain.node.node import Node
from subnet.chain.node.pallets.shield import MevShield
from subnet.chain.node.pool import Pool, PoolBounds
from subnet.chain.node.runtime import Runtime
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.store import Store
from subnet.chain.node.validity import InvalidTransaction, Undecodable
from tests.subnet.chain.node.founded import MANUAL
from tests.subnet.chain.node.township import ALICE, BOB, CAROL, Township, call, compact, ident

ROOT = Path(__file__).parents[4]
TAO: Final = 10**9
CROWD: Final = tuple(Keypair.from_uri(f"//crowd//{number}") for number in range(40))
RICH: Final[dict[str, int | float | str]] = {"//Alice": 100, "//Bob": 100, "//Charlie": 100}
GENESIS: Final = Genesis(
    name="shield", sudo="//Charlie", accounts=RICH | {f"//crowd//{at}": 1 for at in range(len(CROWD))}
)
FOREIGN: Final = bytes(reversed(ENVELOPE_KEY))
PAY: Final = call("Balances", "transfer_keep_alive", ident(BOB), TAO)
START = """
import sys
from tests.subnet.chain.node.test_shield import GENESIS
from tests.subnet.chain.node.whole import chain_node
node = chain_node(GENESIS)
node.skip(3)
print(*sys.modules)
"""


class Chain:
    """A node that makes blocks when asked, and people who sign."""

    def __init__(self, path: Path | None = None) -> None:
        self.store = Store(path)
        ensure_founded(self.store, Runtime, GENESIS.beginning)
        self.node = Node(self.store, Runtime, None, MANUAL)
        self.signing = Township()

    @property
    def runtime(self) -> Any:
        """What the node runs."""
        return self.node.runtime

    def nonce(self, who: Keypair) -> int:
        """The nonce of somebody's next transaction."""
        nonce: int = self.runtime.system.Account[who.public_key].nonce
        return nonce

    def free(self, who: Keypair) -> int:
        """What somebody has."""
        free: int = self.runtime.balances.free(who.public_key)
        return free

    def sign(self, who: Keypair, made: Variant, ahead: int = 0, period: int = 8) -> bytes:
        """A transaction that is good for some blocks, a nonce or more ahead of its signer's next."""
        head = self.node.head
        era = (period.bit_length() - 2 | head.number % period << 4).to_bytes(2, "little") if period else b"\0"
        genesis = self.node.hash_at(0)
        assert genesis is not None
        birth = head.hash if period else genesis
        return self.signing.sign(who, made, nonce=self.nonce(who) + ahead, era=era, genesis=genesis, birth=birth)

    def carry(self, who: Keypair, ciphertext: bytes, period: int = 8, ahead: int = 0) -> bytes:
        """A transaction that hands in an envelope."""
        return self.sign(who, call("MevShield", "submit_encrypted", ciphertext), ahead=ahead, period=period)

    async def seal(self, *extrinsics: bytes) -> list[bytes]:
        """Make a block with what was submitted, and return what is in it after the time."""
        for extrinsic in extrinsics:
            await self.node.submit(extrinsic)
        block = self.node.block(self.node.seal().hash)
        assert block is not None
        return list(block.extrinsics[1:])

    def events(self, *pallets: str) -> list[tuple[str, tuple[Any, ...]]]:
        """What some pallets noted in the last block."""
        records = self.runtime.system.Events_.value
        happened = [(record.event.name, record.event.fields[0]) for record in records]
        return [(event.name, event.fields) for pallet, event in happened if pallet in pallets]

    def fee(self, extrinsic: bytes) -> int:
        """What a transaction costs."""
        fee: int = self.runtime.fee(extrinsic).partial_fee
        return fee


def sealed(plain: bytes, key: bytes = ENVELOPE_KEY) -> bytes:
    """An envelope as the official tools make one."""
    envelope: bytes = encrypt_mlkem768(key, plain, True)
    return envelope


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_calls_events_and_errors_have_the_numbers_of_the_public_chain() -> None:
    assert {found.index: found.name for found in MevShield.calls()} == {
        0: "announce_next_key",
        1: "submit_encrypted",
        2: "store_encrypted",
        3: "set_max_pending_extrinsics_number",
        4: "set_on_initialize_weight",
        5: "set_stored_extrinsic_lifetime",
        6: "set_max_extrinsic_weight",
    }
    assert [event.name for event in MevShield.events()] == [
        "EncryptedSubmitted",
        "ExtrinsicStored",
        "ExtrinsicDecodeFailed",
        "ExtrinsicDispatchFailed",
        "ExtrinsicDispatched",
        "ExtrinsicExpired",
        "ExtrinsicPostponed",
        "MaxPendingExtrinsicsNumberSet",
        "OnInitializeWeightSet",
        "ExtrinsicLifetimeSet",
        "MaxExtrinsicWeightSet",
        "ExtrinsicWeightExceeded",
    ]
    assert [error.name for error in MevShield.errors()] == [
        "BadEncKeyLen",
        "Unreachable",
        "TooManyPendingExtrinsics",
        "WeightExceedsAbsoluteMax",
    ]


def test_a_key_is_announced_before_the_first_block_and_stays(chain: Chain) -> None:
    key = MevShield.NextKey.key(())
    assert chain.node.storage(key) == compact(1184) + ENVELOPE_KEY
    chain.node.skip(20)
    assert chain.node.storage(key) == compact(1184) + ENVELOPE_KEY


async def test_an_envelope_is_opened_in_the_block_that_has_it_right_behind_it(chain: Chain) -> None:
    inner = chain.sign(ALICE, PAY, ahead=1)
    ciphertext = sealed(inner)
    carrier = chain.carry(ALICE, ciphertext)
    before, nonce = chain.free(ALICE), chain.nonce(ALICE)
    other = chain.sign(CAROL, PAY)
    assert await chain.seal(carrier, other) == [carrier, inner, other]
    assert chain.nonce(ALICE) == nonce + 2
    assert chain.free(BOB) == 102 * TAO
    assert before - chain.free(ALICE) == TAO + chain.fee(carrier) + chain.fee(inner)
    ((name, (id, who)),) = chain.events("MevShield")
    assert (name, who) == ("EncryptedSubmitted", ALICE.public_key)
    assert id == blake2_256(ALICE.public_key + compact(len(ciphertext)) + ciphertext)


async def test_an_envelope_may_hold_what_somebody_else_signed(chain: Chain) -> None:
    inner = chain.sign(CAROL, PAY)
    carrier = chain.carry(ALICE, sealed(inner))
    assert await chain.seal(carrier) == [carrier, inner]
    assert chain.free(ALICE) == 100 * TAO - chain.fee(carrier)
    assert chain.free(CAROL) == 99 * TAO - chain.fee(inner)


async def test_an_inner_call_that_fails_pays_and_is_told_of_like_any_other(chain: Chain) -> None:
    inner = chain.sign(ALICE, call("Balances", "transfer_keep_alive", ident(BOB), 10**6 * TAO), ahead=1)
    carrier = chain.carry(ALICE, sealed(inner))
    assert await chain.seal(carrier) == [carrier, inner]
    told = [name for name, _ in chain.events("System") if name.startswith("Extrinsic")]
    assert told == ["ExtrinsicSuccess", "ExtrinsicSuccess", "ExtrinsicFailed"]
    assert chain.free(ALICE) == 100 * TAO - chain.fee(carrier) - chain.fee(inner)


async def test_bytes_behind_the_inner_transaction_count_for_nothing(chain: Chain) -> None:
    inner = chain.sign(ALICE, PAY, ahead=1)
    carrier = chain.carry(ALICE, sealed(inner + b"more"))
    assert await chain.seal(carrier) == [carrier, inner]


def _forged(chain: Chain) -> bytes:
    inner = chain.sign(CAROL, PAY)
    return inner[:40] + bytes([inner[40] ^ 1]) + inner[41:]


def _broken(at: int) -> Callable[[Chain], bytes]:
    def envelope(chain: Chain) -> bytes:
        good = bytearray(sealed(chain.sign(ALICE, PAY, ahead=1)))
        good[at] ^= 1
        return bytes(good)

    return envelope


def _deep(chain: Chain) -> bytes:
    body = b"\x84\x00" + bytes(32) + b"\x01" + bytes(64) + bytes(4) + b"\x0b\x00\x04" * 2_000
    return compact(len(body)) + body


BAD: Final[dict[str, Callable[[Chain], bytes]]] = {
    "what is within is no transaction": lambda chain: sealed(bytes(at * 7 & 255 for at in range(64))),
    "nothing is within": lambda chain: sealed(b""),
    "it claims to be longer than it is": lambda chain: sealed(compact(1 << 20) + b"\x84"),
    "nobody signed": lambda chain: sealed(bare(call("Timestamp", "set", 1))),
    "the maker of blocks would have to": lambda chain: sealed(bare(call("MevShield", "announce_next_key", None))),
    "the signature is forged": lambda chain: sealed(_forged(chain)),
    "the nonce is the envelope's own": lambda chain: sealed(chain.sign(ALICE, PAY)),
    "the nonce comes too early": lambda chain: sealed(chain.sign(ALICE, PAY, ahead=2)),
    "it costs more than there is": lambda chain: sealed(chain.sign(Keypair.from_uri("//Nobody"), PAY)),
    "calls within calls have no end": lambda chain: sealed(_deep(chain)),
    "a bit of the capsule is wrong": _broken(100),
    "a bit of the nonce is wrong": _broken(16 + 2 + 1088),
    "a bit of the seal is wrong": _broken(-1),
    "the capsule is too short": lambda chain: sealed(b"")[:16] + b"\x04\0" + bytes(4 + 24 + 40),
    "nothing is sealed": lambda chain: sealed(b"")[: 16 + 2 + 1088 + 24],
}


@pytest.mark.parametrize("envelope", BAD.values(), ids=BAD.keys())
async def test_of_a_bad_envelope_only_the_carrier_is_in_the_block_and_its_sender_alone_pays(
    chain: Chain, envelope: Callable[[Chain], bytes]
) -> None:
    carrier, other = chain.carry(ALICE, envelope(chain)), chain.sign(BOB, call("System", "remark", b"x"))
    assert await chain.seal(carrier, other) == [carrier, other]
    assert chain.free(ALICE) == 100 * TAO - chain.fee(carrier)
    assert chain.free(BOB) == 100 * TAO - chain.fee(other)
    assert chain.free(CAROL) == 100 * TAO
    assert chain.nonce(ALICE) == 1
    assert not len(chain.node.pool)
    assert await chain.seal() == []


@pytest.mark.parametrize("size", [0, 15, 17, 1000], ids=str)
async def test_what_is_no_envelope_does_not_enter_the_pool(chain: Chain, size: int) -> None:
    with pytest.raises(InvalidTransaction, match="Custom error: 23"):
        await chain.node.submit(chain.carry(ALICE, b"\xff" * size))
    assert await chain.seal() == []


async def test_an_envelope_has_at_most_8192_bytes_also_within_a_batch(chain: Chain) -> None:
    largest = sealed(b"")[: 16 + 2 + 1088].ljust(8192, b"\0")
    within = call("Utility", "batch", (call("MevShield", "submit_encrypted", largest + b"\0"),))
    for made in (call("MevShield", "submit_encrypted", largest + b"\0"), within):
        with pytest.raises(Undecodable):
            await chain.node.submit(chain.sign(ALICE, made))
    carrier = chain.carry(ALICE, largest)
    assert await chain.seal(carrier) == [carrier]


async def test_an_envelope_waits_for_8_blocks_at_most(chain: Chain) -> None:
    chain.node.skip(3)
    envelope = sealed(chain.sign(ALICE, PAY, ahead=1))
    for period in (0, 16, 64):
        with pytest.raises(InvalidTransaction, match="outdated"):
            await chain.node.submit(chain.carry(ALICE, envelope, period=period))
    assert len(await chain.seal(chain.carry(ALICE, envelope, period=4))) == 2


async def test_an_envelope_that_was_opened_is_not_opened_again(chain: Chain) -> None:
    inner = chain.sign(ALICE, PAY, ahead=1)
    envelope = sealed(inner)
    carrier = chain.carry(ALICE, envelope)
    await chain.seal(carrier)
    with pytest.raises((InvalidTransaction, PoolRefusal)):
        await chain.node.submit(carrier)
    again = [chain.carry(who, envelope) for who in (ALICE, CAROL)]
    assert await chain.seal(*again) == again
    assert chain.free(BOB) == 101 * TAO
    assert chain.free(CAROL) == 100 * TAO - chain.fee(again[1])


async def test_whoever_copies_an_envelope_and_comes_first_gains_and_spoils_nothing(chain: Chain) -> None:
    inner = chain.sign(ALICE, PAY, ahead=1)
    envelope = sealed(inner)
    copied, carrier = chain.carry(CAROL, envelope), chain.carry(ALICE, envelope)
    assert await chain.seal(copied, carrier) == [copied, carrier, inner]
    assert chain.free(CAROL) == 100 * TAO - chain.fee(copied)


async def test_an_envelope_within_an_envelope_is_not_opened(chain: Chain) -> None:
    innermost = chain.sign(ALICE, PAY, ahead=2)
    inner = chain.carry(ALICE, sealed(innermost), ahead=1)
    carrier = chain.carry(ALICE, sealed(inner))
    assert await chain.seal(carrier) == [carrier, inner]
    assert [name for name, _ in chain.events("MevShield")] == ["EncryptedSubmitted"] * 2
    assert chain.free(BOB) == 100 * TAO


async def test_an_envelope_within_a_batch_is_not_opened(chain: Chain) -> None:
    envelope = sealed(chain.sign(ALICE, PAY, ahead=1))
    batch = chain.sign(ALICE, call("Utility", "batch", (call("MevShield", "submit_encrypted", envelope),)))
    assert await chain.seal(batch) == [batch]
    assert [name for name, _ in chain.events("MevShield")] == ["EncryptedSubmitted"]


async def test_envelopes_for_another_key_wait_until_their_time_is_over_and_hold_nobody_up(chain: Chain) -> None:
    envelope = sealed(b"", FOREIGN)
    for who in CROWD:
        await chain.node.submit(chain.carry(who, envelope))
    other = chain.sign(BOB, PAY)
    assert await chain.seal(other) == [other]
    assert len(chain.node.pool) == len(CROWD)
    for _ in range(8):
        assert await chain.seal() == []
    assert not len(chain.node.pool)
    assert {chain.free(who) for who in CROWD} == {TAO}


async def test_envelopes_that_cannot_be_opened_keep_nobody_out_of_the_pool(chain: Chain) -> None:
    chain.node.pool = Pool(VirtualClock(), PoolBounds(count=4))
    envelope = sealed(b"", FOREIGN)
    for who in CROWD[:4]:
        await chain.node.submit(chain.carry(who, envelope))
    inner = chain.sign(ALICE, PAY, ahead=1)
    good = [chain.carry(ALICE, sealed(inner)), chain.sign(BOB, PAY), chain.sign(CAROL, PAY)]
    for extrinsic in good:
        await chain.node.submit(extrinsic)
    assert len(chain.node.pool) == 4
    await chain.node.submit(chain.sign(CROWD[5], call("System", "remark", b"x")))
    with pytest.raises(PoolRefusal, match="Immediately Dropped"):
        await chain.node.submit(chain.carry(CROWD[6], envelope))
    assert (await chain.seal())[:4] == [good[0], inner, *good[1:]]


async def test_a_block_that_comes_to_nothing_leaves_the_envelope_closed(chain: Chain) -> None:
    inner = chain.sign(ALICE, PAY, ahead=1)
    carrier = chain.carry(ALICE, sealed(inner))
    await chain.node.submit(carrier)
    finish = chain.runtime.finish

    def broken() -> None:
        raise ZeroDivisionError

    chain.runtime.finish = broken
    with pytest.raises(ZeroDivisionError):
        chain.node.seal()
    chain.runtime.finish = finish
    assert (chain.free(ALICE), chain.free(BOB), chain.nonce(ALICE)) == (100 * TAO, 100 * TAO, 0)
    assert await chain.seal() == [carrier, inner]


async def test_an_envelope_is_opened_by_a_node_that_was_started_anew(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    chain = Chain(path)
    chain.node.skip(2)
    inner = chain.sign(ALICE, PAY, ahead=1)
    carrier = chain.carry(ALICE, sealed(inner))
    await chain.node.submit(carrier)
    chain.store.close()
    restarted = Chain(path)
    assert await restarted.seal() == [], "who waits in a pool is forgotten with it"
    assert await restarted.seal(carrier) == [carrier, inner]
    restarted.store.close()


def test_a_chain_starts_and_runs_without_the_packages_that_open_envelopes() -> None:
    done = subprocess.run([sys.executable, "-c", START], cwd=ROOT, check=True, capture_output=True, text=True)
    assert "subnet.chain.node.envelopes" in done.stdout.split()
    assert "cryptography" not in done.stdout.split()


def test_where_the_key_is_another_the_next_block_announces_ours(chain: Chain) -> None:
    items = [chain.runtime.shield.NextKey, chain.runtime.shield.PendingKey]
    Dev(chain.node).set_storage([(MevShield.NextKey.key(()), compact(1184) + FOREIGN)])
    assert chain.runtime.shield.NextKey.value == FOREIGN
    chain.node.seal()
    assert [item.value for item in items] == [ENVELOPE_KEY] * 2


async def test_nobody_announces_a_key_by_a_transaction(chain: Chain) -> None:
    await chain.seal(chain.sign(ALICE, call("MevShield", "announce_next_key", FOREIGN)))
    ((_, (reason, _)),) = [event for event in chain.events("System") if event[0] == "ExtrinsicFailed"]
    assert reason == Variant("BadOrigin")
    assert chain.runtime.shield.NextKey.value == ENVELOPE_KEY


def test_a_key_that_is_announced_has_the_length_of_one(chain: Chain) -> None:
    shield = chain.runtime.shield
    for key in (b"", ENVELOPE_KEY[1:], ENVELOPE_KEY + b"\0"):
        with pytest.raises(DispatchFailure, match="Module"):
            shield.announce_next_key(NOBODY, key)
    shield.announce_next_key(NOBODY, None)
    assert shield.NextKey.value is None


async def test_a_call_that_is_stored_encrypted_is_given_up_in_the_next_block(chain: Chain) -> None:
    await chain.seal(chain.sign(ALICE, call("MevShield", "store_encrypted", b"call")))
    assert chain.events("MevShield") == [("ExtrinsicStored", (0, ALICE.public_key))]
    assert chain.runtime.shield.PendingExtrinsics[0].submitted_at == 1
    await chain.seal()
    assert chain.events("MevShield") == [("ExtrinsicDecodeFailed", (0,))]
    assert (len(chain.runtime.shield.PendingExtrinsics), chain.runtime.shield.NextPendingExtrinsicIndex.value) == (0, 1)


async def test_the_root_says_how_many_calls_are_stored_for_how_long_and_how_heavy(chain: Chain) -> None:
    settings = {
        "set_max_pending_extrinsics_number": 1,
        "set_stored_extrinsic_lifetime": 0,
        "set_on_initialize_weight": 2_000_000_000_000,
        "set_max_extrinsic_weight": 2_000_000_000_000,
    }
    for ahead, (name, value) in enumerate(settings.items()):
        made = call("Sudo", "sudo", call("MevShield", name, value))
        await chain.node.submit(chain.sign(CAROL, made, ahead=ahead))
    await chain.seal()
    assert [(name, *values) for name, values in chain.events("MevShield")] == [
        ("MaxPendingExtrinsicsNumberSet", 1),
        ("ExtrinsicLifetimeSet", 0),
        ("OnInitializeWeightSet", 2_000_000_000_000),
        ("MaxExtrinsicWeightSet", 2_000_000_000_000),
    ]
    await chain.seal(*[chain.sign(who, call("MevShield", "store_encrypted", b"x")) for who in (ALICE, BOB)])
    told = [name for name, _ in chain.events("System", "MevShield") if name.startswith("Extrinsic")]
    assert told == ["ExtrinsicSuccess", "ExtrinsicStored", "ExtrinsicSuccess", "ExtrinsicFailed"]
    await chain.seal()
    assert chain.events("MevShield") == [("ExtrinsicExpired", (0,))]


async def test_stored_calls_cannot_be_allowed_to_fill_a_block(chain: Chain) -> None:
    for name in ("set_on_initialize_weight", "set_max_extrinsic_weight"):
        made = call("Sudo", "sudo", call("MevShield", name, 2_000_000_000_001))
        await chain.seal(chain.sign(CAROL, made))
        ((_, (outcome,)),) = chain.events("Sudo")
        assert outcome.name == "Err"
    assert not chain.events("MevShield")
