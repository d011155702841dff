# SPDX-License-Identifier: Apache-2.0
"""Epochs: each recorded case of the chain's own source put into storage, run, and compared with what it recorded."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from incentive.emission.nominators import SharePool
from incentive.fixed import U64F64, U96F32
from subnet.chain.node.frame.state import State
from subnet.chain.node.pallets.balances import Balances
from subnet.chain.node.pallets.subtensor import SubtensorModule
from subnet.chain.node.pallets.subtensor.accounts import ROOT, mechanism_index
from subnet.chain.node.pallets.system import System
from subnet.chain.node.scale.composites import Variant

# opentensor/subtensor 14bc6f9f9, `math.rs` and `run_epoch.rs` compiled natively; tests/incentive/parity says more.
DATA = Path(__file__).parents[4] / "data" / "yuma" / "head.json.gz"
CASES = json.loads(gzip.decompress(DATA.read_bytes()))["cases"]
FIRST, OWNER = 1000, 5_000_000
OUTSTANDING = 10**15


def name(number: int) -> bytes:
    """An account by the number that cases call it by."""
    return number.to_bytes(32, "big")


class Replay:
    """A pallet whose storage says what a case says."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.given, self.out = case["in"], case["out"]
        self.netuid = self.given["netuid"]
        state = State()
        system = System(state)
        system.Number.value = self.given["block"]
        self.chain = SubtensorModule(state, system, Balances(state, system))
        self._rules()
        self._neurons()
        self._family()
        for at, mechanism in enumerate(self.given["mech"]):
            self._votes(at, mechanism)

    def _rules(self) -> None:
        chain, given, netuid = self.chain, self.given, self.netuid
        chain.NetworksAdded[netuid] = True
        chain.SubnetworkN[netuid] = given["n"]
        chain.Tempo[netuid] = given["tempo"]
        chain.Kappa[netuid] = given["kappa"]
        chain.BondsMovingAverage[netuid] = given["bonds_ma"]
        chain.MaxAllowedValidators[netuid] = given["max_validators"]
        chain.ActivityCutoffFactorMilli[netuid] = given["activity_cutoff_factor_milli"]
        chain.BondsPenalty[netuid] = given["bonds_penalty"]
        chain.Yuma3On[netuid] = given["yuma3"]
        chain.LiquidAlphaOn[netuid] = given["liquid_alpha"]
        chain.AlphaValues[netuid] = tuple(given["alpha_values"])
        chain.AlphaSigmoidSteepness[netuid] = given["alpha_sigmoid_steepness"]
        chain.StakeThreshold.value = given["stake_threshold"]
        chain.TaoWeight.value = given["tao_weight"]
        chain.CKBurn.value = given["ck_burn"]
        chain.CommitRevealWeightsEnabled[netuid] = given["commit_reveal"]
        chain.RevealPeriodEpochs[netuid] = given["reveal_period"]
        chain.SubnetEpochIndex[netuid] = given["epoch_index"]
        chain.LastMechansimStepBlock[netuid] = given["last_mechanism_step"]
        chain.MechanismCountCurrent[netuid] = given["mechanisms"]
        chain.MechanismEmissionSplit[netuid] = tuple(given["mechanism_split"]) or None
        chain.RecycleOrBurn[netuid] = Variant("Recycle" if given["recycle_or_burn"] == 1 else "Burn")
        chain.SubnetAlphaOut[netuid] = OUTSTANDING
        pending = {
            "PendingServerEmission": "server",
            "PendingValidatorEmission": "validator",
            "PendingRootAlphaDivs": "root",
            "PendingOwnerCut": "owner_cut",
        }
        for storage, key in pending.items():
            getattr(chain, storage)[netuid] = given[f"pending_{key}"]
        if given["owner_uid"] >= 0:
            chain.SubnetOwner[netuid] = name(OWNER)
            chain.SubnetOwnerHotkey[netuid] = name(FIRST + given["owner_uid"])

    def _neurons(self) -> None:
        chain, given, netuid = self.chain, self.given, self.netuid
        chain.ValidatorPermit[netuid] = tuple(given["permit"])
        for uid in range(given["n"]):
            hotkey = name(FIRST + uid)
            chain.Keys[netuid, uid] = hotkey
            chain.Uids[netuid, hotkey] = uid
            chain.BlockAtRegistration[netuid, uid] = given["reg_block"][uid]
            self._account(hotkey, given["owner_cold"][uid], given["take"][uid])
            chain.ChildkeyTake[hotkey, netuid] = given["childkey_take"][uid]
            self._stake(hotkey, given["alpha_stake"][uid], given["root_stake"][uid])

    def _family(self) -> None:
        chain, netuid = self.chain, self.netuid
        strangers = set()
        for parent, child, part, owner, alpha, root, take in self.given["children"]:
            above, below = name(parent), name(child)
            if not FIRST <= parent < FIRST + self.given["n"] and parent not in strangers:
                strangers.add(parent)
                self._account(above, owner, take)
                self._stake(above, alpha, root)
            chain.ChildKeys[above, netuid] = (*chain.ChildKeys[above, netuid], (part, below))
            chain.ParentKeys[below, netuid] = (*chain.ParentKeys[below, netuid], (part, above))

    def _account(self, hotkey: bytes, owner: int, take: int) -> None:
        self.chain.Owner[hotkey] = name(owner)
        self.chain.Delegates[hotkey] = take

    def _stake(self, hotkey: bytes, alpha: int, root: int) -> None:
        for netuid, amount in ((self.netuid, alpha), (ROOT, root)):
            if amount:
                self.chain.increase_stake(hotkey, self.chain.Owner[hotkey], netuid, amount)

    def _votes(self, at: int, mechanism: dict[str, Any]) -> None:
        chain, index = self.chain, mechanism_index(self.netuid, at)
        chain.LastUpdate[index] = tuple(mechanism["last_update"])
        for uid in range(self.given["n"]):
            chain.Weights[index, uid] = tuple(map(tuple, mechanism["weights"][uid]))
            chain.Bonds[index, uid] = tuple(map(tuple, mechanism["bonds"][uid]))
        for kind, uid, epoch, block in mechanism["commits"]:
            hotkey = name(FIRST + uid)
            if kind == 2:
                commits = chain.WeightCommits[index, hotkey] or ()
                chain.WeightCommits[index, hotkey] = (*commits, (bytes(32), epoch, block, 0))
            else:
                locked = chain.TimelockedWeightCommits[index, epoch]
                chain.TimelockedWeightCommits[index, epoch] = (*locked, (hotkey, block, b"", 1))

    def stakes_after(self) -> dict[bytes, SharePool]:
        """What the case's log of payments makes of the stakes before the epoch."""
        chain, pools = self.chain, {}
        for (hotkey, netuid), value in chain.TotalHotkeyAlpha.items():
            if netuid == self.netuid and value:
                pools[hotkey] = SharePool().staked(int.from_bytes(chain.Owner[hotkey], "big"), value)
        for kind, hotkey, coldkey, _, amount in self.out["log"]:
            pool = pools.get(name(hotkey), SharePool())
            if kind == 2 and amount > chain.stake_on(name(hotkey), ROOT):
                kind, coldkey = 0, int.from_bytes(chain.Owner[name(hotkey)], "big")
            if kind == 0 and amount:
                pools[name(hotkey)] = pool.staked(coldkey, amount)
            elif kind == 1 and amount:
                pools[name(hotkey)] = pool.paid(amount)
        return pools

    def owed_after(self) -> dict[bytes, int]:
        """What a tao on each hotkey's root stake may claim, I96F32 bits."""
        owed = {}
        for kind, hotkey, _, _, amount in self.out["log"]:
            staked = self.chain.stake_on(name(hotkey), ROOT)
            if kind == 2 and amount and amount <= staked:
                owed[name(hotkey)] = (amount << 32) // staked
        return owed


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_recorded_epoch_is_stored_and_paid_without_any_difference(case: dict[str, Any]) -> None:
    replay = Replay(case)
    chain, netuid, out = replay.chain, replay.netuid, case["out"]
    uids = range(case["in"]["n"])
    assert list(chain.stake_weights(netuid, [name(FIRST + uid) for uid in uids])) == out["total_stake_bits"]
    stakes, owed = replay.stakes_after(), replay.owed_after()
    chain.run_epoch(netuid)
    fields: dict[str, Any] = {
        "active": chain.Active,
        "emission": chain.Emission,
        "consensus": chain.Consensus,
        "dividends": chain.Dividends,
        "validator_trust": chain.ValidatorTrust,
        "validator_permit": chain.ValidatorPermit,
        "stake_weight": chain.StakeWeight,
    }
    assert {field: list(stored[netuid]) for field, stored in fields.items()} == {f: out[f] for f in fields}
    for at, mechanism in enumerate(out["mech"]):
        index = mechanism_index(netuid, at)
        assert list(chain.Incentive[index]) == mechanism["incentive"]
        assert [[list(bond) for bond in chain.Bonds[index, uid]] for uid in uids] == mechanism["bonds"]
    assert chain.MinerBurned[netuid] == U96F32.to(U64F64, out["miner_burned_bits"])
    for stored, recorded in (
        (chain.AlphaDividendsPerSubnet, out["alpha_dividends"]),
        (chain.RootAlphaDividendsPerSubnet, out["root_dividends"]),
    ):
        assert {hotkey: paid for (_, hotkey), paid in stored.items() if paid} == {
            name(int(hotkey)): paid for hotkey, paid in recorded.items() if paid
        }
    held = {hotkey: value for (hotkey, at), value in chain.TotalHotkeyAlpha.items() if at == netuid and value}
    assert held == {hotkey: pool.value for hotkey, pool in stakes.items() if pool.value}
    for hotkey, pool in stakes.items():
        for coldkey in pool.shares:
            assert chain.stake_of(hotkey, name(coldkey), netuid) == pool.stake(coldkey)
    assert {hotkey: dict(rates)[netuid] for hotkey, rates in chain.RootClaimable.items()} == owed
    recycled = sum(amount for kind, *_, amount in out["log"] if kind == 3)
    assert chain.SubnetAlphaOut[netuid] == OUTSTANDING - recycled
    pending = chain.PendingServerEmission, chain.PendingValidatorEmission, chain.PendingRootAlphaDivs
    assert [spent[netuid] for spent in (*pending, chain.PendingOwnerCut)] == [0, 0, 0, 0]


def test_warming_leaves_nothing_to_load_for_the_first_large_epoch() -> None:
    begun = "import sys; from subnet.chain.node.pallets.subtensor.warming import warm; "
    check = "before = set(sys.modules); warm(); assert any('numba' in name for name in set(sys.modules) - before)"
    run = subprocess.run(
        [sys.executable, "-c", begun + check], check=False, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
