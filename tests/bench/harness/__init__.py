# SPDX-License-Identifier: Apache-2.0
"""What measuring needs: figures and their bars, the machine, and processes (`peer` is our side, `child` is theirs).

`child` runs in the rivals' environments too, so it imports nothing but the standard library.
"""
