# SPDX-License-Identifier: Apache-2.0
"""Arrays on the wire: one array travels as one safetensors file, which every tensor library reads and nothing executes.

A list of numbers in JSON is thousands of times slower, and pickle runs the sender's code. The file is built and read
here rather than by the `safetensors` library, byte for byte the same, because a file of one tensor needs neither that
library's copies nor its dictionary. MessagePack carries the file as `bin`, JSON as base64 text.

    file  =  length of header (8 bytes)  header (JSON, padded to 8 bytes)  numbers, row by row;  all little-endian
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, final

import msgspec

from protocols.errors import InvalidMessage

# Every server and client knows of tensors, few ever see one, and numpy takes longer to load than all of the rest.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"

_CODES: Final = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
_LENGTH_BYTES: Final = 8

_Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
# numpy's own limit; without it the product of a hundred thousand large dimensions would keep a core busy for minutes
_Shape = Annotated[tuple[_Size, ...], msgspec.Meta(max_length=64)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dtype: str
    shape: _Shape
    data_offsets: tuple[_Size, _Size]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    t: _Entry
    metadata: dict[str, str] | msgspec.UnsetType = msgspec.field(name="__metadata__", default=msgspec.UNSET)


_read_header = msgspec.json.Decoder(_Header).decode


@final
class Tensor:
    """An immutable array that can be a field of a query or a reply.

    Two tensors are equal when type, shape and every bit of the numbers are, so that NaN equals itself and 0.0 differs
    from -0.0. A tensor may hold NaN and infinity: unlike in a `float` field, what they mean is for the subnet to say.
    """

    __slots__ = ("_array", "_file")

    _array: Array
    _file: bytes

    def __init__(self, array: Array) -> None:
        import numpy as np

        source = np.asarray(array)
        source = np.asarray(source, dtype=source.dtype.newbyteorder("<"), order="C")
        name = _names().get(source.dtype)
        if name is None:
            raise InvalidMessage(f"array holds {source.dtype}, a tensor can hold {', '.join(map(str, _names()))}")
        prefix = _prefix(name, source.shape)
        # The one copy: afterwards the caller may change the array, and the tensor stays what it was.
        self._file = b"".join((prefix, source.data if source.size else b""))
        self._array = np.ndarray(source.shape, source.dtype, self._file, len(prefix))

    @classmethod
    def from_bytes(cls, file: bytes | bytearray | memoryview) -> Tensor:
        """Read a safetensors file that holds one tensor named `t`; `bytes` are kept, not copied."""
        try:
            return _read(bytes(file))
        except ValueError as error:
            raise InvalidMessage(f"tensor cannot be read: {error}") from None

    def to_bytes(self) -> bytes:
        """The tensor as a safetensors file."""
        return self._file

    @property
    def array(self) -> Array:
        """The numbers: a read-only view that shares the tensor's memory."""
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self._array.dtype

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        # Files of different writers may hold the same numbers under differently padded headers.
        return self._file == other._file or self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return Tensor.from_bytes, (self._file,)

    def __repr__(self) -> str:
        return f"Tensor({self.dtype}, shape={self.shape})"

    def _identity(self) -> tuple[str, tuple[int, ...], bytes]:
        return self.dtype.str, self.shape, self._array.tobytes()


def encode_hook(value: object) -> bytes:
    """What msgspec writes for a tensor: `bin` in MessagePack, base64 in JSON."""
    if isinstance(value, Tensor):
        return value._file
    import numpy as np

    if isinstance(value, np.generic | np.ndarray):
        raise TypeError(f"numpy's {type(value).__name__} cannot travel, use .tolist() or a Tensor")
    raise TypeError(f"{type(value).__qualname__} cannot travel")


def decode_bin(_: type, value: object) -> Tensor:
    """A tensor from what MessagePack carries; any `ValueError` becomes a message with the field's path."""
    if type(value) is not bytes:
        raise ValueError(f"expected `bytes` of a tensor, got `{type(value).__name__}`")
    return _read(value)


def decode_base64(_: type, value: object) -> Tensor:
    """A tensor from what JSON carries."""
    if type(value) is not str:
        raise ValueError(f"expected base64 `str` of a tensor, got `{type(value).__name__}`")
    try:
        # Four times as fast as the standard library's, and as strict.
        file = msgspec.convert(value, bytes)
    except msgspec.ValidationError:
        raise ValueError("expected base64 of a tensor") from None
    return _read(file)


def schema_hook(kind: type) -> dict[str, Any]:
    """The JSON Schema of a tensor."""
    if kind is Tensor:
        return {
            "title": "Tensor",
            "description": "one array as a safetensors file with a single tensor named t",
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": "application/octet-stream",
        }
    raise NotImplementedError(f"{kind.__qualname__} cannot travel")


@cache
def _dtypes() -> dict[str, np.dtype[Any]]:
    import numpy as np

    return {name: np.dtype(code) for name, code in _CODES.items()}


@cache
def _names() -> dict[np.dtype[Any], str]:
    return {dtype: name for name, dtype in _dtypes().items()}


@lru_cache(maxsize=256)
def _prefix(name: str, shape: tuple[int, ...]) -> bytes:
    sizes = ",".join(map(str, shape))
    end = math.prod(shape) * _dtypes()[name].itemsize
    header = f'{{"t":{{"dtype":"{name}","shape":[{sizes}],"data_offsets":[0,{end}]}}}}'.encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(_LENGTH_BYTES, "little") + header


# Everything is checked against the bytes that are there, in Python's unbounded integers, before numpy sees a number of
# the sender's; nothing is allocated for what a header merely claims.
def _read(file: bytes) -> Tensor:
    start = _LENGTH_BYTES + int.from_bytes(file[:_LENGTH_BYTES], "little")
    if len(file) < _LENGTH_BYTES or start > len(file):
        raise ValueError(f"safetensors header ends at byte {start} of {len(file)}")
    entry = _entry(file[_LENGTH_BYTES:start])
    dtype = _dtypes().get(entry.dtype)
    if dtype is None:
        raise ValueError(f"dtype is {entry.dtype[:16]!a}, expected one of {', '.join(_CODES)}")
    data = len(file) - start
    needed = math.prod(entry.shape) * dtype.itemsize
    if entry.data_offsets != (0, data):
        raise ValueError(f"data_offsets are {list(entry.data_offsets)}, expected [0, {data}]")
    if needed != data:
        raise ValueError(f"shape needs {min(needed, 2**63)} bytes, {data} follow")
    tensor = object.__new__(Tensor)
    tensor._file = file
    tensor._array = _view(entry.shape, dtype, file, start)
    return tensor


def _entry(header: bytes) -> _Entry:
    try:
        return _read_header(header).t
    except RecursionError:
        raise ValueError("safetensors header is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"safetensors header: {str(error)[:120]!a}") from None


def _view(shape: tuple[int, ...], dtype: np.dtype[Any], file: bytes, start: int) -> Array:
    import numpy as np

    array: Array = np.ndarray(shape, dtype, file, start)
    if dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise ValueError("a BOOL tensor holds a byte that is neither 0 nor 1")
    if not array.flags.aligned:
        # Only a foreign file without padding gets here. Numpy would cope; what the array is handed to might not.
        return np.ndarray(shape, dtype, file[start:])
    return array


__all__ = ["Array", "Tensor", "decode_base64", "decode_bin", "encode_hook", "schema_hook"]
