# SPDX-License-Identifier: Apache-2.0
"""`python -m subnet` is the command line too, for environments whose scripts are not on the path."""

from __future__ import annotations

import sys

from subnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
