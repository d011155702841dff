# SPDX-License-Identifier: Apache-2.0
"""Definitions to check, sound ones and ones with a planted defect, and what the checks make of them."""
