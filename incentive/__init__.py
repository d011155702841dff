# SPDX-License-Identifier: Apache-2.0
"""The mathematics of reward, pure: arrays in, arrays out.

No input or output, no clock, no randomness that is not handed in. What a chain pays must be computable by anyone,
again and again, to the last bit; so nothing here may depend on where or when it runs.
"""
