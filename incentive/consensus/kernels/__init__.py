# SPDX-License-Identifier: Apache-2.0
"""Yuma in machine code, by numba: what `consensus.yuma` states in numpy, a block of columns at a time.

A block fits the cache, so that its cells are read from memory once. `epochs` is what Python calls; `agreement` and
`bonds` are its loops, written once for both arithmetics over the operations in `cells`. Nothing outside
`consensus.compiled` imports this package: numba takes half a second to load, and an installation may lack it.
"""
