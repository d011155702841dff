# SPDX-License-Identifier: Apache-2.0
"""Settings that hold for every test: what Hypothesis may do when a machine judges a change.

The same change must get the same verdict twice, on a slow machine too, so examples follow from the test itself and
none has a deadline. To look for new counterexamples: `pytest --hypothesis-profile explore`.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("steady")
