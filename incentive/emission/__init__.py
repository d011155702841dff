# SPDX-License-Identifier: Apache-2.0
"""Where the money comes from and where it goes: from a block's new TAO to each account's rao, to the last one.

Plain integers throughout, with the chain's own rounding, so that a payment here is the payment there, and what the
rounding loses has a name and can be counted.
"""
