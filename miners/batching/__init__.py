# SPDX-License-Identifier: Apache-2.0
"""Many callers, one model: generation that is joined and left at every step, and small batches for vectors.

All modules here but `capacity` and `text` import torch at once, so they are imported by engines when a model is loaded.
"""
