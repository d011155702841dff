# SPDX-License-Identifier: Apache-2.0
"""A neuron shows a key of another kind of chain by its signature, as Ethereum's wallets make it."""

from __future__ import annotations

import pytest
from substrateinterface.utils.ecdsa_helpers import PrivateKey, ecdsa_sign

from subnet.chain.node.frame.hashing import keccak_256
from subnet.chain.node.validity import InvalidTransaction
from tests.subnet.chain.node.subtensor.scene import Scene, key
from tests.subnet.chain.node.township import ALICE, Township, call

SECRET = bytes(31) + b"\7"
ADDRESS = PrivateKey(SECRET).public_key.to_canonical_address()
HOTKEY = "owner's"


def signed(hotkey: bytes, block: int) -> bytes:
    """What a wallet signs for a hotkey."""
    message = hotkey + keccak_256(block.to_bytes(8, "little"))
    return bytes(ecdsa_sign(SECRET, b"\x19Ethereum Signed Message:\n64" + message))


@pytest.fixture
def scene() -> Scene:
    """A network with its owner's neuron."""
    scene = Scene(block=1_000)
    scene.network()
    return scene


@pytest.mark.parametrize("wallets", [0, 27])
def test_a_key_that_signed_the_hotkey_is_the_neurons(scene: Scene, wallets: int) -> None:
    (netuid,) = scene.chain.subnets()
    proof = signed(key(HOTKEY), 5)
    proof = proof[:64] + bytes([proof[64] + wallets])
    assert scene.call(HOTKEY, "associate_evm_key", netuid, ADDRESS, 5, proof) == ["EvmKeyAssociated"]
    assert scene.chain.AssociatedEvmAddress[netuid, 0] == (ADDRESS, 1_000)


def test_other_keys_other_words_and_bytes_that_are_no_signature_are_refused(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    proof = signed(key(HOTKEY), 5)

    def refusal(who: str, address: bytes, block: int, given: bytes) -> str:
        return scene.refusal(who, "associate_evm_key", netuid, address, block, given)

    assert refusal(HOTKEY, bytes(20), 5, proof) == "InvalidRecoveredPublicKey"
    assert refusal(HOTKEY, ADDRESS, 6, proof) == "InvalidRecoveredPublicKey"
    assert refusal(HOTKEY, ADDRESS, 5, bytes(65)) == "InvalidIdentity"
    assert refusal(HOTKEY, ADDRESS, 5, proof[:64] + b"\x09") == "InvalidIdentity"
    assert refusal("nobody's", ADDRESS, 5, proof) == "NonAssociatedColdKey"
    scene.call("owner", "try_associate_hotkey", key("idle"))
    assert refusal("idle", ADDRESS, 5, proof) == "HotKeyNotRegisteredInSubNet"


def test_a_key_is_changed_once_a_block(scene: Scene) -> None:
    (netuid,) = scene.chain.subnets()
    proof = signed(key(HOTKEY), 5)
    scene.call(HOTKEY, "associate_evm_key", netuid, ADDRESS, 5, proof)
    refused = scene.refusal(HOTKEY, "associate_evm_key", netuid, ADDRESS, 5, proof)
    assert refused == "EvmKeyAssociateRateLimitExceeded"
    scene.wait(1)
    scene.call(HOTKEY, "associate_evm_key", netuid, ADDRESS, 5, proof)


def test_the_pool_turns_away_who_has_no_neuron() -> None:
    town = Township()
    town.make()
    made = call("SubtensorModule", "associate_evm_key", 1, ADDRESS, 5, signed(ALICE.public_key, 5))
    with pytest.raises(InvalidTransaction, match="Custom error: 19"):
        town.runtime.validate(town.sign(ALICE, made))
