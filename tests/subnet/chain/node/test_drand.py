# SPDX-License-Identifier: Apache-2.0
"""Pulses of the beacon that somebody brings: unsigned, sealed with a key, and checked by the beacon's own signature."""

from __future__ import annotations

import pytest

from protocols.keys import Keypair
from subnet.chain.node.extrinsic import bare
from subnet.chain.node.pallets.beacon import QUICKNET, BeaconConfigurationPayload, Pulse, PulsesPayload
from subnet.chain.node.scale.composites import Variant
from subnet.chain.node.scale.names import scale_of
from subnet.chain.node.validity import InvalidTransaction
from tests.subnet.chain.node.township import ALICE, BOB, Township, call

ROUND = 1_000
# drand quicknet, round 1000: api.drand.sh, chain 52db9ba7…
SIGNATURE = bytes.fromhex(
    "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
)
PULSE = Pulse(ROUND, bytes(32), SIGNATURE)


def brought(*pulses: Pulse, who: Keypair = BOB, block: int = 1, seal: Keypair | None = None) -> Variant:
    """The call of a node that listens."""
    payload = PulsesPayload(block, pulses, Variant("Sr25519", (who.public_key,)))
    proof = (seal or who).sign(scale_of(PulsesPayload).encode(payload))
    return call("Drand", "write_pulse", payload, Variant("Sr25519", (proof,)))


@pytest.fixture
def town() -> Township:
    """A chain of one block."""
    town = Township()
    town.make()
    return town


def refusal(town: Township, made: Variant) -> str:
    """Why the pool does not take a call that nobody signed."""
    with pytest.raises(InvalidTransaction) as refused:
        town.runtime.validate(bare(made))
    return refused.value.variant


def test_a_pulse_is_stored_for_nothing_and_no_second_time(town: Township) -> None:
    validity = town.runtime.validate(bare(brought(PULSE)))
    assert (validity.longevity, validity.requires, validity.propagate) == (3, (), False)
    assert validity.provides[0].startswith(b"\x4cDrandOffchainWorker")
    happened = town.make(bare(brought(PULSE)))
    assert [name for _, name, _ in happened] == ["NewPulse", "ExtrinsicSuccess"]
    drand = town.runtime.drand
    assert drand.signature(ROUND) == SIGNATURE
    assert (drand.last_round(), drand.OldestStoredRound.value, drand.NextUnsignedAt.value) == (ROUND, ROUND, 2)
    assert refusal(town, brought(PULSE)) == "Stale"


def test_what_the_beacon_did_not_say_is_left_aside_and_what_is_no_signature_fails(town: Township) -> None:
    happened = town.make(bare(brought(PULSE._replace(round=ROUND + 1))))
    assert [name for _, name, _ in happened] == ["ExtrinsicSuccess"]
    assert town.runtime.drand.last_round() == 0
    happened = town.make(bare(brought(PULSE._replace(signature=b"nothing"))))
    ((_, error),) = town.failure(happened).fields
    assert error[0] == 5


def test_only_what_its_own_key_seals_is_taken_and_one_pulse_at_a_time(town: Township) -> None:
    assert refusal(town, brought(PULSE, seal=ALICE)) == "BadProof"
    assert refusal(town, brought(PULSE, PULSE)) == "Call"
    assert refusal(town, brought(PULSE, block=3)) == "Future"
    payload = brought(PULSE).fields[0].fields[0]
    assert refusal(town, call("Drand", "write_pulse", payload, None)) == "BadSigner"
    assert refusal(town, call("Drand", "set_oldest_stored_round", 1)) == "Call"
    assert refusal(town, call("System", "remark", b"")) == "NoUnsignedValidator"


def test_a_pulse_that_somebody_signs_for_is_refused(town: Township) -> None:
    assert town.failure(town.do(ALICE, brought(PULSE))).name == "BadOrigin"


def test_the_root_names_another_beacon_whose_pulses_nobody_can_check(town: Township) -> None:
    town.runtime.sudo.Key.value = ALICE.public_key
    config = QUICKNET._replace(public_key=bytes(96))
    payload = BeaconConfigurationPayload(1, config, Variant("Sr25519", (ALICE.public_key,)))
    happened = town.do(ALICE, call("Sudo", "sudo", call("Drand", "set_beacon_config", payload, None)))
    assert "BeaconConfigChanged" in [name for _, name, _ in happened]
    assert town.runtime.drand.BeaconConfig.value == config
    assert town.runtime.drand.NextUnsignedAt.value == town.block + 1
    ((_, error),) = town.failure(town.make(bare(brought(PULSE)))).fields
    assert error[0] == 5


def test_the_oldest_rounds_are_forgotten_a_hundred_at_a_time(town: Township) -> None:
    drand = town.runtime.drand
    drand.hear(Pulse(1, b"", b""))
    drand.LastStoredRound.value = 216_250
    town.make(bare(brought(Pulse(216_251, b"", SIGNATURE))))
    assert drand.OldestStoredRound.value == 101
    assert drand.signature(1) is None
