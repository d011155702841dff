# SPDX-License-Identifier: Apache-2.0
"""Whole subnets to start from: each folder holds one definition, which `subnet new` copies and which runs as it is."""
