# SPDX-License-Identifier: Apache-2.0
"""A root network and a network of three neurons, and the questions that may be put about them.

Questions and answers go over the wire: an answer is what is left after it was encoded and decoded again.
"""

from __future__ import annotations

from typing import Any, Final

from subnet.chain.node.apis.subtensor import subtensor_apis
from subnet.chain.node.extrinsic import EXTENSIONS
from subnet.chain.node.frame.calls import ApiMethod
from subnet.chain.node.frame.pallet import Pallet, RuntimeApi
from subnet.chain.node.frame.state import State
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.commitments import Commitments
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.pallets.subtensor.records import AxonInfo, ChainIdentityV2, PrometheusInfo, SubnetIdentityV3
from subnet.chain.node.pallets.system import System

__all__ = ["AXON", "NET", "NOBODY", "OWNER", "SYMBOL", "TAO", "UNKNOWN_NET", "Town", "cold", "hot"]

NET: Final = 1
UNKNOWN_NET: Final = 7
TAO: Final = 1_000_000_000
NOBODY: Final = bytes(32)
SYMBOL: Final = b"\xce\xb1"
OWNER: Final = bytes([250]) * 32
AXON: Final = AxonInfo(7, 100, 2**128 - 1, 8091, 6, 4, 1, 2)


def hot(number: int) -> bytes:
    """A hotkey."""
    return (number + 1).to_bytes(32, "little")


def cold(number: int) -> bytes:
    """The coldkey that owns the hotkey of that number."""
    return (number + 1).to_bytes(32, "big")


class Town:
    """Pallets with people on them, and what may be asked; enough of a runtime for its metadata to be written."""

    def __init__(self, neurons: int = 3) -> None:
        self.state = State()
        self.system = System(self.state)
        self.system.Number.value = 50
        self.balances = Balances(self.state, self.system)
        self.chain = SubtensorModule(self.state, self.system, self.balances)
        self.commitments = Commitments(self.state, self.system, self.chain)
        self.pallets: tuple[Pallet, ...] = (self.system, self.balances, self.chain, self.commitments)
        self.apis: tuple[RuntimeApi, ...] = subtensor_apis(self.chain, self.commitments)
        self.extensions = EXTENSIONS
        self.chain.create_network(0, 100)
        self.chain.create_network(NET, 360)
        self._settle(neurons)
        self._open()

    def method(self, api: str, name: str) -> ApiMethod:
        """A question by its name."""
        found = next(found for found in self.apis if type(found).__name__ == api)
        return next(method for method in found.methods() if method.name == name)

    def encoded(self, api: str, name: str, *arguments: Any) -> bytes:
        """The bytes of an answer."""
        found = next(found for found in self.apis if type(found).__name__ == api)
        method = self.method(api, name)
        sent = [field.type.encode(value) for field, value in zip(method.inputs, arguments, strict=True)]
        received = [field.type.decode(data) for field, data in zip(method.inputs, sent, strict=True)]
        return method.output.encode(method.answer(found, *received))

    def ask(self, api: str, name: str, *arguments: Any) -> Any:
        """An answer."""
        return self.method(api, name).output.decode(self.encoded(api, name, *arguments))

    def _settle(self, neurons: int) -> None:
        chain = self.chain
        for number in range(neurons):
            chain.create_account_if_non_existent(cold(number), hot(number))
            chain.append_neuron(NET, hot(number))
            chain.increase_stake(hot(number), cold(number), NET, (number + 1) * TAO)
        chain.SubnetOwner[NET], chain.SubnetOwnerHotkey[NET] = OWNER, hot(0)
        chain.Axons[NET, hot(1)] = AXON
        chain.Prometheus[NET, hot(1)] = PrometheusInfo(8, 1, 2**32 - 1, 9090, 4)
        chain.IdentitiesV2[cold(1)] = ChainIdentityV2(b"one", b"u", b"g", b"i", b"d", b"t", b"a")
        for number, item in enumerate((chain.Incentive, chain.Consensus, chain.Dividends, chain.ValidatorTrust)):
            item[NET] = tuple(number + 7 * uid for uid in range(neurons))
        chain.Emission[NET] = tuple(10**10 + uid for uid in range(neurons))
        chain.LastUpdate[NET] = tuple(range(neurons))
        chain.ValidatorPermit[NET] = tuple(uid != 1 for uid in range(neurons))
        chain.Weights[NET, 0] = ((0, 0), (1, 65535), (2, 3))
        chain.Bonds[NET, 0] = ((0, 0), (1, 9))
        chain.AlphaDividendsPerSubnet[NET, hot(0)] = 11

    def _open(self) -> None:
        chain = self.chain
        chain.SubnetMechanism[NET] = 1
        chain.SubtokenEnabled[NET] = True
        chain.SubnetTAO[NET], chain.SubnetAlphaIn[NET] = 1_000 * TAO, 4_000 * TAO
        chain.SubnetAlphaOut[NET], chain.SubnetVolume[NET] = 6 * TAO, 2**70
        chain.SubnetMovingPrice[NET] = 1 << 30
        chain.PendingServerEmission[NET], chain.PendingValidatorEmission[NET] = 300, 200
        chain.LastMechansimStepBlock[NET] = 40
        chain.BlocksSinceLastStep[NET] = 9
        chain.TokenSymbol[NET] = SYMBOL
        chain.SubnetIdentitiesV3[NET] = SubnetIdentityV3(b"north", b"r", b"c", b"u", b"d", b"t", b"l", b"a")
