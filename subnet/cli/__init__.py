# SPDX-License-Identifier: Apache-2.0
"""The command line: data on stdout, diagnostics on stderr, exit codes 0 (done), 1 (failed) and 2 (mistyped).

This is the only package that may print. A command's module is imported when that command runs, so that
`subnet --version` stays instant whatever the heaviest command needs.
"""

from __future__ import annotations

from subnet.cli.app import main

__all__ = ["main"]
