# SPDX-License-Identifier: Apache-2.0
"""The sources of settings, read strictly: flags, environment variables and TOML files.

Each source is checked whole and by itself, so that a slip is reported with the flag, variable or file that holds it,
also where a stronger source hides it. Text is converted only where a source knows nothing else: the environment.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from protocols.errors import UsageError

__all__ = ["Files", "Kinds", "Layer", "PREFIX", "Source", "environment", "file", "files", "flag", "flags", "variable"]

PREFIX: Final = "SUBNET_"
# A variable this close to one of ours is a slip; others that begin alike (SUBNET_ID, of a cloud) are somebody else's.
SLIP: Final = 0.85
SEE: Final = "see docs/reference/settings.md"

Kinds = Mapping[str, type[BaseModel]]  # the sections by name


class Source(NamedTuple):
    """Where a value came from: the kind of source, and the flag, variable or file; a default has no place."""

    kind: Literal["flag", "environment", "project", "user", "default"]
    place: str = ""

    def names(self, section: str, name: str) -> str:
        """How a value is named there."""
        return self.place if self.kind in {"flag", "environment"} else f"{name} in [{section}] of {self.place}"

    def suggests(self, section: str, name: str) -> str:
        """How another setting would be named there."""
        here = {"flag": flag(name), "environment": variable(section, name)}
        return f"did you mean: {here.get(self.kind, f'{name} in [{section}]')}"


class Layer(NamedTuple):
    """What one source says: values by section and name, and the source of each by its dotted name."""

    values: dict[str, dict[str, Any]]
    sources: dict[str, Source]


class Files(NamedTuple):
    """The files that hold settings: the project's, where there is one, the user's, and the folder of the project."""

    project: Path | None
    user: Path
    folder: Path


def flag(name: str) -> str:
    """What a setting is called on the command line."""
    return f"--{name.replace('_', '-')}"


def variable(section: str, name: str) -> str:
    """What a setting is called in the environment."""
    return f"{PREFIX}{section}_{name}".upper()


def flags(given: Mapping[str, Mapping[str, Any]], kinds: Kinds) -> Layer:
    """The values of a command line, which have their types already."""
    return _layer(given, lambda _, name: Source("flag", flag(name)), _typed, Path.cwd(), kinds)


def environment(kinds: Kinds) -> Layer:
    """The values of variables `SUBNET_SECTION_NAME`; an empty one counts as not set."""
    given: dict[str, dict[str, str]] = {}
    for key in sorted(key for key, text in os.environ.items() if key.startswith(PREFIX) and text):
        section, _, name = key.removeprefix(PREFIX).lower().partition("_")
        if key.isupper() and section in kinds and name:
            given.setdefault(section, {})[name] = os.environ[key]
        else:
            _refuse_slip(key, kinds)
    return _layer(given, lambda *named: Source("environment", variable(*named)), _text, Path.cwd(), kinds)


def file(kind: Literal["project", "user"], path: Path, kinds: Kinds) -> Layer:
    """The values of a TOML file, of a pyproject.toml those below `[tool.subnet]`; a file that is not there has none."""
    source, tables = Source(kind, str(path)), _read(path)
    if path.name == "pyproject.toml":
        tables = _ours(tables) or {}
    for section, values in tables.items():
        if section not in kinds:
            raise _unknown_section(section, source, kinds)
        if not isinstance(values, dict):
            raise UsageError(f"{section} in {path} must be a table, got {values!r}", help=f"write it as [{section}]")
    return _layer(tables, lambda *_: source, _typed, path.parent, kinds)


def files() -> Files:
    """The files that hold for this working directory and this user."""
    here = Path.cwd()
    config_home = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative one is to be ignored, says the XDG base directory specification.
    home = Path(config_home if os.path.isabs(config_home) else os.path.expanduser("~/.config"))
    user = home / "subnet" / "config.toml"
    for folder in (here, *here.parents):
        own, shared = folder / "subnet.toml", folder / "pyproject.toml"
        is_shared = _ours(_read(shared)) is not None
        if own.is_file() and is_shared:
            raise UsageError(f"both {own} and [tool.subnet] of {shared} hold settings", help="keep one of the two")
        if own.is_file() or is_shared:
            return Files(shared if is_shared else own, user, folder)
    return Files(None, user, here)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", help=f"mend or remove it: {path}") from None


def _ours(pyproject: dict[str, Any]) -> dict[str, Any] | None:
    tool = pyproject.get("tool")
    table = tool.get("subnet") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _typed(kind: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    return kind.model_validate(values)


def _text(kind: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    return kind.model_validate_strings(values, strict=False)


def _layer(
    given: Mapping[str, Mapping[str, Any]],
    named: Callable[[str, str], Source],
    read: Callable[[type[BaseModel], Mapping[str, Any]], BaseModel],
    folder: Path,
    kinds: Kinds,
) -> Layer:
    layer = Layer({}, {})
    for section, values in given.items():
        origins = {name: named(section, name) for name in values}
        try:
            checked = read(kinds[section], values)
        except ValidationError as error:
            raise _explained(error, section, values, origins, kinds) from None
        layer.values[section] = {name: _anchored(getattr(checked, name), folder) for name in values}
        layer.sources.update({f"{section}.{name}": origin for name, origin in origins.items()})
    return layer


def _anchored(value: Any, folder: Path) -> Any:
    return folder / os.path.expanduser(value) if isinstance(value, Path) else value


def _explained(
    error: ValidationError, section: str, values: Mapping[str, Any], origins: Mapping[str, Source], kinds: Kinds
) -> UsageError:
    # The rest shows itself when this one is mended.
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return _unknown(section, name, origins[name], kinds)
    said = re.sub(r"^\w+ should ", "must ", first["msg"]).split(", unable")[0]
    must = "must be a path" if first["type"] == "path_type" else said
    is_secret = "Secret" in str(kinds[section].model_fields[name].annotation)
    got = "what is not shown" if is_secret else repr(values[name])
    return UsageError(
        f"{origins[name].names(section, name)} {must}, got {got}",
        help=SEE,
    )


def _unknown(section: str, name: str, source: Source, kinds: Kinds) -> UsageError:
    known = {f"{other}.{key}": (other, key) for other, kind in kinds.items() for key in kind.model_fields}
    near = [dotted for dotted in known if known[dotted][1] == name]
    near = near or difflib.get_close_matches(f"{section}.{name}", known, n=1)
    advice = source.suggests(*known[near[0]]) if near else SEE
    return UsageError(f"no setting is called {source.names(section, name)}", help=advice)


def _unknown_section(name: str, source: Source, kinds: Kinds) -> UsageError:
    near = difflib.get_close_matches(name, kinds, n=1)
    advice = f"did you mean: [{near[0]}]" if near else SEE
    # A setting that stands above all sections is the likeliest slip.
    homes = [section for section, kind in kinds.items() if name in kind.model_fields]
    advice = source.suggests(homes[0], name) if homes else advice
    return UsageError(f"no section is called [{name}] in {source.place}", help=advice)


def _refuse_slip(key: str, kinds: Kinds) -> None:
    known = {variable(section, name): name for section, kind in kinds.items() for name in kind.model_fields}
    near = [ours for ours, name in known.items() if key == f"{PREFIX}{name}".upper()]
    near = near or difflib.get_close_matches(key, known, n=1, cutoff=SLIP)
    if near:
        raise UsageError(f"no setting is called {key}", help=f"did you mean: {near[0]}")
