# SPDX-License-Identifier: Apache-2.0
"""A network's epoch: its votes go through consensus, and what was set aside is paid into stake.

Both are `incentive`'s, in the chain's own integers; here what storage holds is laid out for them, and what they decide
is stored again. Several mechanisms of one network have votes and bonds of their own, under indices of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Final

from incentive.emission.accounts import Accounts
from incentive.emission.credit import Credit, Kind
from incentive.emission.drain import Payout, Pending, drain
from incentive.emission.stake import Link, Stakes, total_stake_bits
from incentive.fixed import I64F64, PROPORTION, U64F64, U96F32
from subnet.chain.node.pallets.subtensor.accounts import ROOT, mechanism_index
from subnet.chain.node.pallets.subtensor.claims import RootClaims
from subnet.chain.node.pallets.subtensor.locks import Locks
from subnet.chain.node.pallets.subtensor.records import NO_ACCOUNT
from subnet.chain.node.pallets.subtensor.voting import VotingPowers

# A node is up before its first epoch, and arrays take longer to load than all the rest of it.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from incentive.consensus import Ledger, Lists, Settings, Terms

__all__ = ["Epochs", "number"]

_NEVER: Final = 2**63 - 1
_PARTS: Final = 1_000_000
_MOST: Final = 2**64 - 1


def number(account: bytes) -> int:
    """An account as the mathematics of emission names it: in the order of its bytes."""
    return int.from_bytes(account, "big")


def _account(name: int) -> bytes:
    return name.to_bytes(32, "big")


class Epochs(RootClaims, VotingPowers, Locks):
    """Consensus and payment."""

    def run_epoch(self, netuid: int) -> None:
        """Run a network's epoch and pay what is pending."""
        from incentive.consensus import FIXED, Epoch
        from incentive.consensus.mechanisms import run_mechanisms

        hotkeys = [self.Keys[netuid, uid] for uid in range(self.SubnetworkN[netuid])]
        if not hotkeys:
            return
        pending = Pending(
            self.PendingServerEmission[netuid],
            self.PendingValidatorEmission[netuid],
            self.PendingRootAlphaDivs[netuid],
            self.PendingOwnerCut[netuid],
        )
        stakes = self.stakes(netuid, hotkeys)
        ledgers = [self._ledger(netuid, at, hotkeys, stakes) for at in range(self.MechanismCountCurrent[netuid])]
        parts = self.MechanismEmissionSplit[netuid]
        together, terms = run_mechanisms(
            Epoch(self._settings(netuid, hotkeys), FIXED), ledgers, pending.emission, parts
        )
        self._store(netuid, together)
        for at, own in enumerate(terms):
            self._store_mechanism(mechanism_index(netuid, at), own)
        self.follow_voting_power(netuid, _may_vote(hotkeys, together, ledgers))
        payout = drain(
            pending, together.server_emission, together.validator_emission, self._accounts(netuid, hotkeys, stakes)
        )
        self._pay(netuid, payout)
        self.lock_owner_cut(netuid, pending.owner_cut)

    def stakes(self, netuid: int, hotkeys: Sequence[bytes]) -> Stakes:
        """What lies on the hotkeys of a network and on those that lend to them, and who lends to whom."""
        links: dict[Link, None] = {}
        known = dict.fromkeys(hotkeys)
        for hotkey in hotkeys:
            for part, parent in self.ParentKeys[hotkey, netuid]:
                links[Link(number(parent), number(hotkey), part)] = None
                known[parent] = None
        for parent in known:
            for part, child in self.ChildKeys[parent, netuid]:
                links[Link(number(parent), number(child), part)] = None
        return Stakes(
            alpha={number(hotkey): self.stake_on(hotkey, netuid) for hotkey in known},
            root={number(hotkey): self.stake_on(hotkey, ROOT) for hotkey in known},
            links=list(links),
            tao_weight=self.TaoWeight.value,
        )

    def stake_weights(self, netuid: int, hotkeys: Sequence[bytes]) -> tuple[int, ...]:
        """The I64F64 bits of what each hotkey's stake counts."""
        return total_stake_bits(self.stakes(netuid, hotkeys), [number(hotkey) for hotkey in hotkeys])

    def _ledger(self, netuid: int, mechanism: int, hotkeys: Sequence[bytes], stakes: Stakes) -> Ledger:
        import numpy as np

        from incentive.consensus import Ledger

        index, n = mechanism_index(netuid, mechanism), len(hotkeys)
        updated = self.LastUpdate[index][:n]
        hidden = self.CommitRevealWeightsEnabled[netuid]
        return Ledger(
            block=self.system.block,
            registered=_column([self.BlockAtRegistration[netuid, uid] for uid in range(n)]),
            last_update=_column([*updated, *[0] * (n - len(updated))]),
            permits=np.array(self.ValidatorPermit[netuid], dtype=np.bool_),
            stake=total_stake_bits(stakes, [number(hotkey) for hotkey in hotkeys]),
            weights=_lists([self.Weights[index, uid] for uid in range(n)]),
            bonds=_lists([self.Bonds[index, uid] for uid in range(n)]),
            committed=_column(self._oldest_commits(netuid, index, hotkeys)) if hidden else None,
            last_step=self.LastMechansimStepBlock[netuid],
        )

    def _oldest_commits(self, netuid: int, index: int, hotkeys: Sequence[bytes]) -> list[int]:
        """The block of each one's oldest commit that can still be revealed, or the largest number there is."""
        now, period = self.SubnetEpochIndex[netuid], self.RevealPeriodEpochs[netuid]
        oldest = dict.fromkeys(hotkeys, _NEVER)
        for hotkey in hotkeys:
            # Of hashes the first in line counts, which is not always the oldest.
            live = (at for _, since, at, _ in self.WeightCommits[index, hotkey] or () if now <= since + period)
            oldest[hotkey] = next(live, _NEVER)
        for since, commits in self.TimelockedWeightCommits.under(index):
            if now <= since + period:
                for who, at, _, _ in commits:
                    if who in oldest:
                        oldest[who] = min(oldest[who], at)
        return [oldest[hotkey] for hotkey in hotkeys]

    def _settings(self, netuid: int, hotkeys: Sequence[bytes]) -> Settings:
        from incentive.consensus import Liquid, Rules, Settings, Yuma1, Yuma3

        owner = self.SubnetOwnerHotkey[netuid]
        low, high = self.AlphaValues[netuid]
        steepness = Fraction(self.AlphaSigmoidSteepness[netuid], 100)
        liquid = Liquid(Fraction(low, PROPORTION), Fraction(high, PROPORTION), steepness)
        return Settings(
            rules=Rules(
                kappa=Fraction(self.Kappa[netuid], PROPORTION),
                bonds_penalty=Fraction(self.BondsPenalty[netuid], PROPORTION),
                bonds_moving_average=min(Fraction(self.BondsMovingAverage[netuid], _PARTS), Fraction(1)),
                liquid=liquid if self.LiquidAlphaOn[netuid] else None,
            ),
            version=Yuma3 if self.Yuma3On[netuid] else Yuma1,
            max_validators=self.MaxAllowedValidators[netuid],
            activity_cutoff=self.activity_cutoff(netuid),
            tempo=self.Tempo[netuid],
            stake_threshold=self.StakeThreshold.value,
            owner_uid=hotkeys.index(owner) if owner in hotkeys else None,
        )

    def _accounts(self, netuid: int, hotkeys: Sequence[bytes], stakes: Stakes) -> Accounts:
        known = [_account(name) for name in stakes.alpha]
        owner = self.SubnetOwner[netuid]
        owners = {hotkey: self.Owner[hotkey] for hotkey in known}
        destinations = {key: self.AutoStakeDestination[key, netuid] for key in set(owners.values())}
        return Accounts(
            hotkeys=[number(hotkey) for hotkey in hotkeys],
            stakes=stakes,
            owners={number(hotkey): number(coldkey) for hotkey, coldkey in owners.items()},
            takes={number(hotkey): self.Delegates[hotkey] for hotkey in known},
            childkey_takes={number(hotkey): self.ChildkeyTake[hotkey, netuid] for hotkey in known},
            destinations={number(key): number(hotkey) for key, hotkey in destinations.items() if hotkey is not None},
            owner=number(owner) if owner != NO_ACCOUNT else None,
            owner_hotkey=number(self.SubnetOwnerHotkey[netuid]) if owner != NO_ACCOUNT else None,
            withheld=Kind.RECYCLED if self.RecycleOrBurn[netuid].name == "Recycle" else Kind.BURNED,
            childkey_burn=self.CKBurn.value,
        )

    def _store(self, netuid: int, terms: Terms) -> None:
        self.Active[netuid] = tuple(terms.active.tolist())
        self.ValidatorPermit[netuid] = tuple(terms.permits.tolist())
        self.StakeWeight[netuid] = tuple(terms.stake_weight.tolist())
        self.Consensus[netuid] = tuple(terms.consensus.tolist())
        self.Dividends[netuid] = tuple(terms.dividends.tolist())
        self.ValidatorTrust[netuid] = tuple(terms.validator_trust.tolist())
        self.Emission[netuid] = tuple(map(int, terms.emission))

    def _store_mechanism(self, index: int, terms: Terms) -> None:
        self.Incentive[index] = tuple(terms.incentive.tolist())
        for uid, row in enumerate(terms.bonds):
            # A row of a uid that has none and had none stays absent.
            if row or self.Bonds[index, uid]:
                self.Bonds[index, uid] = tuple(row)

    def _pay(self, netuid: int, payout: Payout) -> None:
        for credit in payout.credits:
            if credit.amount:
                self._credit(netuid, credit)
        self.MinerBurned[netuid] = U96F32.to(U64F64, payout.miner_burned_bits)
        for hotkey, paid in payout.alpha_dividends.items():
            self.AlphaDividendsPerSubnet[netuid, _account(hotkey)] = paid
        for hotkey, paid in payout.root_dividends.items():
            self.RootAlphaDividendsPerSubnet[netuid, _account(hotkey)] = paid
        for spent in (
            self.PendingServerEmission,
            self.PendingValidatorEmission,
            self.PendingRootAlphaDivs,
            self.PendingOwnerCut,
        ):
            spent[netuid] = 0

    def _credit(self, netuid: int, credit: Credit) -> None:
        hotkey, coldkey = _account(credit.hotkey), _account(credit.coldkey)
        match credit.kind:
            case Kind.STAKE:
                self.increase_stake(hotkey, coldkey, netuid, credit.amount)
            case Kind.NOMINATORS:
                self.pay_nominators(hotkey, netuid, credit.amount)
            case Kind.ROOT:
                self.owe_root(hotkey, netuid, credit.amount)
            case Kind.RECYCLED:
                self.recycle_subnet_alpha(netuid, credit.amount)
            case Kind.BURNED:
                self.assets.burn(netuid, credit.amount)


def _column(values: Sequence[int]) -> npt.NDArray[np.int64]:
    import numpy as np

    return np.array(values, dtype=np.int64)


def _may_vote(hotkeys: Sequence[bytes], terms: Terms, ledgers: Sequence[Ledger]) -> dict[bytes, int | None]:
    """The stake of those who may vote; every mechanism counts it anew, and the chain adds that up."""
    counted = [min(len(ledgers) * max(I64F64.floor(bits), 0), _MOST) for bits in ledgers[0].stake]
    return {
        hotkey: stake if may else None
        for hotkey, may, stake in zip(hotkeys, terms.permits.tolist(), counted, strict=True)
    }


def _lists(rows: Sequence[tuple[tuple[int, int], ...]]) -> Lists:
    import numpy as np

    from incentive.consensus import Lists

    starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    numbers = chain.from_iterable(chain.from_iterable(rows))
    flat = np.fromiter(numbers, dtype=np.int64, count=2 * int(starts[-1])).reshape(-1, 2)  # (E, 2)
    return Lists(starts, flat[:, 0], flat[:, 1])
