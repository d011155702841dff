# SPDX-License-Identifier: Apache-2.0
"""A call as the bytes that a node takes: composed and encoded on the connection's thread, signed outside of it.

The signature is made by whoever holds the key, which may be a device that takes its time or a person who is asked. So
an extrinsic comes about in three steps: a draft, its signature, and the signed bytes. Those bytes are kept, because
sending the same bytes twice is harmless, and signing twice is not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from substrateinterface import Keypair as PublicKey
from substrateinterface import KeypairType

from protocols.calls import Call, SetHyperparameter
from protocols.keys import Scheme
from protocols.types import Block
from subnet.chain.calls import written
from subnet.chain.client.reads import PALLET
from subnet.chain.client.session import Session
from subnet.chain.client.storage import Item
from subnet.chain.dials import ALPHA_VALUES, Written

__all__ = ["Draft", "Signed", "draft", "fee", "signed"]

_PERIOD: Final = 64  # blocks within which an extrinsic is included or never
_SCHEMES: Final[dict[Scheme, int]] = {"sr25519": KeypairType.SR25519, "ed25519": KeypairType.ED25519}
_NEXT_INDEX: Final = ("system_accountNextIndex", "account_nextIndex")


@dataclass(frozen=True, slots=True)
class Draft:
    """An extrinsic without its signature."""

    asked: Call
    call: Any
    """The same as the library composed it."""
    address: str
    nonce: int
    anchor: Block
    """The finalised block from which it is valid."""
    payload: bytes
    """What is to be signed."""

    @property
    def era(self) -> dict[str, int]:
        """From when to when it is valid, as the library writes it."""
        return {"period": _PERIOD, "current": self.anchor}

    @property
    def dies_at(self) -> Block:
        """The first block that cannot include it any more."""
        return Block(self.anchor + _PERIOD)


@dataclass(frozen=True, slots=True)
class Signed:
    """An extrinsic that can be sent, again and again."""

    draft: Draft
    data: str
    """The bytes as 0x-prefixed hex."""
    sent_after: Block
    """The newest block when it was made; what includes it comes later."""

    @property
    def hash(self) -> str:
        """By what everybody else names it."""
        return f"0x{hashlib.blake2b(bytes.fromhex(self.data[2:]), digest_size=32).hexdigest()}"


def draft(session: Session, call: Call, address: str, at_least: int) -> Draft:
    """Compose a call with the account's next nonce, or a higher one where calls are on their way already."""
    session.load()
    interface = session.interface
    spelled = _spelled(session, call, address)
    inner = _composed(session, spelled)
    whole = interface.compose_call("Sudo", "sudo", {"call": inner}) if spelled.is_sudo else inner
    nonce = max(_next_nonce(session, address), at_least)
    anchor = session.number(session.finalised())
    payload = interface.generate_signature_payload(
        call=whole, era={"period": _PERIOD, "current": anchor}, nonce=nonce, tip=0
    )
    return Draft(call, whole, address, nonce, anchor, bytes(payload.data))


def signed(session: Session, plan: Draft, signature: bytes, scheme: Scheme) -> Signed:
    """Put the signature on a draft."""
    key = PublicKey(ss58_address=plan.address, crypto_type=_SCHEMES[scheme])
    extrinsic = session.interface.create_signed_extrinsic(
        call=plan.call, keypair=key, era=plan.era, nonce=plan.nonce, signature=signature
    )
    return Signed(plan, str(extrinsic.data), session.number(session.head()))


def fee(session: Session, extrinsic: Signed) -> int:
    """What a node says that including the extrinsic costs now, in rao."""
    length = (len(extrinsic.data) - 2) // 2
    arguments = extrinsic.data + length.to_bytes(4, "little").hex()
    answer = bytes.fromhex(session.rpc("state_call", "TransactionPaymentApi_query_info", arguments)[2:])
    # Its weight is two compact numbers, then comes one byte of its class, and the rest is the fee.
    start = _after_compact(answer, _after_compact(answer, 0)) + 1
    return int.from_bytes(answer[start:], "little")


def _next_nonce(session: Session, address: str) -> int:
    """The nonce that the account's next extrinsic must have, by what the node's pool knows."""
    for method in _NEXT_INDEX:
        nonce = session.rpc_if_known(method, address)
        if nonce is not None:
            return int(nonce)
    (account,) = session.read([Item("System", "Account", (address,))], session.head())
    return int(account["nonce"])


def _spelled(session: Session, call: Call, address: str) -> Written:
    if not isinstance(call, SetHyperparameter):
        return written(call, session.takes)
    key, alphas = session.read([Item("Sudo", "Key"), Item(PALLET, ALPHA_VALUES, (call.netuid,))], session.head())
    return written(call, session.takes, is_root=key == address, alphas=alphas or (0, 0))


def _composed(session: Session, spelled: Written) -> Any:
    pallet = session.interface.metadata.get_metadata_pallet(spelled.pallet)
    function = next(function for function in pallet.calls if function.name == spelled.function)
    names = [argument.name for argument in function.args]

    def composed(arguments: tuple[Any, ...]) -> Any:
        named = dict(zip(names, arguments, strict=True))
        return session.interface.compose_call(spelled.pallet, spelled.function, named)

    try:
        return composed(spelled.arguments)
    except ValueError:
        if spelled.otherwise is None:
            raise
        return composed(spelled.otherwise)


def _after_compact(data: bytes, start: int) -> int:
    mode = data[start] & 3
    return start + ((1, 2, 4)[mode] if mode < 3 else (data[start] >> 2) + 5)
