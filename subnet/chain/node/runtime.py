# SPDX-License-Identifier: Apache-2.0
"""The chain's runtime: what a block does to the state.

`begin`, any number of `apply`, `finish`: that is a block. Between blocks `validate` tells the pool whether a
transaction may enter the next one, and `ask` answers questions. A transaction that must not enter raises
`InvalidTransaction` and leaves nothing behind; one that may, but fails, pays its fee and counts its nonce.
"""

from __future__ import annotations

from typing import Any, Final

from protocols.errors import LedgerError
from subnet.chain.node.address import MULTI_ADDRESS, MULTI_SIGNATURE
from subnet.chain.node.admission import Admission, Admitted, Room
from subnet.chain.node.apis.core import core_apis
from subnet.chain.node.apis.subtensor import subtensor_apis
from subnet.chain.node.composition import PALLETS
from subnet.chain.node.dispatch import Dispatcher
from subnet.chain.node.envelopes import open_envelope
from subnet.chain.node.extrinsic import EXTENSIONS, SignedExtension, bare, parse
from subnet.chain.node.frame.hashing import blake2_256, twox_128
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import NOBODY, Origin
from subnet.chain.node.frame.pallet import Pallet, RuntimeApi
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Storage
from subnet.chain.node.limits import EXTRINSIC_REF_TIME
from subnet.chain.node.metadata.digest import DECLARED
from subnet.chain.node.outcome import Info, Weight
from subnet.chain.node.pallets.admin import AdminUtils
from subnet.chain.node.pallets.alphaassets import AlphaAssets
from subnet.chain.node.pallets.aura import Aura
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.commitments import Commitments
from subnet.chain.node.pallets.drand import Drand
from subnet.chain.node.pallets.evm import EVMChainId
from subnet.chain.node.pallets.payment import FeeDetails, PaymentInfo, TransactionPayment, fee_of, total
from subnet.chain.node.pallets.proxy import Proxy
from subnet.chain.node.pallets.shield import MevShield
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.pallets.sudo import Sudo
from subnet.chain.node.pallets.swap import Swap
from subnet.chain.node.pallets.system import System
from subnet.chain.node.pallets.timestamp import Timestamp
from subnet.chain.node.pallets.utility import Utility
from subnet.chain.node.scale.composites import Enum, Variant
from subnet.chain.node.scale.primitives import Compact, Reader, UInt
from subnet.chain.node.validity import InvalidTransaction, Trapped, Validity
from subnet.chain.node.version import VERSION, RuntimeVersion

__all__ = ["Runtime"]

_PREFIX: Final = 32
_LENGTH: Final = Compact(UInt(4))
_NOW: Final = Compact(UInt(8))
_NO: Final = Variant("No")


class Runtime:
    """All pallets over one state."""

    version: Final[RuntimeVersion] = VERSION
    extensions: Final[tuple[SignedExtension, ...]] = EXTENSIONS
    address: Final[Enum] = MULTI_ADDRESS
    signature: Final[Enum] = MULTI_SIGNATURE

    def __init__(self, state: State) -> None:
        self.state = state
        self.dispatcher = Dispatcher(state)
        self.system = System(state)
        self.timestamp = Timestamp(state)
        self.aura = Aura(state)
        self.balances = Balances(state, self.system)
        self.payment = TransactionPayment(state, self.system, self.balances)
        self.utility = Utility(state, self.system, self.dispatcher)
        self.sudo = Sudo(state, self.system, self.dispatcher)
        self.proxy = Proxy(state, self.system, self.balances, self.dispatcher)
        self.drand = Drand(state, self.system)
        self.subtensor = SubtensorModule(state, self.system, self.balances)
        self.subtensor.beacon = self.drand
        self.dispatcher.guard = self.subtensor.bar
        self.commitments = Commitments(state, self.system, self.subtensor)
        self.subtensor.when_removed.append(self.commitments.purge)
        self.admin = AdminUtils(state, self.system, self.subtensor)
        self.evm_chain_id = EVMChainId(state)
        self.swap = Swap(state, self.system)
        self.assets = AlphaAssets(state)
        self.shield = MevShield(state, self.system)
        parts: dict[type, Any] = {type(part): part for part in vars(self).values()}
        self.pallets: tuple[Pallet, ...] = tuple(parts[kind] for kind in PALLETS)
        self.apis: tuple[RuntimeApi, ...] = (*core_apis(self), *subtensor_apis(self.subtensor, self.commitments))
        self.extrinsics: list[bytes] = []
        """The body of the block so far, with the time as its first."""
        self._admission = Admission(self.system, self.payment, self.dispatcher)
        self._room = Room()
        self._answers = {f"{type(api).__name__}_{way.name}": (api, way) for api in self.apis for way in api.methods()}
        self._items: dict[bytes, Storage[Any]] = {}
        self._learn()
        self._time = self.dispatcher.info(_set_time(0))
        # Every block begins with the time, so what comes before the number is encoded once; 0 takes one byte.
        self._opening = bare(_set_time(0))[1:-1]
        # Most pallets have nothing to do at the start and at the end of a block, and nobody should ask them in each.
        starts, ends = Pallet.on_initialize, Pallet.on_finalize
        self._starts = [part.on_initialize for part in self.pallets if type(part).on_initialize is not starts]
        self._ends = [part.on_finalize for part in self.pallets if type(part).on_finalize is not ends]

    def _learn(self) -> None:
        self.system.find = self.item
        self.system.describe = lambda: DECLARED
        for pallet in self.pallets:
            self.dispatcher.serve(pallet)
            self._items.update({item.prefix: item for item in pallet.storage()})

    @property
    def impersonated(self) -> set[bytes]:
        """Accounts for which any signature does; empty unless a developer fills it."""
        return self._admission.impersonated

    def item(self, key: bytes) -> Storage[Any] | None:
        """The storage item that keeps entries under a key, None if there is none."""
        return self._items.get(key[:_PREFIX])

    def begin(self, number: int, parent_hash: bytes, now_ms: int) -> None:
        """Start a block: hooks, then the time, which is its first extrinsic."""
        self._room = Room()
        self.extrinsics = []
        self.system.begin(number, parent_hash)
        for start in self._starts:
            start()
        inherent = _set_time(now_ms)
        self.system.enter(0)
        self.dispatcher.begin()
        self.dispatcher.dispatch(NOBODY, inherent)
        body = self._opening + _NOW.encode(now_ms)
        self._note(_LENGTH.encode(len(body)) + body, self._time, None)

    def apply(self, extrinsic: bytes) -> bytes:
        """Carry out a transaction, and return its hash; what came of it is among the block's events."""
        parsed = parse(extrinsic)
        admitted = self._admission.check(parsed, self.system.block, None, self._room)
        if admitted.nonce > self.system.Account[admitted.who].nonce:
            raise InvalidTransaction("Future")
        mark = self.state.mark()
        self.system.enter(len(self.extrinsics))
        try:
            self._carry_out(extrinsic, parsed.call, admitted)
        except BaseException as fault:
            self.state.rollback(mark)
            # A transaction that a pallet chokes on must not be able to keep the chain from making blocks.
            if isinstance(fault, Exception) and not isinstance(fault, InvalidTransaction):
                raise Trapped(f"{type(fault).__name__}: {fault}") from fault
            raise
        return blake2_256(extrinsic)

    def finish(self) -> None:
        """End the block."""
        self.system.leave()
        for end in self._ends:
            end()
        self.system.finish(self._room.spent)

    def validate(self, extrinsic: bytes, head: bytes | None = None) -> Validity:
        """What the pool may know of a transaction for the next block, or raise `InvalidTransaction`.

        `head` is the hash of the last block: a transaction whose era begins there cannot be told from a forged one
        without it, since storage learns the hash of a block only in the next one.
        """
        block, parsed = self.system.block + 1, parse(extrinsic)
        mark = self.state.mark()
        self.system.Number.value = block  # what is checked are the rules of the block that it would be in
        try:
            admitted = self._admission.check(parsed, block, head, Room())
        finally:
            self.state.rollback(mark)
        validity = self._admission.validity(admitted, block)
        envelope = self.shield.envelope_in(parsed.call)
        if envelope is None:
            return validity
        # One that cannot be opened costs its sender nothing, thus it gives way to everybody else in the pool.
        priority = validity.priority if self.opens(envelope.key_hash) else 0
        return validity._replace(key_hash=envelope.key_hash, priority=priority)

    def opens(self, key_hash: bytes) -> bool:
        """Whether an envelope that was made for the key of this hash can be opened in the next block."""
        key = self.shield.PendingKey.value
        return key is not None and twox_128(key) == key_hash

    def unseal(self, extrinsic: bytes) -> bytes | None:
        """The transaction within one that is an envelope, None where nothing comes out of it."""
        envelope = self.shield.envelope_in(parse(extrinsic).call)
        return None if envelope is None else open_envelope(envelope)

    def fee(self, extrinsic: bytes) -> PaymentInfo:
        """What a transaction would cost without its tip; its signature may be made up."""
        parsed = parse(extrinsic)
        info = self.dispatcher.info(parsed.call)
        is_paid = parsed.signature is not None
        return PaymentInfo(info.weight, info.kind, total(fee_of(info, parsed.length)) if is_paid else 0)

    def fee_details(self, extrinsic: bytes) -> FeeDetails:
        """What the cost of a transaction is made of."""
        parsed = parse(extrinsic)
        if parsed.signature is None:
            return FeeDetails(None, 0)
        return fee_of(self.dispatcher.info(parsed.call), parsed.length)._replace(tip=parsed.signature.tip)

    def ask(self, method: str, arguments: bytes) -> bytes:
        """Answer a question to a runtime API, such as `AccountNonceApi_account_nonce`, and change nothing."""
        found = self._answers.get(method)
        if found is None:
            raise LedgerError(f"Exported method {method} is not found")
        api, way = found
        source = Reader(arguments)
        values = [field.type.read(source) for field in way.inputs]
        if source.left():
            raise LedgerError(f"{source.left()} bytes are left over after the arguments of {method}")
        mark = self.state.mark()
        try:
            return way.output.encode(way.answer(api, *values))
        finally:
            self.state.rollback(mark)

    def _carry_out(self, extrinsic: bytes, call: Variant, admitted: Admitted) -> None:
        who, _, tip, info, charged, _, vouched = admitted
        if vouched is None:
            self.system.use_nonce(who)
            self.payment.charge(who, charged)
        self.dispatcher.begin()
        failure = None
        try:
            self.dispatcher.dispatch(Origin(who) if vouched is None else NOBODY, call)
        except DispatchFailure as raised:
            failure, self.dispatcher.is_waived = raised, False
        actual = Info(
            Weight(info.weight.ref_time - self.dispatcher.unused, info.weight.proof_size),
            info.kind,
            _NO if self.dispatcher.is_waived else info.pays_fee,
        )
        if vouched is None:
            self.payment.settle(who, charged, total(fee_of(actual, len(extrinsic))) + tip, tip)
        self._note(extrinsic, actual, failure)

    def _note(self, extrinsic: bytes, info: Info, failure: DispatchFailure | None) -> None:
        weight = Weight(info.weight.ref_time + EXTRINSIC_REF_TIME, info.weight.proof_size)
        told = info._replace(weight=weight)
        system = self.system
        system.deposit(
            system.ExtrinsicSuccess(told) if failure is None else system.ExtrinsicFailed(failure.reason, told)
        )
        self._room.take(told, len(extrinsic))
        self.extrinsics.append(extrinsic)


def _set_time(now_ms: int) -> Variant:
    return Variant("Timestamp", (Variant("set", (now_ms,)),))
