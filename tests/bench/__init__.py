# SPDX-License-Identifier: Apache-2.0
"""How fast the wire is, against the stacks people use today.

`python -m tests.bench [NAME ...]` measures; `make bench BENCH=wire` is the same. Every module here that has a
`figures` function is one NAME. A figure is a ratio taken in one run, turns of ours and of the rival alternating, so
that a noisy machine slows both.
"""
