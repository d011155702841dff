# SPDX-License-Identifier: Apache-2.0
"""Tests of the client, beyond what it promises over every transport (see `tests.contracts`)."""
