# SPDX-License-Identifier: Apache-2.0
"""SCALE, the codec of Substrate: types as values that read, write and describe themselves.

Declarations name types as annotations (`u16`, `tuple[u16, ...]`, `u64 | None`, a `NamedTuple`); `scale_of` turns an
annotation into the type that encodes it, so that a signature in Python is the whole truth about what goes over the
wire.
"""
