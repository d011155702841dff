# SPDX-License-Identifier: Apache-2.0
"""The contract can be met by a page of code, and what a write returns cannot be mistaken for success."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from protocols.balance import Balance
from protocols.calls import Call, Register, Transfer
from protocols.chain import Chain, Commitment, Epoch, Event, Receipt, SubnetInfo, check_signer
from protocols.errors import DevKeyRefused, ExtrinsicFailed, LedgerError, UnknownSubnet
from protocols.hyperparameters import Hyperparameters
from protocols.keys import Keypair, Signer
from protocols.metagraph import Metagraph, Neuron
from protocols.sparse import SparseRows
from protocols.types import Block, Coldkey, Hotkey, NetUid, Ss58, Uid

NET = NetUid(1)
ALICE, STRANGER = Keypair.from_uri("//Alice"), Keypair.from_seed(bytes(range(32)))


class TinyChain:
    """The smallest whole ledger: one subnet, registration at a fixed price, a block for each call."""

    def __init__(self, *, is_local: bool = True) -> None:
        self.genesis, self.is_local = "0x" + "00" * 32, is_local
        self._height = Block(0)
        self._neurons: list[Neuron] = []
        self._free: dict[str, Balance] = {ALICE.ss58_address: Balance.tao(3), STRANGER.ss58_address: Balance.tao(1)}

    async def block(self) -> Block:
        return self._height

    async def time_ns(self) -> int:
        return 0

    async def wait_for_block(self, block: Block) -> Block:
        self._height = max(self._height, block)
        return self._height

    async def subnets(self) -> tuple[SubnetInfo, ...]:
        owner = Coldkey(ALICE.ss58_address)
        return (SubnetInfo(netuid=NET, name="tiny", owner=owner, neurons=len(self._neurons)),)

    async def metagraph(self, netuid: NetUid, block: Block | None = None) -> Metagraph:
        if netuid != NET:
            raise UnknownSubnet(f"there is no subnet {netuid}, expected {NET}")
        return Metagraph.of(netuid, self._height if block is None else block, self._neurons)

    async def hyperparameters(self, netuid: NetUid) -> Hyperparameters:
        return Hyperparameters.of_new_subnet()

    async def epoch(self, netuid: NetUid) -> Epoch:
        return Epoch(index=self._height // 10, last=Block(self._height // 10 * 10), next=None)

    async def weights(self, netuid: NetUid) -> SparseRows:
        return SparseRows.from_rows(len(self._neurons), {})

    async def bonds(self, netuid: NetUid) -> SparseRows:
        return SparseRows.from_rows(len(self._neurons), {})

    async def commitments(self, netuid: NetUid) -> Mapping[Hotkey, Commitment]:
        return {}

    async def balance(self, address: Ss58) -> Balance:
        return self._free.get(address, Balance(0))

    async def submit(self, call: Call, signer: Signer) -> Receipt:
        check_signer(self, signer)
        self._height = Block(self._height + 1)
        match call:
            case Register(hotkey=hotkey):
                return self._register(hotkey, signer.ss58_address)
            case _:
                raise ExtrinsicFailed(f"this chain does not know {type(call).__name__}, expected Register")

    def _register(self, hotkey: Hotkey, payer: str) -> Receipt:
        price = Balance.tao(2)
        if self._free[payer] < price:
            return self._receipt(
                error=ExtrinsicFailed(f"NotEnoughBalanceToStake: {price} asked, {self._free[payer]} held")
            )
        self._free[payer] -= price
        uid = Uid(len(self._neurons))
        self._neurons.append(Neuron(uid, hotkey, Coldkey(payer), block_at_registration=self._height))
        return self._receipt(Event("SubtensorModule", "NeuronRegistered", {"netuid": NET, "uid": uid}))

    def _receipt(self, *events: Event, error: LedgerError | None = None) -> Receipt:
        return Receipt(
            block=self._height,
            block_hash="0x01",
            extrinsic_hash="0x02",
            finalised=True,
            fee=Balance(0),
            events=events,
            error=error,
        )


async def test_a_call_changes_what_the_chain_answers_afterwards() -> None:
    chain: Chain = TinyChain()
    hotkey = Hotkey(STRANGER.ss58_address)
    receipt = (await chain.submit(Register(NET, hotkey), ALICE)).raise_for_error()
    assert receipt.event("NeuronRegistered").fields["uid"] == 0
    assert (await chain.metagraph(NET)).by_hotkey(hotkey).block_at_registration == receipt.block
    assert await chain.balance(Ss58(ALICE.ss58_address)) == Balance.tao(1)
    assert await chain.wait_for_block(Block(20)) == 20
    assert (await chain.epoch(NET)).index == 2
    assert [subnet.neurons for subnet in await chain.subnets()] == [1]
    assert len(await chain.weights(NET)) == len(await chain.bonds(NET)) == 1


async def test_a_call_that_was_included_and_failed_is_a_receipt_that_raises_when_asked() -> None:
    chain: Chain = TinyChain()
    receipt = await chain.submit(Register(NET, Hotkey(ALICE.ss58_address)), STRANGER)
    assert receipt.block == 1
    with pytest.raises(ExtrinsicFailed, match="NotEnoughBalanceToStake: τ2 asked, τ1 held"):
        receipt.raise_for_error()


async def test_a_call_that_no_block_took_raises() -> None:
    chain: Chain = TinyChain()
    with pytest.raises(ExtrinsicFailed, match="does not know Transfer"):
        await chain.submit(Transfer(Coldkey(ALICE.ss58_address), Balance(1)), STRANGER)


async def test_a_missing_event_says_which_there_were() -> None:
    chain: Chain = TinyChain()
    receipt = await chain.submit(Register(NET, Hotkey(ALICE.ss58_address)), ALICE)
    with pytest.raises(LedgerError, match="expected the event NetworkAdded, got NeuronRegistered"):
        receipt.event("NetworkAdded")


async def test_a_development_key_signs_on_a_local_chain_only() -> None:
    public: Chain = TinyChain(is_local=False)
    with pytest.raises(DevKeyRefused, match="is not local"):
        await public.submit(Register(NET, Hotkey(STRANGER.ss58_address)), ALICE)
    assert (await public.block()) == 0
    check_signer(public, STRANGER)
