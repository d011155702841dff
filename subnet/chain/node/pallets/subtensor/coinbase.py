# SPDX-License-Identifier: Apache-2.0
"""What a block brings: tao and alpha into the pools, each network's alpha set aside, and epochs where they are due.

The order of the steps is the chain's. Alpha that nobody gets because of rounding stays issued.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from incentive.emission.halving import block_emission
from incentive.emission.market import moving_price
from incentive.emission.split import Split, split, unsold
from incentive.emission.subnets import inject, root_proportion, sells_root, tao_emissions, tao_shares
from incentive.fixed import I96F32, U64F64, U96F32
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.pallets.subtensor.epochs import Epochs
from subnet.chain.node.pallets.subtensor.kings import Kings

__all__ = ["Coinbase"]

_MOST: Final = (1 << 64) - 1
_SPAN: Final = 43
"""Issuance in spans of 2^43 rao: in all but thirty of them a block emits the same from end to end."""


class Coinbase(Epochs, Kings):
    """The chain's work at the start of each block, apart from prices of places and votes that reveal themselves."""

    def emit(self) -> None:
        """Mint what the block brings and put it where it belongs."""
        for netuid in self.SubnetRootSellTao:
            del self.SubnetRootSellTao[netuid]
        emitting = [netuid for netuid in self.subnets() if self._emits(netuid)]
        if emitting:
            prices = [I96F32.to(U64F64, self._moving_price_bits(netuid)) for netuid in emitting]
            withheld = [U64F64.to(U96F32, self.MinerBurned[netuid]) for netuid in emitting]
            enabled = [self.SubnetEmissionEnabled[netuid] for netuid in emitting]
            offered = tao_emissions(_emission(self.TotalIssuance.value), tao_shares(prices, withheld, enabled))
            sold = sells_root(prices)
            for netuid, tao in zip(emitting, offered, strict=True):
                self._emit_on(netuid, tao, sold)

    def run_epochs(self) -> None:
        """Run the epochs that are due, as many as a block may; the others have to wait for the next one."""
        since, now = self.BlocksSinceLastStep, self.system.block
        for netuid in self.subnets():
            since[netuid] += 1
        running, waiting = self.epochs_due()
        for netuid in waiting:
            self.system.deposit(self.Events.EpochDeferred(netuid, now, now + 1))
            self.PendingEpochAt[netuid] = now + 1
        for netuid in running:
            self.LastEpochBlock[netuid] = now
            self.PendingEpochAt[netuid] = 0
            self.SubnetEpochIndex[netuid] += 1
            since[netuid] = 0
            self.crown(netuid)
        for netuid in running:
            self.run_epoch(netuid)
            self.LastMechansimStepBlock[netuid] = now

    def epochs_due(self) -> tuple[list[int], list[int]]:
        """The networks whose epochs run in this block, and those whose epochs have to wait."""
        due = [netuid for netuid in self.subnets() if self.should_run_epoch(netuid)]
        most = self.MaxEpochsPerBlock.value
        return due[:most], due[most:]

    def follow_prices(self) -> None:
        """Let the moving prices follow the pools, and root's part of each network its alpha."""
        for netuid in self.subnets():
            started = self.FirstEmissionBlockNumber[netuid]
            if started is not None and self._emits(netuid):
                self.SubnetMovingPrice[netuid] = moving_price(
                    self._moving_price_bits(netuid),
                    self.price_of(netuid),
                    blocks=max(0, self.system.block + 1 - started),
                    alpha=self.SubnetMovingAlpha.value,
                    halving=self.EMAPriceHalvingBlocks[netuid],
                )
                self.RootProp[netuid] = U96F32.to(U64F64, self._root_proportion(netuid))

    def _emits(self, netuid: int) -> bool:
        started = self.FirstEmissionBlockNumber[netuid]
        return started is not None and self.SubtokenEnabled[netuid] and self.NetworkRegistrationAllowed[netuid]

    def _moving_price_bits(self, netuid: int) -> int:
        return I96F32.one if self.is_stable(netuid) else self.SubnetMovingPrice[netuid]

    def _root_proportion(self, netuid: int) -> int:
        root_tao = self.SubnetTAO[ROOT]
        if not root_tao:
            return 0  # asked three times a block on every network, and on a new chain nobody stakes on root
        issued = self.SubnetAlphaIn[netuid] + self.SubnetAlphaOut[netuid]
        return root_proportion(root_tao, min(issued, _MOST), tao_weight=self.TaoWeight.value)

    def _emit_on(self, netuid: int, tao: int, sold: bool) -> None:
        alpha = _emission(self.SubnetAlphaIn[netuid] + self.SubnetAlphaOut[netuid])
        proportion = self._root_proportion(netuid)
        injection = inject(tao, self.price_of(netuid), alpha_emission=alpha, root_proportion=proportion)
        self._spend(netuid, injection.excess_tao)
        self.SubnetAlphaInEmission[netuid] = injection.alpha
        self.SubnetAlphaIn[netuid] += injection.alpha
        self.assets.mint(netuid, injection.alpha + alpha)
        added = injection.tao if self._mint(netuid, injection.tao) else 0
        self.SubnetTaoInEmission[netuid] = added
        self.SubnetTAO[netuid] += added
        self.TotalStake.value += added
        self.SubnetAlphaOutEmission[netuid] = alpha
        self.SubnetAlphaOut[netuid] += alpha
        cut = self.SubnetOwnerCut.value if self.OwnerCutEnabled[netuid] else 0
        # What root's part is, is asked again after the pool has changed.
        parts = _parts(alpha, self._root_proportion(netuid), cut)
        self._set_aside(netuid, parts if sold else unsold(parts))

    def _spend(self, netuid: int, tao: int) -> None:
        """Buy alpha for the chain itself; a pool that is too small for the trade gets nothing."""
        self.SubnetExcessTao[netuid] = 0
        mark = self.state.mark()
        try:
            if tao and self._mint(netuid, tao):
                bought = self.buy_alpha(netuid, tao, self.subnet_account(netuid), 0)
                self.SubnetProtocolAlpha[netuid] += bought.received
                self.SubnetExcessTao[netuid] = bought.paid
        except DispatchFailure:
            self.state.rollback(mark)

    def _mint(self, netuid: int, tao: int) -> bool:
        """Make tao for a network, unless it is too little for its account to exist."""
        mark = self.state.mark()
        try:
            if tao:
                self.balances.issue(tao)
                self.balances.deposit(self.subnet_account(netuid), tao)
                self.TotalIssuance.value += tao
        except DispatchFailure:
            self.state.rollback(mark)
            return False
        return True

    def _set_aside(self, netuid: int, parts: Split) -> None:
        self.recycle_subnet_alpha(netuid, parts.recycled)
        self.PendingServerEmission[netuid] += parts.server
        self.PendingValidatorEmission[netuid] += parts.validator
        self.PendingRootAlphaDivs[netuid] += parts.root
        self.PendingOwnerCut[netuid] += parts.owner


def _emission(issuance: int) -> int:
    return _emission_in(issuance >> _SPAN) or block_emission(issuance)


@lru_cache(maxsize=1 << 12)
def _emission_in(span: int) -> int:
    """What a block emits everywhere in a span, since emission only falls; 0 where there is a halving in it."""
    first, last = span << _SPAN, min(((span + 1) << _SPAN) - 1, _MOST)
    emission = block_emission(first)
    return emission if block_emission(last) == emission else 0


@lru_cache(maxsize=1 << 10)
def _parts(alpha: int, proportion: int, cut: int) -> Split:
    # Where nobody stakes on root, a network's alpha is divided in the same way block after block.
    return split(alpha, proportion, owner_cut=cut)
