# SPDX-License-Identifier: Apache-2.0
"""Work checked without doing it again: samples, commitments, disputes and products of matrices.

A validator that repeats all work is as expensive as the miners together. Each module here buys the same certainty for
less: it says how likely a cheat is found, what makes cheating unprofitable, and which step of a long computation went
wrong.
"""
