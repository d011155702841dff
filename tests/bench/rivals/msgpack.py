# SPDX-License-Identifier: Apache-2.0
"""The fastest plain way to carry an array: msgspec's MessagePack, raw bytes inside, read back without a copy."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np

from tests.bench.harness.child import Channel, measure_codec

_FLOATS = np.arange(100_000, dtype=np.float32)


class Carried(msgspec.Struct):
    """An array as it travels."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Carried).decode


def codec() -> object:
    """100,000 floats, both ways."""
    carried = _decode(_encode(Carried(str(_FLOATS.dtype), _FLOATS.shape, _FLOATS.tobytes())))
    return np.frombuffer(carried.data, dtype=carried.dtype).reshape(carried.shape)


if __name__ == "__main__":
    asyncio.run(measure_codec(codec, Channel()))
