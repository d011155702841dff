# SPDX-License-Identifier: Apache-2.0
"""Whom the local chain is measured with: a network of 256 neurons with 64 validators, and people who pay each other.

What they sign is put together before the clock starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from protocols.keys import Keypair
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Variant
from tests.subnet.chain.node.township import Township, call, ident

__all__ = ["NEURONS", "PAYERS", "VALIDATORS", "Signing", "account_key", "write_genesis"]

NEURONS: Final = 256
VALIDATORS: Final = 64
PAYERS: Final = 10
_STAKE: Final = 1_000
_MONEY: Final = 1_000
_PRICE: Final = 500_000
_RULES: Final = {
    "Tempo": "10",
    "Burn": f"{_PRICE}",
    "MinBurn": f"{_PRICE}",
    "MaxBurn": f"{_PRICE}",
    "CommitRevealWeightsEnabled": "false",
    "MaxAllowedUids": f"{NEURONS}",
    "MaxAllowedValidators": f"{VALIDATORS}",
    "SubnetEmissionEnabled": "true",
    "WeightsSetRateLimit": "1",
}


def write_genesis(path: Path, neurons: int, validators: int) -> None:
    """A chain that begins with the network and the people."""
    money = {"//Alice": 1_000_000} | {f"//Payer{index}": _MONEY for index in range(PAYERS)}
    money |= {f"//Neuron{index}": _MONEY for index in range(1, validators)}
    lines = ['name = "crowd"', 'sudo = "//Alice"', "[accounts]"]
    lines += [f'"{who}" = {tao}' for who, tao in money.items()]
    lines += ["[hyperparameters]", *[f"{name} = {value}" for name, value in _RULES.items()]]
    lines += ["[storage.SubtensorModule]", "NetworkRateLimit = 0", "TxRateLimit = 0"]
    lines += ["[[networks]]", 'owner = "//Alice"', 'hotkey = "//Neuron0"']
    for index in range(1, neurons):
        lines += ["[[networks.neurons]]", f'hotkey = "//Neuron{index}"', 'coldkey = "//Alice"']
        lines += [f"stake = {_STAKE + index}"] if index < validators else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Signing:
    """Signs for everybody on a chain with this genesis."""

    def __init__(self, genesis: str) -> None:
        self._genesis = bytes.fromhex(genesis[2:])
        self._town = Township()

    def transfer(self, payer: str, nonce: int) -> str:
        """A small payment to Bob."""
        paid = call("Balances", "transfer_keep_alive", ident(Keypair.from_uri("//Bob")), 1_000_000)
        return self._signed(Keypair.from_uri(payer), paid, nonce)

    def weights(self, validator: int, neurons: int) -> str:
        """A vote of a validator on everybody but itself, each somewhat different."""
        uids = tuple(uid for uid in range(neurons) if uid != validator)
        votes = tuple(1 + (uid * 7919 + validator * 104_729) % 65_535 for uid in uids)
        vote = call("SubtensorModule", "set_weights", 1, uids, votes, 0)
        return self._signed(Keypair.from_uri(f"//Neuron{validator}"), vote, 0)

    def _signed(self, who: Keypair, made: Variant, nonce: int) -> str:
        return f"0x{self._town.sign(who, made, nonce=nonce, genesis=self._genesis).hex()}"


def account_key(uri: str) -> str:
    """Under which key storage has somebody's account."""
    return f"0x{System.Account.key(Keypair.from_uri(uri).public_key).hex()}"
