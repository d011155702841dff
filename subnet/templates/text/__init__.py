# SPDX-License-Identifier: Apache-2.0
"""Reading comprehension about places that do not exist: a subnet in one file, which needs no model and no network."""
