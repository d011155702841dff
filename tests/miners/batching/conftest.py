# SPDX-License-Identifier: Apache-2.0
"""Tiny models gain nothing from a second thread, and lose much to it where other tests run at the same time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Torch computes with one thread, and with as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
