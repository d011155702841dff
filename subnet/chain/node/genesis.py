# SPDX-License-Identifier: Apache-2.0
"""How a chain begins, as a TOML file says it: money, the root's key, networks with their rules and neurons, and any
entry of storage by name.

Networks and neurons come about by the chain's own calls, so that its books hold nothing that could not have come
there. The same file gives the same genesis hash on every machine.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from protocols.balance import Balance
from protocols.errors import InvalidAmount, InvalidGenesis
from subnet.chain.node.founding import Beginning
from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.items import Items
from subnet.chain.node.machine import Machine
from subnet.chain.node.plain import account

__all__ = ["Genesis", "GenesisNetwork", "GenesisNeuron", "endow", "read_genesis"]

Tao: TypeAlias = int | float | str
Plain: TypeAlias = dict[str, Any]

_SUBTENSOR: Final = "SubtensorModule"
_ROOT_NETWORK: Final = {
    "NetworksAdded": True,
    "NetworkRegistrationAllowed": True,
    "MaxAllowedUids": 64,
    "MaxAllowedValidators": 64,
    "MinAllowedWeights": 0,
    "Tempo": 100,
}
"""The network that every chain of this kind has, where tao is staked."""


class GenesisNeuron(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is registered from the beginning, and the tao that the coldkey has put on the hotkey."""

    hotkey: str
    coldkey: str
    stake: Tao = 0


class GenesisNetwork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subnet that is there from the beginning; the owner's hotkey has its first uid."""

    owner: str
    hotkey: str
    started: bool = True
    """Whether it is open for stake and emission."""
    hyperparameters: Plain = msgspec.field(default_factory=dict)
    """By their names in storage."""
    neurons: tuple[GenesisNeuron, ...] = ()


class Genesis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The beginning of a chain."""

    name: str
    sudo: str | None = None
    """Who may act as the root."""
    accounts: dict[str, Tao] = msgspec.field(default_factory=dict)
    """Who has how much tao."""
    hyperparameters: Plain = msgspec.field(default_factory=dict)
    """Of every network below that does not say otherwise."""
    networks: tuple[GenesisNetwork, ...] = ()
    storage: dict[str, Plain] = msgspec.field(default_factory=dict)
    """Entries by pallet and item; they have the last word."""

    @property
    def beginning(self) -> Beginning:
        """What a store is founded with."""
        text = msgspec.json.encode(self, order="deterministic")
        return Beginning(self.name, blake2_256(text), self.write)

    def write(self, runtime: Machine) -> None:
        """Fill the storage of a new chain; raises `InvalidGenesis`."""
        for pallet in runtime.pallets:
            pallet.on_genesis()
        items = Items(runtime.pallets)
        for text, amount in self.accounts.items():
            endow(items, account(text), _rao(text, amount))
        if self.sudo is not None:
            items.find("Sudo", "Key").put((), self.sudo)
        if _SUBTENSOR in items:
            _write_root_network(items)
        # What is said of networks would be forgotten when they are made, and what they are made by must be known then.
        items.put_all(self.storage)
        for network in self.networks:
            self._write_network(items, network)
        items.put_all(self.storage)

    def _write_network(self, items: Items, network: GenesisNetwork) -> None:
        owner = Origin(account(network.owner))
        before = {netuid for netuid, _ in _networks(items)}
        items.call(owner, f"{_SUBTENSOR}.register_network", {"hotkey": network.hotkey})
        (netuid,) = {netuid for netuid, _ in _networks(items)} - before
        if network.started:
            items.call(owner, f"{_SUBTENSOR}.start_call", {"netuid": netuid})
        for name, value in (self.hyperparameters | network.hyperparameters).items():
            items.find(_SUBTENSOR, name).put(netuid, value)
        for neuron in network.neurons:
            coldkey = Origin(account(neuron.coldkey))
            seat = {"netuid": netuid, "hotkey": neuron.hotkey}
            items.call(coldkey, f"{_SUBTENSOR}.burned_register", seat)
            if neuron.stake:
                amount = _rao(neuron.hotkey, neuron.stake)
                items.call(coldkey, f"{_SUBTENSOR}.add_stake", seat | {"amount_staked": amount})


def read_genesis(path: Path) -> Genesis:
    """Read a TOML file; raises `InvalidGenesis`."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(table, Genesis, strict=True)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise InvalidGenesis(f"{path} does not say how a chain begins: {fault}") from fault


def endow(items: Items, who: bytes, rao: int) -> None:
    """Let an account have just so much free money; what is in circulation follows."""
    accounts = items.find("System", "Account")
    info = accounts.get(who)
    change = rao - info.data.free
    accounts.set(who, info._replace(providers=max(1, info.providers), data=info.data._replace(free=rao)))
    for pallet in ("Balances", _SUBTENSOR):
        if pallet in items:
            issued = items.find(pallet, "TotalIssuance")
            issued.set((), issued.get() + change)


def _write_root_network(items: Items) -> None:
    for name, value in _ROOT_NETWORK.items():
        items.find(_SUBTENSOR, name).put(0, value)
    items.find(_SUBTENSOR, "TotalNetworks").put((), 1)


def _networks(items: Items) -> list[tuple[int, Any]]:
    return items.find(_SUBTENSOR, "NetworksAdded").entries()


def _rao(whose: str, amount: Tao) -> int:
    try:
        return Balance.tao(Decimal(str(amount)) if isinstance(amount, float) else amount).rao
    except InvalidAmount as fault:
        raise InvalidGenesis(f"the tao of {whose} cannot be {amount!r}: {fault.message}") from fault
