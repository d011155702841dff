# SPDX-License-Identifier: Apache-2.0
"""The real `safetensors` library reads a tensor and is read by it; a hostile file costs nothing but an error."""

from __future__ import annotations

import copy
import json
import pickle
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protocols.codec import JSON, MSGPACK, Codec
from protocols.errors import InvalidMessage, MessageError
from protocols.synapse import Reply, schema
from protocols.tensor import Array, Tensor

DTYPES = ("<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "i1", "<u8", "<u4", "<u2", "u1", "?")

both_codecs = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=repr)


class Carrier(Reply):
    embedding: Tensor
    label: str = ""


arrays = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0)))


def file_of(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype: str = "U8", shape: object = (2,), offsets: object = (0, 2)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@given(arrays)
def test_the_bytes_are_those_that_safetensors_writes(array: Array) -> None:
    assert Tensor(array).to_bytes() == safetensors.numpy.save({"t": array})


@given(arrays)
def test_safetensors_reads_what_a_tensor_writes(array: Array) -> None:
    read = safetensors.numpy.load(Tensor(array).to_bytes())
    assert list(read) == ["t"]
    assert read["t"].dtype == array.dtype
    assert read["t"].shape == array.shape
    assert read["t"].tobytes() == array.tobytes()


@given(arrays)
def test_a_tensor_reads_what_safetensors_writes_with_metadata_and_padding(array: Array) -> None:
    read = Tensor.from_bytes(safetensors.numpy.save({"t": array}, metadata={"made by": "another library", "x": ""}))
    assert read == Tensor(array)
    assert read.array.tobytes() == array.tobytes()


@both_codecs
@given(array=arrays)
def test_a_tensor_survives_the_wire(codec: Codec, array: Array) -> None:
    sent = Carrier(embedding=Tensor(array), label="x")
    data = codec.encode(sent)
    received = codec.decode(data, Carrier)
    assert received == sent
    assert received.embedding.array.dtype == array.dtype
    assert received.embedding.array.shape == array.shape
    assert codec.encode(received) == data


def test_the_file_travels_as_bin_in_messagepack_and_as_base64_in_json() -> None:
    tensor = Tensor(np.arange(3, dtype=np.float32))
    sent = Carrier(embedding=tensor)
    assert msgspec.msgpack.decode(MSGPACK.encode(sent))["embedding"] == tensor.to_bytes()
    assert msgspec.convert(json.loads(JSON.encode(sent))["embedding"], bytes) == tensor.to_bytes()


@pytest.mark.parametrize(
    "array",
    [np.arange(6, dtype=np.int32).reshape(2, 3).T, np.arange(10, dtype=np.float64)[::3], np.arange(4, dtype=">i4")],
    ids=["transposed", "strided", "big-endian"],
)
def test_an_array_of_any_layout_keeps_its_values(array: Array) -> None:
    read = Tensor.from_bytes(Tensor(array).to_bytes())
    assert np.array_equal(read.array, array)
    assert read.array.flags.c_contiguous


def test_a_tensor_keeps_its_values_when_the_array_it_was_made_of_changes() -> None:
    array = np.zeros(4, np.float32)
    tensor = Tensor(array)
    array[0] = 7
    assert tensor == Tensor(np.zeros(4, np.float32))
    assert tensor.array[0] == 0


@pytest.mark.parametrize("padding", range(8))
def test_the_view_is_read_only_and_aligned_whatever_the_header_s_length(padding: int) -> None:
    array = np.arange(5, dtype=np.float64)
    header = json.dumps({"t": entry("F64", [5], [0, 40])}).encode() + b" " * padding
    tensor = Tensor.from_bytes(file_of(header, array.tobytes()))
    assert np.array_equal(tensor.array, array)
    assert tensor.array.flags.aligned
    with pytest.raises(ValueError, match="read-only"):
        tensor.array[0] = 1
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        tensor.array.flags.writeable = True


def test_a_decoded_tensor_shares_the_memory_it_arrived_in() -> None:
    file = Tensor(np.arange(5, dtype=np.float64)).to_bytes()
    tensor = Tensor.from_bytes(file)
    assert tensor.to_bytes() is file
    assert np.shares_memory(tensor.array, np.frombuffer(file, np.uint8))


def test_a_mutable_buffer_is_copied() -> None:
    buffer = bytearray(Tensor(np.zeros(2, np.uint8)).to_bytes())
    tensor = Tensor.from_bytes(buffer)
    buffer[-1] = 9
    assert tensor.array[-1] == 0


def test_equality_is_of_type_shape_and_every_bit() -> None:
    nan = Tensor(np.array([np.nan, 0.0]))
    assert nan == Tensor(np.array([np.nan, 0.0]))
    assert hash(nan) == hash(Tensor(np.array([np.nan, 0.0])))
    assert nan != Tensor(np.array([np.nan, -0.0]))
    assert Tensor(np.zeros(2)) != Tensor(np.zeros((2, 1)))
    assert Tensor(np.zeros(2, np.int32)) != Tensor(np.zeros(2, np.float32))
    assert Tensor(np.zeros(2)) != np.zeros(2).tobytes()


def test_a_tensor_can_be_pickled_and_copied() -> None:
    tensor = Tensor(np.arange(4))
    for twin in (pickle.loads(pickle.dumps(tensor)), copy.deepcopy(tensor)):
        assert twin == tensor
        assert not twin.array.flags.writeable


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([None]), np.array([1j]), np.array(["2020"], "M8[D]")], ids=str
)
def test_an_array_that_cannot_travel_is_refused(array: Array) -> None:
    with pytest.raises(InvalidMessage, match=r"array holds .*, a tensor can hold float64, float32"):
        Tensor(array)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "header ends at byte 8 of 0"),
    "length cut": (b"\x01\0\0", "header ends at byte 9 of 3"),
    "length lies": (file_of({"t": entry()}, b"ab", length=2**64 - 1), "header ends at byte 18446744073709551623"),
    "length too short": (file_of({"t": entry()}, b"ab", length=5), "header: 'Input data was truncated"),
    "no json": (file_of(b"\xff\xfe\xfd"), "header: "),
    "nested": (file_of(b'{"__metadata__":' + b"[" * 100_000), "header: "),
    "nested unknown": (file_of(b'{"u":' + b"[" * 100_000), "header: "),
    "no tensor": (file_of({}), "missing required field `t`"),
    "two tensors": (file_of({"t": entry(), "u": entry()}, b"ab"), "unknown field `u`"),
    "other name": (file_of({"weight": entry()}, b"ab"), "unknown field `weight`"),
    "unknown dtype": (file_of({"t": entry("F8_E4M3")}, b"ab"), "dtype is 'F8_E4M3', expected one of F64"),
    "bfloat16": (file_of({"t": entry("BF16", (1,))}, b"ab"), "dtype is 'BF16', expected one of F64"),
    "negative dimension": (file_of({"t": entry(shape=(-1, -2))}, b"ab"), "Expected `int` >= 0"),
    "fractional dimension": (file_of({"t": entry(shape=(2.5,))}, b"ab"), "Expected `int`"),
    "dimension beyond 64 bits": (file_of({"t": entry(shape=(2**64 + 2,))}, b"ab"), "header: "),
    "overflow to the right size": (file_of({"t": entry(shape=(2**62, 2**62, 4))}, b""), "data_offsets are [0, 2]"),
    "overflow": (
        file_of({"t": entry(shape=(2**32, 2**32), offsets=(0, 0))}),
        "shape needs 9223372036854775808 bytes, 0",
    ),
    "empty but huge": (file_of({"t": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))}), "tensor cannot be read: "),
    "many dimensions": (file_of({"t": entry(shape=[2**62] * 20_000)}, b"ab"), "length <= 64"),
    "gap before": (file_of({"t": entry(offsets=(1, 3))}, b"abc"), "data_offsets are [1, 3], expected [0, 3]"),
    "bytes left over": (file_of({"t": entry()}, b"abc"), "data_offsets are [0, 2], expected [0, 3]"),
    "data cut": (file_of({"t": entry()}, b"a"), "data_offsets are [0, 2], expected [0, 1]"),
    "offsets reversed": (file_of({"t": entry(offsets=(2, 0))}, b"ab"), "data_offsets are [2, 0], expected [0, 2]"),
    "offsets beyond": (file_of({"t": entry(offsets=(0, 2**63 - 1))}, b"ab"), "data_offsets are"),
    "shape too small": (file_of({"t": entry(shape=(1,))}, b"ab"), "shape needs 1 bytes, 2 follow"),
    "bool of two": (file_of({"t": entry("BOOL")}, b"\x01\x02"), "neither 0 nor 1"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason_and_costs_no_memory(case: str) -> None:
    file, reason = HOSTILE[case]
    tracemalloc.start()
    try:
        with pytest.raises(InvalidMessage) as refused:
            Tensor.from_bytes(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reason in refused.value.message
    assert len(refused.value.message) < 300
    assert refused.value.message.isprintable()
    assert peak < 10 * len(file) + 100_000


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_in_a_message_is_refused_with_its_field(case: str) -> None:
    for codec, encoder in ((JSON, msgspec.json.encode), (MSGPACK, msgspec.msgpack.encode)):
        with pytest.raises(InvalidMessage, match=r"\$\.embedding"):
            codec.decode(encoder({"embedding": HOSTILE[case][0]}), Carrier)


@pytest.mark.parametrize("value", [None, 5, "not base64!", "====", "\u00e9", ["a"], {}, "YQ==\n", "YQ"], ids=repr)
def test_json_that_is_not_base64_of_a_tensor_is_refused(value: Any) -> None:
    with pytest.raises(InvalidMessage, match=r"\$\.embedding"):
        JSON.decode(json.dumps({"embedding": value}).encode(), Carrier)


@both_codecs
@pytest.mark.parametrize("value", [np.float64(0.5), np.zeros(2)], ids=["scalar", "array"])
def test_a_bare_numpy_value_is_refused_and_told_what_to_write(codec: Codec, value: object) -> None:
    with pytest.raises(InvalidMessage, match=r"numpy's \w+ cannot travel, use \.tolist\(\) or a Tensor"):
        codec.encode({"score": value})


def test_text_is_no_tensor_in_messagepack() -> None:
    with pytest.raises(InvalidMessage, match="expected `bytes` of a tensor, got `str`"):
        MSGPACK.decode(msgspec.msgpack.encode({"embedding": "AAAA"}), Carrier)


@given(st.binary() | st.binary().map(lambda data: file_of({"t": entry()}, data)) | st.binary().map(file_of))
def test_any_bytes_are_a_tensor_or_a_message_error(data: bytes) -> None:
    try:
        tensor = Tensor.from_bytes(data)
    except MessageError as error:
        message = error.message
    else:
        assert tensor.to_bytes() == data
        return
    assert message.isprintable()


@given(array=arrays, at=st.integers(0), byte=st.integers(0, 255))
def test_a_file_with_one_byte_changed_is_a_tensor_or_a_message_error(array: Array, at: int, byte: int) -> None:
    file = bytearray(Tensor(array).to_bytes())
    file[at % len(file)] = byte
    try:
        tensor = Tensor.from_bytes(file)
    except InvalidMessage:
        return
    assert tensor.array.nbytes <= len(file)


def test_a_tensor_is_limited_by_the_whole_body_only() -> None:
    class Wide(Reply):
        max_bytes = 1 << 22
        max_field_bytes = 10
        embedding: Tensor

    sent = Wide(embedding=Tensor(np.zeros(500_000, np.float32)))
    assert MSGPACK.decode(MSGPACK.encode(sent), Wide) == sent


def test_the_schema_names_the_encoding() -> None:
    field = schema(Carrier)["$defs"]["Carrier"]["properties"]["embedding"]
    assert field["type"] == "string"
    assert field["contentEncoding"] == "base64"
