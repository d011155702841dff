# SPDX-License-Identifier: Apache-2.0
"""How types become numbers: equal ones share theirs, recursive ones end, and those of Substrate have its paths."""

from __future__ import annotations

from typing import Any

import pytest

from subnet.chain.node.metadata.outer import outer_types
from subnet.chain.node.metadata.paths import crate_of, path_of
from subnet.chain.node.metadata.portable import TypeEntry
from subnet.chain.node.metadata.registry import Registry
from subnet.chain.node.outcome import RUNTIME_CALL, EventRecord
from subnet.chain.node.scale.composites import Array, Option, Tuple, Vec
from subnet.chain.node.scale.names import I96F32, scale_of
from subnet.chain.node.scale.primitives import BYTES, Bits, FixedBytes, Reader, ScaleType, UInt
from tests.subnet.chain.node.metadata.toy import ToyRuntime


def _entry(registry: Registry, number: int) -> TypeEntry:
    return next(entry.type for entry in registry.portable() if entry.id == number)


def test_equal_types_have_one_number_however_they_are_spelled() -> None:
    registry = Registry()
    assert registry.number(Vec(UInt(1))) == registry.number(BYTES)
    assert registry.number(Array(UInt(1), 4)) == registry.number(FixedBytes(4))
    assert registry.number(Option(UInt(2))) == registry.number(Option(UInt(2)))
    assert registry.number(Option(UInt(2))) != registry.number(Option(UInt(4)))


def test_a_call_that_holds_calls_is_the_call_itself() -> None:
    registry = Registry()
    outer = outer_types(ToyRuntime().pallets, registry)
    assert registry.number(RUNTIME_CALL) == outer.call
    (batch, *_) = _entry(registry, outer.calls["AdminThings"]).definition.fields[0]
    held = _entry(registry, batch.fields[0].type)
    assert held.definition.fields == (outer.call,)


def test_clients_find_the_type_of_all_events_in_the_record_of_one() -> None:
    registry = Registry()
    outer = outer_types(ToyRuntime().pallets, registry)
    record = _entry(registry, registry.number(scale_of(EventRecord)))
    assert record.path == ("frame_system", "EventRecord")
    assert (record.params[0].name, record.params[0].type) == ("E", outer.event)


@pytest.mark.parametrize(
    ("declared", "field"),
    [(scale_of(I96F32), "bits"), (Bits(UInt(16), ("sp_arithmetic", "fixed_point", "FixedU128")), None)],
)
def test_the_bits_of_a_fixed_point_number_are_named_where_the_chain_names_them(declared: Any, field: Any) -> None:
    registry = Registry()
    ((told,),) = _entry(registry, registry.number(declared)).definition.fields
    assert told.name == field


def test_a_map_names_the_types_of_its_keys_and_values() -> None:
    registry = Registry()
    map_ = _entry(registry, registry.number(Vec(Tuple((UInt(2), UInt(8))), ("BTreeMap",))))
    assert [param.name for param in map_.params] == ["K", "V"]
    bounded = _entry(registry, registry.number(Vec(UInt(8), ("bounded_collections", "bounded_vec", "BoundedVec"))))
    assert [(param.name, param.type is None) for param in bounded.params] == [("T", False), ("S", True)]


def test_paths_and_crates_are_those_of_the_chains_source() -> None:
    assert path_of(("AccountInfo",)) == ("frame_system", "AccountInfo")
    assert path_of(("Result",)) == ("Result",)
    assert path_of(("Mine",)) == ("node_subtensor_runtime", "Mine")
    assert path_of(("sp_runtime", "Mine")) == ("sp_runtime", "Mine")
    assert [crate_of(name) for name in ("System", "AdminUtils", "SubtensorModule")] == [
        "frame_system",
        "pallet_admin_utils",
        "pallet_subtensor",
    ]


def test_a_type_that_nobody_can_describe_is_refused() -> None:
    class Odd(ScaleType):
        def write(self, value: Any, out: bytearray) -> None: ...

        def read(self, source: Reader) -> Any: ...

        def zero(self) -> Any: ...

    with pytest.raises(TypeError, match="no place in the metadata"):
        Registry().number(Odd())
