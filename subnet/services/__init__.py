# SPDX-License-Identifier: Apache-2.0
"""Long-running services put together from settings: what is checked first, what is opened, what is told of them."""
