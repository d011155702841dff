# SPDX-License-Identifier: Apache-2.0
"""Batched generation against a model that generates alone."""
