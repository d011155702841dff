# SPDX-License-Identifier: Apache-2.0
"""The command line: data on stdout, diagnostics on stderr; exit code 0 is done, 1 failed, 2 mistyped, 130 interrupted.

This is the only package that may print. A command's module is imported when that command runs, so that
`subnet --version` stays instant whatever the heaviest command needs.
"""

from __future__ import annotations

from subnet.cli.app import main

__all__ = ["main"]
