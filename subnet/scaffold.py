# SPDX-License-Identifier: Apache-2.0
"""A new project: the bundled subnet under a name of its own, with a test that passes, ready to be changed.

The definition is copied from the bundled one, so that what a designer starts from is what is tested here; around it go
the files in `templates/project`. A project appears whole or not at all.
"""

from __future__ import annotations

import io
import json
import keyword
import os
import re
import secrets
import shutil
import sys
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from string import Template
from typing import Final

from protocols.errors import UsageError
from protocols.registry import GROUP
from subnet.settings import plain, sections, within

__all__ = ["Created", "new"]

# The rule of `protocols.spec` for a subnet's name.
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_MAX_NAME: Final = 48
_RULE: Final = "lower-case words joined by dashes"

_TEMPLATES: Final = Path(__file__).parent / "templates"
_DEFINITION: Final = _TEMPLATES / "text" / "text.py"
_SUFFIX: Final = ".template"
_OURS: Final = frozenset(("incentive", "miners", "protocols", "subnet", "tests", "validators"))


@dataclass(frozen=True, slots=True)
class Created:
    """A new project: its folder, the files in it, and what to type next."""

    folder: Path
    files: tuple[Path, ...]
    """Relative to the folder."""
    commands: tuple[str, ...]


def new(name: str, folder: Path) -> Created:
    """Make a project called `name` in a folder of that name below `folder`; `UsageError` where that cannot be done."""
    module = _module(name)
    files = _files(name, module)
    target = folder / name
    _check_target(target)
    draft = folder / f".{name}.{secrets.token_hex(4)}"
    try:
        _write(draft, files)
        os.rename(draft, target)  # replaces an empty folder, and nothing else
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise UsageError(f"{target} cannot be made: {error.strerror}", help="choose a folder of your own") from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    commands = (f"cd {name}", f"subnet check {module}.py", f"subnet run {module}.py")
    return Created(target, tuple(sorted(map(Path, files))), commands)


def _module(name: str) -> str:
    """The name of the project's module; `UsageError` where the name is none for a subnet, or hides another module."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        near = _near(name)
        raise UsageError(
            f"a subnet cannot be called {name[:64]!r}, expected {_RULE}, at most {_MAX_NAME} characters",
            help=f"did you mean: {near}" if near else "subnet new my-subnet",
        )
    module, offers = name.replace("-", "_"), _offers(name)
    hidden = _hidden_by(module, offers)
    if hidden:
        raise UsageError(f"the file {module}.py would hide {hidden}", help=f"did you mean: {name}-subnet")
    if "subnet" in offers:
        raise UsageError(f"subnet itself brings a subnet called {name}", help=f"did you mean: my-{name}")
    return module


def _offers(name: str) -> set[str]:
    """The installed packages with a subnet of this name; a project that was installed is one."""
    entries = [entry for entry in metadata.entry_points(group=GROUP) if entry.name.partition("@")[0] == name]
    return {entry.dist.name for entry in entries if entry.dist is not None}


def _near(name: str) -> str:
    """The nearest name that is one, or nothing."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    words = re.findall(r"[a-z0-9]+", apart.lower())
    while words and not words[0][0].isalpha():
        words[0] = words[0][1:]
        words = words if words[0] else words[1:]
    return "-".join(words)[:_MAX_NAME].rstrip("-")


def _hidden_by(module: str, own: set[str]) -> str:
    """What a module of this name would keep from being imported, or nothing."""
    if keyword.iskeyword(module):
        return "a word of the language"
    if module in sys.stdlib_module_names:
        return f"Python's own module {module}"
    if module in _OURS:
        return f"the package {module} of subnet itself"
    owners = set(metadata.packages_distributions().get(module, ())) - own
    return f"a module of the installed package {min(owners)}" if owners else ""


def _check_target(target: Path) -> None:
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", help=f"mkdir -p {target.parent}")
    # A link may lead out of the folder that was named.
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} is there already, and is no folder", help="choose another name")
    held = len(list(target.iterdir())) if target.exists() else 0
    if held:
        files = "1 file" if held == 1 else f"{held} files"
        raise UsageError(f"{target} is there already and holds {files}", help="choose another name, or empty it")


def _files(name: str, module: str) -> Mapping[str, str]:
    """What to write, by path within the project."""
    source = _DEFINITION.read_text(encoding="utf-8")
    class_name = _class_name(name, source)
    values = {"name": name, "module": module, "class_name": class_name, "settings": _settings(), **_versions()}
    files = {f"{module}.py": _renamed(source, {"Text": class_name, "Ask": f"{class_name}Ask", "text": name})}
    project = _TEMPLATES / "project"
    for file in sorted(project.rglob(f"*{_SUFFIX}")):
        path = file.relative_to(project).as_posix().removesuffix(_SUFFIX)
        path = {"gitignore": ".gitignore", "tests/test_module.py": f"tests/test_{module}.py"}.get(path, path)
        files[path] = Template(file.read_text(encoding="utf-8")).substitute(values)
    return files


def _class_name(name: str, source: str) -> str:
    """The name as Python writes classes, other than any that the definition uses itself."""
    words = "".join(word.capitalize() for word in name.split("-"))
    taken = {token.string for token in _tokens(source) if token.type == tokenize.NAME} - {"Text"}
    return f"{words}Subnet" if words in taken or keyword.iskeyword(words) else words


def _renamed(source: str, names: Mapping[str, str]) -> str:
    """The source with classes renamed, and the texts that are nothing but their names."""
    classes = {old: name for old, name in names.items() if old[0].isupper()}
    renamed = {tokenize.NAME: classes, tokenize.STRING: {f'"{old}"': f'"{name}"' for old, name in names.items()}}
    lines = source.splitlines(keepends=True)
    for token in reversed(list(_tokens(source))):
        name = renamed.get(token.type, {}).get(token.string)
        if name is not None:
            (row, start), (_, end) = token.start, token.end
            lines[row - 1] = lines[row - 1][:start] + name + lines[row - 1][end:]
    # Kept in order, as the linters that a designer may use ask for.
    return re.sub(r"(?m)^__all__ = \[(.*)\]$", lambda found: _in_order(found[1]), "".join(lines))


def _in_order(names: str) -> str:
    return f"__all__ = [{', '.join(sorted(names.split(', ')))}]"


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def _settings() -> str:
    """Every setting with its default, as comments."""
    lines: list[str] = []
    for section in sections():
        lines += ["", f"[{section}]"]
        for setting in within(section):
            # JSON's notation for what a setting can be is TOML's too.
            lines += [f"# {setting.about}", f"# {setting.name} = {json.dumps(plain(setting.default))}"]
    return "\n".join(lines)


def _versions() -> Mapping[str, str]:
    """The releases of this project that a new one can be used with: from this one to the next that may differ."""
    from subnet import __version__

    major, minor = __version__.split(".")[:2]
    return {
        "at_least": f"{major}.{minor}",
        "below": f"{major}.{int(minor) + 1}" if major == "0" else str(int(major) + 1),
    }


def _write(draft: Path, files: Mapping[str, str]) -> None:
    draft.mkdir()
    for path, text in files.items():
        file = draft / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
