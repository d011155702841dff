# SPDX-License-Identifier: Apache-2.0
"""Who is served, in which order, and how much: decided after a caller has proved its key before a byte is parsed."""

from miners.admission.members import Members
from miners.admission.rules import Rules

__all__ = ["Members", "Rules"]
