# SPDX-License-Identifier: Apache-2.0
"""What does a miner's work: engines, each behind the same small seam, each importing what it needs late."""
