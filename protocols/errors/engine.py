# SPDX-License-Identifier: Apache-2.0
"""How the machine behind a miner fails: it cannot be loaded, breaks down, or is asked for what it cannot do."""

from __future__ import annotations

from protocols.errors.domain import ServiceError

__all__ = ["EngineError", "EngineFailed", "EngineLacks", "ModelUnloadable", "UnknownEngine"]


class EngineError(ServiceError):
    """What does a miner's work could not do it."""

    code = "engine_error"


class EngineFailed(EngineError):
    """The engine broke down while it worked, or the server that it asks did not answer."""

    code, status = "engine_failed", 503
    exit_code = 75
    advice = "see why in the miner's log, then check it: subnet miner status"


class EngineLacks(EngineError):
    """The engine cannot do what the definition asks of it."""

    code, status = "engine_lacks", 501
    advice = "start the miner with another engine: subnet miner run --help"


class ModelUnloadable(EngineError):
    """The model is not there, is damaged, or does not fit the engine."""

    code = "model_unloadable"
    exit_code = 78
    advice = "name a folder or hub name that transformers can load: subnet miner run APP --model FOLDER"


class UnknownEngine(EngineError):
    """No engine has this name."""

    code = "unknown_engine"
    exit_code = 78
    advice = "see which there are: subnet miner run --help"
