# SPDX-License-Identifier: Apache-2.0
"""Dialects of older peers; a server or client speaks one only where it was asked for by name.

Their defaults were unsafe, so here they are closed: what the old implementations accepted unsigned, stale or replayed
is refused. What an old protocol cannot prove at all is said to whoever uses it.
"""
