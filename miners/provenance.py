# SPDX-License-Identifier: Apache-2.0
"""What a miner serves, as one digest: of the bytes of its weights and of whatever else decides its answers.

The digest is computed from the files that are loaded, so it can be told in `/info`, committed on the chain, and
computed again by anybody who has the model: equal digests are equal models, wherever the files lie.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from protocols.errors import ModelUnloadable

__all__ = ["digest"]

# What loading reads; a README or a cache beside it changes no answer.
_KINDS: Final = frozenset({".json", ".jinja", ".model", ".safetensors", ".txt"})


def digest(folder: Path) -> str:
    """The SHA-256 of a model's files in hex: names and contents, in the order of the names.

    A folder's digest is that of the lines `name:size:sha256`, sorted; `sha256sum` and `stat` can compute it, too.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in _KINDS and path.is_file())
        lines = [f"{path.name}:{path.stat().st_size}:{_sha256(path)}\n" for path in files]
    except OSError as error:
        raise ModelUnloadable(f"model {folder} cannot be read: {error.strerror or error}") from error
    if not lines:
        raise ModelUnloadable(f"folder {folder} has no model in it, expected safetensors and JSON files")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
