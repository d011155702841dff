# SPDX-License-Identifier: Apache-2.0
"""The metadata of the chain's own runtime, whatever pallets it has: every item of it can be read by the official codec.

A type that is declared in a way that the codec of the clients does not share would otherwise be found by the first
client that asks for it.
"""

from __future__ import annotations

import json
from typing import Any

import bittensor_core
import pytest

from subnet.chain.node.extrinsic import EXTENSIONS
from subnet.chain.node.frame.state import State
from subnet.chain.node.metadata import metadata
from subnet.chain.node.runtime import Runtime


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    """A runtime without any storage."""
    return Runtime(State())


@pytest.fixture(scope="module")
def official(runtime: Runtime) -> Any:
    """The codec of the official SDK."""
    return bittensor_core.Runtime(metadata(runtime, 15), 1, 1, 42)


def test_every_default_is_read_by_the_official_codec(runtime: Runtime, official: Any) -> None:
    for pallet in runtime.pallets:
        for item in pallet.storage():
            entry = official.storage_entry(pallet.name, item.name)
            assert entry.modifier == ("Optional" if item.optional else "Default")
            assert list(entry.param_hashers) == [key.hasher for key in item.keys]
            if not item.optional:
                official.decode(entry.value_type, bytes(entry.default_bytes), True)


def test_a_zero_of_every_answer_is_read_by_the_official_codec(runtime: Runtime, official: Any) -> None:
    described = official.runtime_api_map()
    for api in runtime.apis:
        for method in api.methods():
            told = described[type(api).__name__][method.name]
            assert [name for name, _ in told["inputs"]] == [field.name for field in method.inputs]
            official.decode(told["output"], method.output.encode(method.output.zero()), True)


def test_every_constant_is_read_by_the_official_codec(runtime: Runtime, official: Any) -> None:
    for pallet in runtime.pallets:
        for constant in pallet.constants():
            official.constant(pallet.name, constant.name)


def test_every_call_of_zeros_is_read_back_by_its_name(runtime: Runtime, official: Any) -> None:
    for pallet in runtime.pallets:
        for call in pallet.calls():
            if any("RuntimeCall" in str(field.type) for field in call.fields):
                continue  # the zero of a call is another call
            data = b"".join(field.type.encode(field.type.zero()) for field in call.fields)
            read = official.decode_call(bytes([pallet.index, call.index]) + data)
            assert (read["call_module"], read["call_function"]) == (pallet.name, call.name)


def test_every_error_is_known_by_its_number(runtime: Runtime, official: Any) -> None:
    for pallet in runtime.pallets:
        for error in pallet.errors():
            assert official.module_error(pallet.index, error.index)[0] == error.name


def test_every_type_that_has_parts_has_a_path(runtime: Runtime, official: Any) -> None:
    short = {
        "::".join(entry["type"]["path"])
        for entry in json.loads(official.registry_json())["types"]
        if len(entry["type"].get("path", ())) == 1
    }
    assert short <= {"Option", "Result", "BTreeMap", "BTreeSet"}


def test_transactions_carry_what_the_metadata_says(official: Any) -> None:
    assert list(official.signed_extension_identifiers()) == [extension.name for extension in EXTENSIONS]
