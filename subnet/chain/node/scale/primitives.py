# SPDX-License-Identifier: Apache-2.0
"""What every SCALE type can do, and the types without parts: numbers, booleans, bytes.

A type is a value: two that are equal encode alike and are one entry of the metadata. Reading never looks beyond the
bytes it was given, whatever lengths they claim.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

from protocols.errors import LedgerError

__all__ = [
    "BYTES",
    "Bits",
    "Bool",
    "Bytes",
    "Compact",
    "FixedBytes",
    "Int",
    "Reader",
    "ScaleType",
    "TEXT",
    "Text",
    "UInt",
]

_SINGLE: Final = 1 << 6
_DOUBLE: Final = 1 << 14
_FOUR: Final = 1 << 30


class Reader:
    """Bytes and how far they have been read."""

    __slots__ = ("at", "data", "depth")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.depth = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        end = self.at + count
        if end > len(self.data):
            raise LedgerError(f"{len(self.data) - self.at} bytes are left to decode, {count} were expected")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self.data) - self.at


class ScaleType(ABC):
    """One type of the chain; a subclass is frozen and compares by its parts."""

    @abstractmethod
    def write(self, value: Any, out: bytearray) -> None:
        """Append the encoding of a value."""

    @abstractmethod
    def read(self, source: Reader) -> Any:
        """The next value."""

    @abstractmethod
    def zero(self) -> Any:
        """What `Default` is in Rust."""

    def encode(self, value: Any) -> bytes:
        """The encoding of a value."""
        out = bytearray()
        try:
            self.write(value, out)
        except (OverflowError, TypeError, ValueError) as fault:
            raise LedgerError(f"{value!r} is not a {self}: {fault}") from fault
        return bytes(out)

    def decode(self, data: bytes) -> Any:
        """The value that all of these bytes encode."""
        source = Reader(data)
        value = self.read(source)
        if source.left():
            raise LedgerError(f"{source.left()} of {len(data)} bytes are left over after a {self}")
        return value


@dataclass(frozen=True)
class UInt(ScaleType):
    """An unsigned number of so many bytes."""

    size: int

    def write(self, value: Any, out: bytearray) -> None:
        out += value.to_bytes(self.size, "little")

    def encode(self, value: Any) -> bytes:
        """The encoding of a number; most of what a block changes is one, so it needs no buffer."""
        try:
            encoded: bytes = value.to_bytes(self.size, "little")
        except (AttributeError, OverflowError):
            return super().encode(value)  # which says what is wrong
        return encoded

    def read(self, source: Reader) -> int:
        return int.from_bytes(source.take(self.size), "little")

    def zero(self) -> int:
        return 0

    def __str__(self) -> str:
        return f"u{8 * self.size}"


@dataclass(frozen=True)
class Int(ScaleType):
    """A signed number of so many bytes."""

    size: int

    def write(self, value: Any, out: bytearray) -> None:
        out += value.to_bytes(self.size, "little", signed=True)

    def read(self, source: Reader) -> int:
        return int.from_bytes(source.take(self.size), "little", signed=True)

    def zero(self) -> int:
        return 0

    def __str__(self) -> str:
        return f"i{8 * self.size}"


@dataclass(frozen=True)
class Bits(ScaleType):
    """A fixed-point number: its bits, which is how Python holds it; `path` says what the chain calls it."""

    bits: UInt | Int
    path: tuple[str, ...]

    def write(self, value: Any, out: bytearray) -> None:
        self.bits.write(value, out)

    def read(self, source: Reader) -> int:
        return self.bits.read(source)

    def zero(self) -> int:
        return 0

    def __str__(self) -> str:
        return self.path[-1]


@dataclass(frozen=True)
class Bool(ScaleType):
    """True or false, one byte."""

    def write(self, value: Any, out: bytearray) -> None:
        out.append(1 if value else 0)

    def read(self, source: Reader) -> bool:
        byte = source.take(1)[0]
        if byte > 1:
            raise LedgerError(f"a bool is {byte}, expected 0 or 1")
        return byte == 1

    def zero(self) -> bool:
        return False

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True)
class Compact(ScaleType):
    """A number in as few bytes as it needs; one that is spelled longer than that is refused."""

    inner: UInt

    def write(self, value: Any, out: bytearray) -> None:
        if not 0 <= value < 1 << 8 * self.inner.size:
            raise OverflowError(f"{value} does not fit {self.inner}")
        if value < _SINGLE:
            out.append(value << 2)
        elif value < _DOUBLE:
            out += (value << 2 | 1).to_bytes(2, "little")
        elif value < _FOUR:
            out += (value << 2 | 2).to_bytes(4, "little")
        else:
            size = (value.bit_length() + 7) // 8
            out.append((size - 4) << 2 | 3)
            out += value.to_bytes(size, "little")

    def read(self, source: Reader) -> int:
        first = source.take(1)[0]
        mode = first & 3
        if mode == 3:
            value = int.from_bytes(source.take((first >> 2) + 4), "little")
            least = 1 << 8 * ((first >> 2) + 3) if first >> 2 else _FOUR
        else:
            value = int.from_bytes(bytes([first]) + source.take((0, 1, 3)[mode]), "little") >> 2
            least = (0, _SINGLE, _DOUBLE)[mode]
        if not least <= value < 1 << 8 * self.inner.size:
            raise LedgerError(f"{value} is not a compact {self.inner} spelled as short as it can be")
        return value

    def zero(self) -> int:
        return 0

    def __str__(self) -> str:
        return f"Compact<{self.inner}>"


_LENGTH: Final = Compact(UInt(4))


@dataclass(frozen=True)
class Bytes(ScaleType):
    """`Vec<u8>`; of a stranger's, no more than `most` are read."""

    most: int = 2**32 - 1

    def write(self, value: Any, out: bytearray) -> None:
        _LENGTH.write(len(value), out)
        out += value

    def read(self, source: Reader) -> bytes:
        length = _LENGTH.read(source)
        if length > self.most:
            raise LedgerError(f"{length} bytes, at most {self.most}")
        return source.take(length)

    def zero(self) -> bytes:
        return b""

    def __str__(self) -> str:
        return "Vec<u8>"


@dataclass(frozen=True)
class Text(ScaleType):
    """`str`."""

    def write(self, value: Any, out: bytearray) -> None:
        BYTES.write(value.encode(), out)

    def read(self, source: Reader) -> str:
        try:
            return BYTES.read(source).decode()
        except UnicodeDecodeError as fault:
            raise LedgerError(f"a str is not UTF-8: {fault}") from fault

    def zero(self) -> str:
        return ""

    def __str__(self) -> str:
        return "str"


@dataclass(frozen=True)
class FixedBytes(ScaleType):
    """`[u8; N]`, or with a path a type of its own around it, such as an account or a hash."""

    size: int
    path: tuple[str, ...] = ()

    def write(self, value: Any, out: bytearray) -> None:
        if len(value) != self.size:
            raise ValueError(f"{len(value)} bytes, expected {self.size}")
        out += value

    def read(self, source: Reader) -> bytes:
        return source.take(self.size)

    def zero(self) -> bytes:
        return bytes(self.size)

    def __str__(self) -> str:
        return self.path[-1] if self.path else f"[u8; {self.size}]"


BYTES: Final = Bytes()
TEXT: Final = Text()
