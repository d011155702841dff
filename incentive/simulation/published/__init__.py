# SPDX-License-Identifier: Apache-2.0
"""Figures that others published, computed again with the mathematics of this package.

A library of reward that agrees only with itself proves nothing. Each figure here names its source, states the tolerance
within which it must agree, and says by how much it differs.
"""
