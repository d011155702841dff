# SPDX-License-Identifier: Apache-2.0
"""Whether a transaction may enter a block: the chain's signed extensions, in their order.

Nothing is written here. What is found out, the sender and the price, is what carrying it out then starts from.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from subnet.chain.node.address import account_of
from subnet.chain.node.dispatch import Dispatcher
from subnet.chain.node.extrinsic import Extrinsic, Signature, payload, proves
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.pallet import Vouched
from subnet.chain.node.limits import BLOCK_LENGTH, BLOCK_WEIGHTS, EXTRINSIC_REF_TIME
from subnet.chain.node.outcome import NO_WEIGHT, Info, PerClass, Weight
from subnet.chain.node.pallets.payment import TransactionPayment, fee_of, total
from subnet.chain.node.pallets.subtensor.barred import custom_error
from subnet.chain.node.pallets.system import System
from subnet.chain.node.validity import InvalidTransaction, Validity
from subnet.chain.node.version import VERSION

__all__ = ["Admission", "Admitted", "Room"]

_NOBODY: Final = bytes(32)
_NO_METADATA_HASH: Final = b"\x00"
_OPERATIONAL_PRIORITY: Final = 10_000_000_000
_NORMAL_PRIORITY: Final = 1
_ENVELOPE: Final = ("MevShield", "submit_encrypted")
_ENVELOPE_ERA: Final = 8
"""For how many blocks an envelope may wait to be opened at most."""
_VERSIONS: Final = VERSION.spec_version.to_bytes(4, "little") + VERSION.transaction_version.to_bytes(4, "little")


class Admitted(NamedTuple):
    """A transaction that may enter a block."""

    who: bytes
    nonce: int
    tip: int
    info: Info
    fee: int
    """With the tip, before what comes back."""
    until: int
    """The first block that is too late for it."""
    vouched: Vouched | None = None
    """What its pallet says of one that nobody signed."""


class Room:
    """How full the block is."""

    __slots__ = ("_length", "_spent")

    def __init__(self) -> None:
        self._spent = {"Normal": 0, "Operational": 0, "Mandatory": BLOCK_WEIGHTS.base_block.ref_time}
        self._length = 0

    def check(self, info: Info, length: int) -> None:
        """Turn away what does not fit any more; it may fit into the next block."""
        limits = BLOCK_WEIGHTS.per_class.normal if info.kind.name == "Normal" else BLOCK_WEIGHTS.per_class.operational
        most = BLOCK_LENGTH.max.normal if info.kind.name == "Normal" else BLOCK_LENGTH.max.operational
        taken = self._spent[info.kind.name] + EXTRINSIC_REF_TIME + info.weight.ref_time
        is_huge = limits.max_extrinsic is not None and info.weight.ref_time > limits.max_extrinsic.ref_time
        is_full = limits.max_total is not None and taken > limits.max_total.ref_time
        if is_huge or is_full or self._length + length > most:
            raise InvalidTransaction("ExhaustsResources")

    def take(self, info: Info, length: int) -> None:
        """Count a transaction that was carried out; its weight has the base in it."""
        self._spent[info.kind.name] += info.weight.ref_time
        self._length += length

    @property
    def spent(self) -> PerClass:
        """What the block weighs so far."""
        return PerClass(*(Weight(ref_time, NO_WEIGHT.proof_size) for ref_time in self._spent.values()))


class Admission:
    """The checks."""

    def __init__(self, system: System, payment: TransactionPayment, dispatcher: Dispatcher) -> None:
        self._system = system
        self._payment = payment
        self._dispatcher = dispatcher
        self.impersonated: set[bytes] = set()
        """Accounts for which any signature does, as only a developer may decide."""

    def check(self, extrinsic: Extrinsic, block: int, head: bytes | None, room: Room) -> Admitted:
        """Check a transaction for a block; `head` is the hash of the one before, if storage does not know it yet."""
        signature = extrinsic.signature
        if signature is None:
            return self._check_unsigned(extrinsic, block, room)
        who = self._signer(extrinsic, signature, block, head)
        if who == _NOBODY:
            raise InvalidTransaction("BadSigner")
        call = extrinsic.call.fields[0]
        if (extrinsic.call.name, call.name) == _ENVELOPE and not 0 < signature.era.period <= _ENVELOPE_ERA:
            raise InvalidTransaction("Stale")
        info = self._dispatcher.info(extrinsic.call)
        account = self._system.Account[who]
        is_free = info.pays_fee.name == "No"
        # A hotkey without money makes calls that cost nothing, thus only who pays must exist.
        if not is_free and not account.providers and not account.sufficients:
            raise InvalidTransaction("Payment")
        if signature.nonce < account.nonce:
            raise InvalidTransaction("Stale")
        room.check(info, extrinsic.length)
        fee = total(fee_of(info, extrinsic.length)) + signature.tip
        self._payment.check(who, fee)
        self._dispatcher.pallet_of(extrinsic.call).screen(who, call.name, call.fields)
        refused = self._dispatcher.guard(who, extrinsic.call)
        if refused is not None:
            raise InvalidTransaction("Custom", custom_error(refused))
        return Admitted(who, signature.nonce, signature.tip, info, fee, signature.era.death(block))

    def validity(self, admitted: Admitted, block: int) -> Validity:
        """What the pool needs to know of it."""
        who, nonce, vouched = admitted.who, admitted.nonce, admitted.vouched
        if vouched is not None:
            provided, priority, longevity, propagate = vouched
            return Validity(who, nonce, priority, longevity, (), (provided,), propagate)
        requires = (_tag(who, nonce - 1),) if nonce > self._system.Account[who].nonce else ()
        is_operational = admitted.info.kind.name == "Operational"
        priority = (_OPERATIONAL_PRIORITY if is_operational else _NORMAL_PRIORITY) + admitted.tip
        longevity = admitted.until - block if admitted.until < 2**64 - 1 else admitted.until
        return Validity(who, nonce, min(priority, 2**64 - 1), longevity, requires, (_tag(who, nonce),), True)

    def _check_unsigned(self, extrinsic: Extrinsic, block: int, room: Room) -> Admitted:
        call = extrinsic.call.fields[0]
        vouched = self._dispatcher.pallet_of(extrinsic.call).vouch(call.name, call.fields, block)
        if vouched is None:
            raise InvalidTransaction("NoUnsignedValidator")
        info = self._dispatcher.info(extrinsic.call)
        room.check(info, extrinsic.length)
        # Nobody's transactions wait in the pool under what each of them does, since no account stands for them.
        return Admitted(blake2_256(vouched.provides), 0, 0, info, 0, block, vouched)

    def _signer(self, extrinsic: Extrinsic, signature: Signature, block: int, head: bytes | None) -> bytes:
        who = account_of(signature.address)
        if who is None or signature.with_metadata_hash:
            raise InvalidTransaction("CannotLookup")
        genesis, birth = self._hash(0, block, head), self._hash(signature.era.birth(block), block, head)
        if birth is None:
            raise InvalidTransaction("AncientBirthBlock")
        unsaid = _VERSIONS + (genesis or birth) + birth + _NO_METADATA_HASH
        if who not in self.impersonated and not proves(signature.proof, payload(extrinsic, signature, unsaid), who):
            raise InvalidTransaction("BadProof")
        return who

    def _hash(self, number: int, block: int, head: bytes | None) -> bytes | None:
        if number == block - 1 and head is not None:
            return head
        known = number in self._system.BlockHash
        return self._system.BlockHash[number] if known else None


def _tag(who: bytes, nonce: int) -> bytes:
    return who + nonce.to_bytes(4, "little")
