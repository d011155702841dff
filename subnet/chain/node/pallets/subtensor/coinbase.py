# SPDX-License-Identifier: Apache-2.0
"""What a block brings: tao and alpha into the pools, each network's alpha set aside, and epochs where they are due.

The order of the steps is the chain's. Alpha that nobody gets because of rounding stays issued.
"""

from __future__ import annotations

from incentive.emission.halving import block_emission
from incentive.emission.market import moving_price, price
from incentive.emission.split import Split, split, unsold
from incentive.emission.subnets import inject, root_proportion, sells_root, tao_emissions, tao_shares
from incentive.fixed import I96F32, U64F64, U96F32
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.epochs import Epochs

__all__ = ["Coinbase"]


class Coinbase(Epochs):
    """The chain's work at the start of each block, apart from prices of places and votes that reveal themselves."""

    def emit(self) -> None:
        """Mint what the block brings and put it where it belongs."""
        emitting = [netuid for netuid in self.subnets() if self._emits(netuid)]
        if emitting:
            prices = [I96F32.to(U64F64, self.SubnetMovingPrice[netuid]) for netuid in emitting]
            withheld = [U64F64.to(U96F32, self.MinerBurned[netuid]) for netuid in emitting]
            enabled = [self.SubnetEmissionEnabled[netuid] for netuid in emitting]
            offered = tao_emissions(block_emission(self.TotalIssuance.value), tao_shares(prices, withheld, enabled))
            sold = sells_root(prices)
            for netuid, tao in zip(emitting, offered, strict=True):
                self._emit_on(netuid, tao, sold)

    def run_epochs(self) -> None:
        """Run the epochs that are due, as many as a block may; the others have to wait for the next one."""
        ran = 0
        for netuid in self.subnets():
            if not self.should_run_epoch(netuid):
                self.BlocksSinceLastStep[netuid] += 1
                continue
            if ran == self.MaxEpochsPerBlock.value:
                self.system.deposit(self.Events.EpochDeferred(netuid, self.system.block, self.system.block + 1))
                self.PendingEpochAt[netuid] = self.system.block + 1
                continue
            ran += 1
            self.LastEpochBlock[netuid] = self.system.block
            self.PendingEpochAt[netuid] = 0
            self.SubnetEpochIndex[netuid] += 1
            self.BlocksSinceLastStep[netuid] = 0
            self.run_epoch(netuid)
            self.LastMechansimStepBlock[netuid] = self.system.block

    def follow_prices(self) -> None:
        """Let the moving prices follow the pools."""
        for netuid in self.subnets():
            started = self.FirstEmissionBlockNumber[netuid]
            if started is not None and self.SubtokenEnabled[netuid]:
                self.SubnetMovingPrice[netuid] = moving_price(
                    self.SubnetMovingPrice[netuid],
                    price(self.pool_of(netuid)),
                    blocks=max(0, self.system.block - started),
                    alpha=self.SubnetMovingAlpha.value,
                    halving=self.EMAPriceHalvingBlocks[netuid],
                )

    def subnets(self) -> list[int]:
        """All networks but the root's, in order."""
        return [netuid for netuid in self.networks() if netuid != ROOT]

    def _emits(self, netuid: int) -> bool:
        started = self.FirstEmissionBlockNumber[netuid]
        allowed = self.NetworkRegistrationAllowed[netuid] or self.NetworkPowRegistrationAllowed[netuid]
        return started is not None and self.SubtokenEnabled[netuid] and allowed

    def _emit_on(self, netuid: int, tao: int, sold: bool) -> None:
        issued = self.SubnetAlphaIn[netuid] + self.SubnetAlphaOut[netuid]
        proportion = root_proportion(self.SubnetTAO[ROOT], issued, tao_weight=self.TaoWeight.value)
        alpha = block_emission(issued)
        injection = inject(tao, price(self.pool_of(netuid)), alpha_emission=alpha, root_proportion=proportion)
        self.RootProp[netuid] = U96F32.to(U64F64, proportion)
        self.SubnetTaoInEmission[netuid] = injection.tao
        self.SubnetAlphaInEmission[netuid] = injection.alpha
        self.SubnetAlphaOutEmission[netuid] = alpha
        self.SubnetExcessTao[netuid] = injection.excess_tao
        self.SubnetTAO[netuid] += injection.tao
        self.SubnetAlphaIn[netuid] += injection.alpha
        self.TotalStake.value += injection.tao
        self._mint(netuid, injection.tao)
        if injection.excess_tao:
            self._spend(netuid, injection.excess_tao)
        cut = self.SubnetOwnerCut.value if self.OwnerCutEnabled[netuid] else 0
        parts = split(alpha, proportion, owner_cut=cut)
        self._set_aside(netuid, alpha, parts if sold else unsold(parts))

    def _spend(self, netuid: int, tao: int) -> None:
        """Buy alpha for the chain itself; a pool that is too small for the trade gets nothing."""
        try:
            paid = self.quote_buy(netuid, tao, 0).paid
        except DispatchFailure:
            return
        self._mint(netuid, paid)
        self.SubnetProtocolAlpha[netuid] += self.buy_alpha(netuid, paid, self.subnet_account(netuid), 0).received

    def _mint(self, netuid: int, tao: int) -> None:
        if tao:
            self.balances.issue(tao)
            self.balances.deposit(self.subnet_account(netuid), tao)
            self.TotalIssuance.value += tao

    def _set_aside(self, netuid: int, alpha: int, parts: Split) -> None:
        self.SubnetAlphaOut[netuid] += alpha - parts.recycled
        self.PendingServerEmission[netuid] += parts.server
        self.PendingValidatorEmission[netuid] += parts.validator
        self.PendingRootAlphaDivs[netuid] += parts.root
        self.PendingOwnerCut[netuid] += parts.owner
