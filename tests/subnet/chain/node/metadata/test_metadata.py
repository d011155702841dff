# SPDX-License-Identifier: Apache-2.0
"""The metadata is read by decoders that are not ours: the official SDK's, and that of py-substrate-interface.

Each has to find the pallets, encode calls, decode storage and know the parts of a transaction, for a runtime of two
pallets that uses every kind of type.
"""

from __future__ import annotations

from typing import Any, Final

import bittensor_core
import pytest
from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset

from protocols.errors import LedgerError
from subnet.chain.node.metadata import metadata
from subnet.chain.node.metadata.v15 import describe_v15
from tests.subnet.chain.node.metadata.toy import AdminThings, Axon, ToyRuntime

ALICE: Final = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
ALICE_KEY: Final = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")


@pytest.fixture(params=(14, 15))
def official(request: pytest.FixtureRequest) -> Any:
    """The codec of the official SDK, from either version."""
    return bittensor_core.Runtime(metadata(ToyRuntime(), request.param), 1, 1, 42)


@pytest.fixture(scope="module")
def portable() -> Any:
    """The codec of py-substrate-interface."""
    codec = RuntimeConfigurationObject(implements_scale_info=True)
    codec.update_type_registry(load_type_registry_preset("core"))
    decoded = codec.create_scale_object("MetadataVersioned", ScaleBytes(metadata(ToyRuntime(), 14)))
    decoded.decode()
    codec.add_portable_registry(decoded)
    codec.set_active_spec_version_id(1)
    return codec, decoded


def test_the_official_codec_encodes_a_call_as_the_pallet_declares_it(official: Any) -> None:
    given = {"dest": ALICE, "value": 5, "steep": -3, "on": True, "pairs": [(1, ALICE)]}
    encoded = official.compose_call("AdminThings", "give", given)
    assert bytes(encoded) == b"".join(
        [
            b"\x07\x03",
            b"\x00" + ALICE_KEY,
            b"\x14",
            b"\x01\xfd\xff",
            b"\x01",
            b"\x04" + (1).to_bytes(8, "little"),
            ALICE_KEY,
        ]
    )


def test_calls_hold_calls(official: Any) -> None:
    inner = official.compose_call("System", "remark", {"remark": b"hi"})
    outer = official.compose_call("AdminThings", "batch", {"calls": [bytes(inner)]})
    assert bytes(outer) == b"\x07\x00\x04" + bytes(inner)
    assert official.decode_call(bytes(outer))["call_args"]


def test_the_official_codec_finds_storage_with_its_keys_and_default(official: Any) -> None:
    entry = official.storage_entry("AdminThings", "Axons")
    assert list(entry.param_hashers) == ["Identity", "Blake2_128Concat"]
    assert (entry.modifier, bytes(entry.default_bytes)) == ("Optional", b"\0")
    assert bytes(official.storage_key("AdminThings", "Axons", [3, ALICE])) == AdminThings.Axons.key((3, ALICE_KEY))
    value = official.decode(entry.value_type, AdminThings.Axons.data(Axon(9, 80, (1, 2))), True)
    assert value == {"ip": 9, "port": 80, "flags": (1, 2)}


@pytest.mark.parametrize(
    ("item", "value", "read"),
    [
        ("Price", 3 << 32, {"bits": 3 << 32}),
        ("Levels", ((1, 2), (3, 4)), [(1, 2), (3, 4)]),
        ("Weights", ((1, 65535),), [(1, 65535)]),
    ],
)
def test_the_official_codec_reads_values(official: Any, item: str, value: Any, read: Any) -> None:
    entry = official.storage_entry("AdminThings", item)
    found = official.decode(entry.value_type, getattr(AdminThings, item).data(value), True)
    assert (list(found.items()) if item == "Levels" and isinstance(found, dict) else found) == read


def test_errors_are_told_by_their_numbers(official: Any) -> None:
    assert official.module_error(7, 1)[0] == "TooMuch"


def test_the_official_codec_knows_the_questions_and_their_types() -> None:
    official = bittensor_core.Runtime(metadata(ToyRuntime(), 15), 1, 1, 42)
    method = official.runtime_api_map()["AxonApi"]["get_axon"]
    assert [name for name, _ in method["inputs"]] == ["netuid", "account"]
    assert method["docs"] == ["The axon of an account."]
    data = b"\x01" + AdminThings.Axons.data(Axon(9, 80, (1, 2)))
    assert official.decode(method["output"], data, True) == {"ip": 9, "port": 80, "flags": (1, 2)}


def test_the_interface_library_reads_accounts_calls_and_events(portable: Any) -> None:
    codec, decoded = portable
    pallet = next(pallet for pallet in decoded.pallets if pallet.name == "AdminThings")
    assert [call.name for call in pallet.calls] == ["batch", "give"]
    assert [error.name for error in pallet.errors] == ["Nothing", "TooMuch"]
    events = next(item for item in decoded.pallets[0].storage if item.value["name"] == "Events")
    data = b"\x04" + b"\x00\x02\x00\x00\x00" + b"\x00\x05" + ALICE_KEY + bytes(32) + b"\x00"
    record = codec.create_scale_object(events.get_value_type_string(), ScaleBytes(data), metadata=decoded)
    (event,) = record.decode()
    assert (event["extrinsic_idx"], event["module_id"], event["event_id"]) == (2, "System", "Remarked")
    assert event["attributes"]["sender"] == "0x" + ALICE_KEY.hex()


def test_the_interface_library_finds_the_parts_of_a_transaction(portable: Any) -> None:
    _, decoded = portable
    names = list(decoded.get_signed_extensions())
    assert names == [extension.name for extension in ToyRuntime().extensions]


def test_equal_types_are_described_once() -> None:
    described = describe_v15(ToyRuntime())
    entries = [entry.type for entry in described.types]
    assert [entry.id for entry in described.types] == list(range(len(entries)))
    assert len(set(entries)) == len(entries)


def test_what_a_call_does_stands_in_the_metadata_in_one_line() -> None:
    assert b"Say something." in metadata(ToyRuntime(), 14)
    assert b"Nobody needs to hear it." not in metadata(ToyRuntime(), 15)


def test_a_runtime_is_described_once() -> None:
    assert metadata(ToyRuntime(), 15) is metadata(ToyRuntime(), 15)


def test_a_version_that_is_not_there_is_refused() -> None:
    with pytest.raises(LedgerError, match="no version 16"):
        metadata(ToyRuntime(), 16)
