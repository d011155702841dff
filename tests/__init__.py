# SPDX-License-Identifier: Apache-2.0
"""Tests, benchmarks and the writers of generated pages; nothing here is shipped, and nothing shipped imports it."""
