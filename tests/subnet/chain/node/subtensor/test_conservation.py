# SPDX-License-Identifier: Apache-2.0
"""Nothing is made or lost: money, alpha and ties add up after any calls and blocks, sensible or not.

Alpha of a network that is out: on hotkeys, pending until the epoch, owed to root's stakers, the chain's own, destroyed
by its holder, and what no division gave to anybody.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from subnet.chain.node.frame.hashing import blake2_256
from subnet.chain.node.frame.items import DispatchFailure
from subnet.chain.node.frame.origin import ROOT as ROOT_ORIGIN
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.accounts import ROOT
from subnet.chain.node.scale.composites import Variant
from tests.subnet.chain.node.subtensor.scene import TAO, Scene, key

PEOPLE = [f"cold {number}" for number in range(4)]
HOTKEYS = [f"hot {number}" for number in range(6)]
NETWORKS = st.sampled_from([0, 1, 1, 1, 2, 2, 3, 9])
WHO = st.sampled_from(PEOPLE)
ANYBODY = st.sampled_from([*PEOPLE, "heir 0", "heir 1"])
HOT = st.sampled_from(HOTKEYS).map(key)
AMOUNTS = st.one_of(
    st.sampled_from([0, 1, 499, 500, 2_000_000, 2_001_008, 10**9, 10**12, 10**15, 2**63, 2**64 - 1]),
    st.integers(0, 5 * 10**12),
)
PLACES = st.integers(0, 40)
SHARES = st.sampled_from([(1, 1), (1, 1), (1, 2), (1, 3), (999, 1000), (1, 1000)])
PRICES = st.sampled_from([0, 1, 10**8, 999_999_999, 10**9, 10**9 + 1, 2 * 10**9, 2**64 - 1])
PARTS = st.sampled_from([0, 1, 2**62, 2**63, 2**64 - 1])
LEAST = 500
"""What an account must hold to exist; the end of one takes less than that with it."""


class Chain(RuleBasedStateMachine):
    """A small chain on which people do what comes to their minds."""

    @initialize()
    def begin(self) -> None:
        self.scene = Scene(block=1)
        self.chain = self.scene.chain
        self.chain.NetworkRateLimit.value = 0
        self.chain.TxDelegateTakeRateLimit.value = 0
        self.chain.PendingChildKeyCooldown.value = 0
        for who in PEOPLE:
            self.scene.pay(who, 20_000)
        for owner, hotkey in (("cold 0", "hot 0"), ("cold 1", "hot 1")):
            netuid = self.scene.network(owner, hotkey)
            self.chain.SubnetEmissionEnabled[netuid] = True
            self.chain.Tempo[netuid] = 5
            self.chain.CommitRevealWeightsEnabled[netuid] = False
            self.chain.WeightsSetRateLimit[netuid] = 0
            self.chain.MaxAllowedUids[netuid] = 4
            self.chain.MinNonImmuneUids[netuid] = 0
            self.chain.ImmunityPeriod[netuid] = 3
            self.chain.EMAPriceHalvingBlocks[netuid] = 0
            self.chain.SubnetMovingPrice[netuid] = 3 << 31
            for who, hotkey in zip(PEOPLE, HOTKEYS[2:], strict=True):
                self._try(who, "burned_register", netuid, key(hotkey))
                self._try(who, "add_stake", key(hotkey), netuid, 50 * TAO)
                self._try(who, "add_stake", key(hotkey), ROOT, 50 * TAO)
        self.begun = {netuid: self._out(netuid) for netuid in (1, 2)}
        self.twice: Counter[int] = Counter()

    def _try(self, who: str, name: str, *arguments: Any) -> None:
        """Make a call as the dispatcher does; one that fails changes nothing."""
        state = self.scene.state
        before = {item: dict(table) for item, table in state._tables.items()}
        mark = state.mark()
        try:
            getattr(self.chain, name)(Origin(key(who)) if who else ROOT_ORIGIN, *arguments)
        except DispatchFailure:
            state.rollback(mark)
            after = {item: table for item, table in state._tables.items() if table or before.get(item)}
            assert after == {item: table for item, table in before.items() if table or after.get(item)}

    @rule(who=WHO, netuid=NETWORKS, hotkey=HOT)
    def register(self, who: str, netuid: int, hotkey: bytes) -> None:
        self._try(who, "burned_register", netuid, hotkey)

    @rule(who=WHO, hotkey=HOT)
    def register_on_root(self, who: str, hotkey: bytes) -> None:
        self._try(who, "root_register", hotkey)

    @rule(who=WHO, netuid=NETWORKS, hotkey=HOT, amount=AMOUNTS)
    def stake(self, who: str, netuid: int, hotkey: bytes, amount: int) -> None:
        self._try(who, "add_stake", hotkey, netuid, amount)

    @rule(who=WHO, netuid=NETWORKS, hotkey=HOT, amount=AMOUNTS, price=PRICES, partly=st.booleans())
    def stake_to_a_limit(self, who: str, netuid: int, hotkey: bytes, amount: int, price: int, partly: bool) -> None:
        self._try(who, "add_stake_limit", hotkey, netuid, amount, price, partly)

    def _held(self, place: int) -> tuple[str, bytes, int, int]:
        """Somebody's stake, and how much it is."""
        places = sorted(self.chain.AlphaV2)
        if not places:
            return PEOPLE[0], key(HOTKEYS[0]), 1, 0
        hotkey, coldkey, netuid = places[place % len(places)]
        return coldkey.rstrip(b".").decode(), hotkey, netuid, self.chain.stake_of(hotkey, coldkey, netuid)

    @rule(place=PLACES, share=SHARES)
    def unstake_what_is_there(self, place: int, share: tuple[int, int]) -> None:
        who, hotkey, netuid, held = self._held(place)
        self._try(who, "remove_stake", hotkey, netuid, held * share[0] // share[1])

    @rule(place=PLACES, share=SHARES, price=PRICES, partly=st.booleans())
    def unstake_what_is_there_to_a_limit(self, place: int, share: tuple[int, int], price: int, partly: bool) -> None:
        who, hotkey, netuid, held = self._held(place)
        self._try(who, "remove_stake_limit", hotkey, netuid, held * share[0] // share[1], price, partly)

    @rule(place=PLACES, share=SHARES, new=HOT, onto=NETWORKS)
    def move_what_is_there(self, place: int, share: tuple[int, int], new: bytes, onto: int) -> None:
        who, hotkey, netuid, held = self._held(place)
        self._try(who, "move_stake", hotkey, new, netuid, onto, held * share[0] // share[1])

    @rule(place=PLACES, share=SHARES, heir=WHO, onto=NETWORKS)
    def give_what_is_there(self, place: int, share: tuple[int, int], heir: str, onto: int) -> None:
        who, hotkey, netuid, held = self._held(place)
        self._try(who, "transfer_stake", key(heir), hotkey, netuid, onto, held * share[0] // share[1])

    @rule(place=PLACES, share=SHARES, onto=NETWORKS, price=PRICES, partly=st.booleans())
    def swap_what_is_there(self, place: int, share: tuple[int, int], onto: int, price: int, partly: bool) -> None:
        who, hotkey, netuid, held = self._held(place)
        amount = held * share[0] // share[1]
        self._try(who, "swap_stake_limit", hotkey, netuid, onto, amount, price, partly)

    @rule(place=PLACES, name=st.sampled_from(["unstake_all", "unstake_all_alpha"]))
    def unstake_all_that_is_there(self, place: int, name: str) -> None:
        who, hotkey, _, _ = self._held(place)
        self._try(who, name, hotkey)

    @rule(who=WHO, netuid=NETWORKS, hotkey=HOT, amount=AMOUNTS)
    def unstake(self, who: str, netuid: int, hotkey: bytes, amount: int) -> None:
        self._try(who, "remove_stake", hotkey, netuid, amount)

    @rule(who=WHO, netuid=NETWORKS, hotkey=HOT, amount=AMOUNTS, price=PRICES, partly=st.booleans())
    def unstake_to_a_limit(self, who: str, netuid: int, hotkey: bytes, amount: int, price: int, partly: bool) -> None:
        self._try(who, "remove_stake_limit", hotkey, netuid, amount, price, partly)

    @rule(who=WHO, hotkey=HOT, call=st.sampled_from(["unstake_all", "unstake_all_alpha"]))
    def unstake_everything(self, who: str, hotkey: bytes, call: str) -> None:
        self._try(who, call, hotkey)

    @rule(who=WHO, old=HOT, new=HOT, source=NETWORKS, onto=NETWORKS, amount=AMOUNTS)
    def move(self, who: str, old: bytes, new: bytes, source: int, onto: int, amount: int) -> None:
        self._try(who, "move_stake", old, new, source, onto, amount)

    @rule(who=WHO, heir=WHO, hotkey=HOT, source=NETWORKS, onto=NETWORKS, amount=AMOUNTS)
    def give(self, who: str, heir: str, hotkey: bytes, source: int, onto: int, amount: int) -> None:
        self._try(who, "transfer_stake", key(heir), hotkey, source, onto, amount)

    @rule(who=WHO, hotkey=HOT, source=NETWORKS, onto=NETWORKS, amount=AMOUNTS, price=PRICES, partly=st.booleans())
    def swap(self, who: str, hotkey: bytes, source: int, onto: int, amount: int, price: int, partly: bool) -> None:
        self._try(who, "swap_stake_limit", hotkey, source, onto, amount, price, partly)

    @rule(who=WHO, hotkey=HOT, netuid=NETWORKS, amount=AMOUNTS)
    def recycle(self, who: str, hotkey: bytes, netuid: int, amount: int) -> None:
        self._try(who, "recycle_alpha", hotkey, amount, netuid)

    @rule(who=WHO, hotkey=HOT, netuid=NETWORKS, amount=AMOUNTS, limit=st.none() | PRICES)
    def buy_and_burn(self, who: str, hotkey: bytes, netuid: int, amount: int, limit: int | None) -> None:
        self._try(who, "add_stake_burn", hotkey, netuid, amount, limit)

    @rule(old=ANYBODY, new=ANYBODY, cost=st.sampled_from([0, 0, 1, 10**8, 2**64 - 1]))
    def exchange_coldkeys(self, old: str, new: str, cost: int) -> None:
        before = {netuid: self._placed(netuid) for netuid in self.chain.networks()}
        self._try("", "swap_coldkey", key(old), key(new), cost)
        # On chain the new coldkey claims once more what the old one had of networks on which it has no stake.
        for netuid, placed in before.items():
            self.twice[netuid] += max(self._placed(netuid) - placed, 0)

    @rule(old=ANYBODY, new=ANYBODY, blocks=st.sampled_from([0, 49, 50]))
    def announce_an_exchange(self, old: str, new: str, blocks: int) -> None:
        self._try(old, "announce_coldkey_swap", blake2_256(key(new)))
        self.scene.wait(blocks)
        before = {netuid: self._placed(netuid) for netuid in self.chain.networks()}
        self._try(old, "swap_coldkey_announced", key(new))
        for netuid, placed in before.items():
            self.twice[netuid] += max(self._placed(netuid) - placed, 0)

    @rule(who=WHO, netuid=NETWORKS, subnets=st.sets(st.integers(0, 3)), kind=st.sampled_from(["Swap", "Keep"]))
    def claim(self, who: str, netuid: int, subnets: set[int], kind: str) -> None:
        self._try(who, "set_root_claim_type", Variant(kind))
        self._try(who, "claim_root", tuple(sorted(subnets)))

    @rule(who=WHO, parent=HOT, child=HOT, netuid=NETWORKS, part=PARTS)
    def lend(self, who: str, parent: bytes, child: bytes, netuid: int, part: int) -> None:
        self._try(who, "set_children", parent, netuid, ((part, child),))

    @rule(who=WHO, parent=HOT, netuid=NETWORKS)
    def lend_no_more(self, who: str, parent: bytes, netuid: int) -> None:
        self._try(who, "set_children", parent, netuid, ())

    @rule(hotkey=st.sampled_from(HOTKEYS), netuid=NETWORKS, uids=st.lists(st.integers(0, 3), max_size=4, unique=True))
    def vote(self, hotkey: str, netuid: int, uids: list[int]) -> None:
        self._try(hotkey, "set_weights", netuid, tuple(uids), tuple(range(1, len(uids) + 1)), 0)

    @rule(netuid=NETWORKS)
    def dissolve(self, netuid: int) -> None:
        if len(self.chain.subnets()) > 1:
            self._try("", "root_dissolve_network", netuid)
            self.begun.pop(netuid, None)

    @rule(blocks=st.sampled_from([1, 1, 2, 6]))
    def pass_blocks(self, blocks: int) -> None:
        for _ in range(blocks):
            self.scene.wait(1)
            self.chain.on_initialize()

    @invariant()
    def all_money_is_in_accounts(self) -> None:
        if hasattr(self, "scene"):
            held = sum(info.data.free + info.data.reserved for _, info in self.scene.system.Account.items())
            assert held == self.scene.balances.TotalIssuance.value == self.chain.TotalIssuance.value

    @invariant()
    def each_network_has_the_tao_of_its_pool(self) -> None:
        if hasattr(self, "scene"):
            for netuid in self.chain.networks():
                held = self.scene.balances.free(self.chain.subnet_account(netuid))
                missing = self.chain.SubnetTAO[netuid] - held
                assert missing == 0 or (0 < missing < LEAST and not held)
            assert self.chain.TotalStake.value == sum(self.chain.SubnetTAO[netuid] for netuid in self.chain.networks())

    @invariant()
    def all_alpha_that_is_out_is_somewhere(self) -> None:
        if hasattr(self, "scene"):
            for netuid in self.chain.networks():
                assert self._placed(netuid) <= self._out(netuid) + self.twice[netuid]

    @invariant()
    def shares_are_worth_what_lies_on_hotkeys(self) -> None:
        if not hasattr(self, "scene"):
            return
        chain = self.chain
        worth: dict[tuple[bytes, int], list[int]] = {}
        for hotkey, coldkey, netuid in chain.AlphaV2:
            worth.setdefault((hotkey, netuid), []).append(chain.stake_of(hotkey, coldkey, netuid))
        for at, total in chain.TotalHotkeyAlpha.items():
            stakes = worth.pop(at, [])
            assert sum(stakes) <= total <= sum(stakes) + max(len(stakes), 1)
        assert not worth

    @invariant()
    def everybody_who_is_named_is_there(self) -> None:
        if not hasattr(self, "scene"):
            return
        chain = self.chain
        up = {(parent, child, at, part) for (child, at), lent in chain.ParentKeys.items() for part, parent in lent}
        down = {(parent, child, at, part) for (parent, at), lent in chain.ChildKeys.items() for part, child in lent}
        assert up == down
        assert {(at, hotkey): uid for (at, uid), hotkey in chain.Keys.items()} == dict(chain.Uids.items())
        assert {(hotkey, at) for (at, hotkey) in chain.Uids} == {at for at, on in chain.IsNetworkMember.items() if on}
        owned = {(hotkey, coldkey) for coldkey, hotkeys in chain.OwnedHotkeys.items() for hotkey in hotkeys}
        assert owned == set(chain.Owner.items())
        places = dict(chain.StakingColdkeysByIndex.items())
        assert sorted(places) == list(range(chain.NumStakingColdkeys.value))
        assert {who: place for place, who in places.items()} == dict(chain.StakingColdkeys.items())

    def _out(self, netuid: int) -> int:
        return self.chain.SubnetAlphaOut[netuid]

    def _placed(self, netuid: int) -> int:
        chain = self.chain
        on_hotkeys = sum(value for (_, at), value in chain.TotalHotkeyAlpha.items() if at == netuid)
        if netuid == ROOT:
            return on_hotkeys
        owed = sum(chain.root_owed(hotkey, coldkey, netuid) for hotkey, coldkey, at in chain.AlphaV2 if at == ROOT)
        pending = (
            chain.PendingServerEmission,
            chain.PendingValidatorEmission,
            chain.PendingRootAlphaDivs,
            chain.PendingOwnerCut,
        )
        return on_hotkeys + owed + chain.SubnetProtocolAlpha[netuid] + sum(part[netuid] for part in pending)


TestChain = Chain.TestCase
TestChain.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
