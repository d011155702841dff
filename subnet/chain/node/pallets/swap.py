# SPDX-License-Identifier: Apache-2.0
"""What trades with a network's pool cost; the trades are the pallet's that stakes.

Reserves are in one place, `SubnetTAO` and `SubnetAlphaIn`; positions of users, which public chains have closed, are
not here.
"""

from __future__ import annotations

from typing import ClassVar

from incentive.emission.market import FEE_RATE
from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.hashing import twox64_concat
from subnet.chain.node.frame.items import Constant, Error, Event
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.frame.pallet import Pallet
from subnet.chain.node.frame.state import State
from subnet.chain.node.frame.storage import Map
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.names import Flag, u16, u32, u64

__all__ = ["Swap"]


class Swap(Pallet):
    """Fees."""

    name: ClassVar[str] = "Swap"
    index: ClassVar[int] = 28

    FeeRate = Map[int](u16, FEE_RATE, twox64_concat(u16))
    EnabledUserLiquidity = Map[bool](Flag, False, twox64_concat(u16))
    SwapV3Initialized = Map[bool](Flag, False, twox64_concat(u16))

    FeeRateSet = Event(0, netuid=u16, rate=u16)

    FeeRateTooHigh = Error(0)
    InsufficientInputAmount = Error(1)
    InsufficientLiquidity = Error(2)
    PriceLimitExceeded = Error(3)
    InsufficientBalance = Error(4)
    ReservesTooLow = Error(10)
    MechanismDoesNotExist = Error(11)
    UserLiquidityDisabled = Error(12)
    SubtokenDisabled = Error(13)

    MaxFeeRate = Constant(u16, 10_000)
    MaxPositions = Constant(u32, 100)
    MinimumLiquidity = Constant(u64, 1000)
    MinimumReserve = Constant(u64, 1_000_000)

    def __init__(self, state: State, system: System) -> None:
        super().__init__(state)
        self.system = system

    @call(0)
    def set_fee_rate(self, origin: Origin, netuid: u16, rate: u16) -> None:
        """Set what a trade costs, as the root, in parts of 65535."""
        origin.root()
        if rate > self.MaxFeeRate.value:
            raise self.FeeRateTooHigh()
        self.FeeRate[netuid] = rate
        self.system.deposit(self.FeeRateSet(netuid, rate))
