# SPDX-License-Identifier: Apache-2.0
"""A model from a folder, as weights that cannot run code, whole, and of a kind that the engine can work with.

transformers is lenient: it makes up weights that are missing, runs code that comes with a model, and unpickles. A miner
that serves made-up weights loses its stake, and one that unpickles loses its keys. So all of that is an error here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from protocols.errors import ModelUnloadable

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["HUB", "Loaded", "fetch", "load"]

HUB: Final = "hub:"
"""Before the name of a model that is to be fetched; without it a name is a folder."""

_FILES: Final = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
_GENERATES: Final = ("ForCausalLM", "LMHeadModel")
_POOLER: Final = "pooler."
"""What sentence models may lack: vectors are means here."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready, its tokenizer, and whether it continues texts or makes vectors of them."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    generates: bool


def fetch(name: str) -> Path:
    """The folder of a model; one that is named `hub:...` is fetched first, unless it was before."""
    if not name.startswith(HUB):
        folder = Path(name).expanduser()
        if not folder.is_dir():
            raise ModelUnloadable(f"there is no folder {name}", help=f"name a folder, or a model of the hub: {HUB}NAME")
        return folder
    from transformers.utils import hub

    library: Any = hub
    try:
        return Path(library.snapshot_download(name.removeprefix(HUB), allow_patterns=list(_FILES)))
    except (OSError, ValueError) as error:
        raise ModelUnloadable(f"model {name} cannot be fetched: {_said(error)}") from error


def load(folder: Path, device: str, dtype: str) -> Loaded:
    """The model in a folder, on a device, for inference."""
    import torch
    from transformers import AutoConfig, AutoTokenizer

    if not any(folder.glob("*.safetensors")):
        raise ModelUnloadable(f"folder {folder} has no *.safetensors; weights of other kinds can run code")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelUnloadable(f"device {device} is not there: torch sees no GPU", help="choose cpu or auto")
    if dtype == "auto" and device == "cpu":
        # Most processors convert a half number before they multiply it.
        dtype = "float32"
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **options)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        generates = _generates(config)
        with _silent():
            model = _weights(folder, generates, {**options, "dtype": dtype})
        moved: Any = model
        return Loaded(moved.to(device).eval(), tokenizer, generates)
    except ModelUnloadable:
        raise
    except Exception as error:
        # transformers, tokenizers and torch each raise what they like over a damaged file or a lack of memory.
        raise ModelUnloadable(f"model {folder} cannot be loaded: {_said(error)}") from error


def _weights(folder: Path, generates: bool, options: dict[str, Any]) -> PreTrainedModel:
    from transformers import AutoModel, AutoModelForCausalLM

    kind: Any = AutoModelForCausalLM if generates else AutoModel
    model, report = kind.from_pretrained(folder, use_safetensors=True, output_loading_info=True, **options)
    missing = [name for name in sorted(report["missing_keys"]) if generates or not name.startswith(_POOLER)]
    wrong = [*missing, *(str(name) for name in report["mismatched_keys"])]
    if wrong:
        raise ModelUnloadable(f"model {folder} lacks {len(wrong)} of its weights, {wrong[0]} for one")
    loaded: PreTrainedModel = model
    return loaded


def _generates(config: PreTrainedConfig) -> bool:
    names = tuple(config.architectures or ())
    if config.is_encoder_decoder or not names:
        raise ModelUnloadable(f"a {config.model_type} of {', '.join(names) or 'no architecture'} is not supported")
    return any(name.endswith(_GENERATES) for name in names)


@contextmanager
def _silent() -> Iterator[None]:
    import transformers

    logging: Any = transformers.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _said(error: BaseException) -> str:
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
