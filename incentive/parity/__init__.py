# SPDX-License-Identifier: Apache-2.0
"""Proof that we compute what the chain computes: recorded cases of the real code, run again and compared.

`python -m incentive.parity FILE...` is the proof as a command; files and their fields are described there.
"""
