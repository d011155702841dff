# SPDX-License-Identifier: Apache-2.0
"""Extrinsics that a published runtime took, sent again to ours on a chain in the same state.

Each is signed, offered to the pool and, where that takes it, made a block of its own. Where newer rules ask for more
than the old runtime had, such as an open network or a pool that has something to sell, the state is given it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from protocols.keys import Keypair
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.validity import InvalidTransaction
from tests.subnet.chain.node.township import Township, call, ident

__all__ = ["Came", "RECORDED", "recorded", "replay"]

_DATA: Final = Path(__file__).parents[3] / "data" / "transcripts_spec218.json"
RECORDED: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {case["label"]: case for case in json.loads(_DATA.read_text())["extrinsics"]}
)
"""What was recorded, by its name."""

_TAO: Final = 10**9
_MONEY: Final = 10**15
_DEEP: Final = 10**18
_PEOPLE: Final = ("Alice", "Bob", "Charlie", "Dave", "NewOwner")
_KEYS: Final = (*_PEOPLE, "Ferdie", "AliceHot", "BobHot", "CharlieHot", "DaveHot", "NewHot")
_RENAMED: Final[Mapping[str, str]] = MappingProxyType({"WeightsMinStake": "StakeThreshold"})
_NETUID: Final = 2
_NOBODYS: Final = 55
_TEMPO: Final = 360
_LAST: Final = "burned_register too many this interval"
"""Sent after all others: today it succeeds, and then the network has a neuron more than the recorded one had."""


class Came(NamedTuple):
    """What came of an extrinsic."""

    outcome: str
    """`Ok`, the error by its name, or what the pool refused it with."""
    nonce: int
    """By how much the signer's nonce has grown: not at all outside of a block."""
    fee: int | None
    """None where the call is for nothing."""
    events: tuple[Any, ...]
    """All that happened in order, but for the fee and the end."""


def recorded(label: str) -> Came:
    """What came of it on the published runtime."""
    case = RECORDED[label]
    if "rejected" in case:
        return _refused(f"Custom {case['rejected']}", 0)
    events = [(pallet, name, _listed(fields)) for pallet, name, fields in case["events"]]
    reason = case["events"][-1][2].get("dispatch_error", "Ok")
    return _came(case["error"] or (".".join(*reason.items()) if isinstance(reason, dict) else reason), 1, events)


@cache
def replay() -> Mapping[str, Came]:
    """What came of all of them here, one after the other."""
    town = _town()
    came = {}
    for label, case in RECORDED.items():
        _prepare(town, case)
        if label != _LAST:
            came[label] = _send(town, case)
    return MappingProxyType({**came, _LAST: _send(town, RECORDED[_LAST])})


def _came(outcome: str, nonce: int, events: list[tuple[str, str, Any]]) -> Came:
    *own, paid, _ = events
    assert paid[:2] == ("TransactionPayment", "TransactionFeePaid")
    if not own or own[-1][:2] != ("Balances", "Deposit"):
        return Came(outcome, nonce, None, tuple(own))
    assert own[0][:2] == ("Balances", "Withdraw")
    return Came(outcome, nonce, paid[2][1], tuple(own[1:-1]))


def _refused(how: str, nonce: int) -> Came:
    return Came(how, nonce, None, ())


def _town() -> Township:
    town = Township(*map(_key, _PEOPLE))
    runtime, chain = town.runtime, town.runtime.subtensor
    for name in _PEOPLE:
        runtime.balances.mint(_key(name).public_key, _MONEY)
    runtime.sudo.Key.value = _key("Alice").public_key
    chain.create_root(bytes(32), bytes(32))
    chain.NetworkMinLockCost.value, chain.NetworkLockReductionInterval.value = _TAO, 1
    chain.AdminFreezeWindow.value, chain.NetworkRateLimit.value = 0, 10
    town.state.forget()
    town.make()
    chain.register_network(Origin(_key("Alice").public_key), _key("First").public_key)
    town.state.forget()
    town.make()
    return town


def _send(town: Township, case: Mapping[str, Any]) -> Came:
    signer, made = _key(case["signer"]), _call(case)
    extrinsic, before = town.sign(signer, made), town.nonce(signer)
    try:
        town.runtime.validate(extrinsic, town.hash(town.block))
    except InvalidTransaction as refused:
        how = refused.variant if refused.custom is None else f"Custom {refused.custom}"
        return _refused(how, town.nonce(signer) - before)
    happened = town.make(extrinsic)
    events = [(pallet, name, _shown(fields)) for pallet, name, fields in happened]
    return _came(_outcome(town, happened[-1]), town.nonce(signer) - before, events)


def _prepare(town: Township, case: Mapping[str, Any]) -> None:
    chain = town.runtime.subtensor
    for name, *key, value in case.get("setup", ()):
        item = getattr(chain, _RENAMED.get(name, name))
        if key:
            item[key[0]] = value
        else:
            item.value = value
    if _NETUID in chain.NetworksAdded and not chain.SubtokenEnabled[_NETUID]:
        _open(town)
    if case["call"].endswith(".remove_stake"):
        _sell(town)
    chain.ValidatorPermit[_NETUID] = (True,) * chain.SubnetworkN[_NETUID]  # the old runtime permitted everybody
    town.state.forget()


def _open(town: Township) -> None:
    chain = town.runtime.subtensor
    chain.SubtokenEnabled[_NETUID], chain.FirstEmissionBlockNumber[_NETUID] = True, town.block
    chain.SubnetTAO[_NETUID] = chain.SubnetAlphaIn[_NETUID] = _DEEP
    town.runtime.balances.mint(chain.subnet_account(_NETUID), _DEEP)
    chain.Burn[_NETUID] = chain.MinBurn[_NETUID] = _TAO
    chain.MaxBurn[_NETUID], chain.BurnHalfLife[_NETUID], chain.BurnIncreaseMult[_NETUID] = _DEEP, 0, 1 << 64
    chain.CommitRevealWeightsEnabled[_NETUID] = chain.CommitRevealWeightsEnabled[_NOBODYS] = False
    chain.StakeThreshold.value, chain.Tempo[_NETUID] = 0, _TEMPO


def _sell(town: Township) -> None:
    """Take all stake away: the recorded pool sold no alpha, so that nobody had any."""
    chain, hotkey = town.runtime.subtensor, _key("BobHot").public_key
    for name in ("Bob", "Charlie"):
        if chain.stake_of(hotkey, _key(name).public_key, _NETUID):
            chain.remove_stake(Origin(_key(name).public_key), hotkey, _NETUID, _DEEP)


def _call(case: Mapping[str, Any]) -> Variant:
    pallet, name = case["call"].split(".")
    given = {key: value for key, value in case["params"].items() if key != "mechid"}  # no argument any more
    made = call(pallet, name, *(_argument(key, value) for key, value in given.items()))
    return call("Sudo", "sudo", made) if case.get("sudo") else made


def _argument(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, str):
        return value
    if value.startswith("0x"):
        return bytes.fromhex(value[2:])
    return ident(_key(value[1:])) if name == "dest" else _key(value[1:]).public_key


def _outcome(town: Township, last: tuple[str, str, tuple[Any, ...]]) -> str:
    if last[1] == "ExtrinsicSuccess":
        return "Ok"
    reason: Variant = last[2][0]
    if reason.name != "Module":
        return ".".join((reason.name, *(part.name for part in reason.fields)))
    module, code = reason.fields[0]
    pallet = next(pallet for pallet in town.runtime.pallets if pallet.index == module)
    return next(error.name for error in pallet.errors() if error.index == code[0])


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return _names().get(value, f"0x{value.hex()}")
    if isinstance(value, Variant):
        return {value.name: [_shown(part) for part in value.fields]} if value.fields else value.name
    return [_shown(part) for part in value] if isinstance(value, tuple) else value


def _listed(fields: Any) -> Any:
    values = fields.values() if isinstance(fields, dict) else fields
    return [{name: [[]] for name in value} if isinstance(value, dict) else value for value in values]


@cache
def _names() -> Mapping[bytes, str]:
    return MappingProxyType({_key(name).public_key: f"@{name}" for name in _KEYS})


@cache
def _key(name: str) -> Keypair:
    return Keypair.from_uri(f"//{name}")
