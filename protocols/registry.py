# SPDX-License-Identifier: Apache-2.0
"""Finding a subnet by what somebody typed: a name, a name and version, a file, or a class in a module.

A package offers subnets through the entry point group `subnet.subnets`, named as the subnet is (`echo`, or `echo@2`
beside an older one). A package is imported only when its subnet is asked for, and one that cannot be imported keeps
nobody from using the others: its error is shown to whoever asks for it.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Final, TypeGuard, TypeVar

from protocols.errors import AlreadyRegistered, DefinitionError, InvalidSubnet, SubnetNotFound
from protocols.spec import Subnet

__all__ = ["GROUP", "Registry", "default_registry", "load"]

GROUP: Final = "subnet.subnets"

S = TypeVar("S", bound=type[Subnet])
T = TypeVar("T")


def _installed() -> Iterable[EntryPoint]:
    return entry_points(group=GROUP)


class Registry:
    """Subnets by name and version: those registered here and those that installed packages offer."""

    def __init__(self, offered: Callable[[], Iterable[EntryPoint]] = _installed) -> None:
        self._offered = offered
        self._waiting: list[EntryPoint] | None = None
        self._subnets: dict[str, dict[int, type[Subnet]]] = {}
        self._broken: dict[str, DefinitionError] = {}

    @property
    def broken(self) -> Mapping[str, DefinitionError]:
        """Offers that were asked for and could not be loaded, by the name they are offered under."""
        return MappingProxyType(self._broken)

    def register(self, subnet: S) -> S:
        """Add a subnet, also as a decorator; raises `AlreadyRegistered` where another one has its name and version."""
        versions = self._subnets.setdefault(subnet.name, {})
        holder = versions.setdefault(subnet.version, subnet)
        if holder is not subnet:
            raise AlreadyRegistered(f"{subnet.ref()} is {_where(holder)}, cannot also be {_where(subnet)}")
        return subnet

    def get(self, ref: str) -> type[Subnet]:
        """The newest version of `name`, or `name@version`; raises `SubnetNotFound`, or what broke its package."""
        name, _, version = ref.partition("@")
        self._import(name)
        versions = self._subnets.get(name, {})
        if versions and not version:
            return versions[max(versions)]
        for number, subnet in versions.items():
            if str(number) == version:
                return subnet
        raise self._missing(ref, name, versions)

    def list_all(self) -> tuple[type[Subnet], ...]:
        """All subnets by name and version; `broken` then holds what could not be loaded."""
        for name in self._offers():
            self._import(name)
        return tuple(versions[number] for _, versions in sorted(self._subnets.items()) for number in sorted(versions))

    def _offers(self) -> list[str]:
        if self._waiting is None:
            self._waiting = list(self._offered())
        return sorted({entry.name.partition("@")[0] for entry in self._waiting})

    def _import(self, name: str) -> None:
        if name not in self._offers() or self._waiting is None:
            return
        mine = [entry for entry in self._waiting if entry.name.partition("@")[0] == name]
        self._waiting = [entry for entry in self._waiting if entry not in mine]
        for entry in mine:
            try:
                self.register(_provided(entry))
            except DefinitionError as error:
                self._broken[entry.name] = error

    def _missing(self, ref: str, name: str, versions: Mapping[int, type[Subnet]]) -> DefinitionError:
        for offer in (ref, name):
            if offer in self._broken:
                return self._broken[offer]
        if versions:
            known = ", ".join(map(str, sorted(versions)))
            return SubnetNotFound(f"subnet {name} has no version {ref.partition('@')[2]!r}, expected one of {known}")
        near = difflib.get_close_matches(name, {*self._subnets, *self._offers()}, n=1)
        return SubnetNotFound(f"no subnet is named {name[:64]!r}", help=f"did you mean: {near[0]}" if near else None)


@cache
def default_registry() -> Registry:
    """The registry of this process."""
    return Registry()


def load(reference: str) -> type[Subnet]:
    """Find what was typed: `app.py`, `app.py:Class`, `module:Class`, or a name that the registry knows."""
    where, _, chosen = reference.partition(":")
    if where.endswith(".py"):
        return _pick(_run_file(Path(where)), where, chosen)
    if chosen:
        _make_importable(Path.cwd())
        return _pick(_imported(where, lambda: importlib.import_module(where)), where, chosen)
    return default_registry().get(reference)


def _provided(entry: EntryPoint) -> type[Subnet]:
    source = f"entry point {entry.name} = {entry.value}"
    found: object = _imported(source, entry.load)
    if not _is_subnet(found):
        raise InvalidSubnet(f"{source} is {type(found).__name__}, expected a Subnet class")
    if entry.name not in (found.name, found.ref()):
        raise InvalidSubnet(f"{source} is {found.ref()}, expected that name", help="name the entry point as the subnet")
    return found


def _run_file(path: Path) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise SubnetNotFound(f"there is no file {path}", help="check the path")
    source = path.read_bytes()
    # Named by its content too: an edited file is another module, the same file always the same one.
    name = f"{path.stem}_{hashlib.sha256(bytes(path) + source).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # before it runs: field types are looked up there while classes are made
    _make_importable(path.parent)
    try:
        # Not through the import system, which may run the cached bytecode of a file that was edited a moment ago.
        _imported(str(path), lambda: exec(compile(source, path, "exec", dont_inherit=True), vars(module)))
    except BaseException:
        del sys.modules[name]
        raise
    return module


# Somebody else's code runs here and may raise anything; it becomes one error that names the code and keeps the cause.
def _imported(source: str, run: Callable[[], T]) -> T:
    try:
        return run()
    except DefinitionError:
        raise
    except Exception as error:
        raise InvalidSubnet(
            f"{source} cannot be imported: {type(error).__name__}: {error}", help="import it in Python to see where"
        ) from error


# Last, so that no file of theirs takes the place of an installed module.
def _make_importable(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.append(str(directory))


def _pick(module: ModuleType, where: str, chosen: str) -> type[Subnet]:
    found = {name: value for name, value in vars(module).items() if _is_subnet(value)}
    own = {name: value for name, value in found.items() if value.__module__ == module.__name__}
    if chosen:
        if chosen in found:
            return found[chosen]
        near = difflib.get_close_matches(chosen, found, n=1)
        raise SubnetNotFound(
            f"{where} has no subnet {chosen!r}, it has {', '.join(found) or 'none'}",
            help=f"did you mean: {where}:{near[0]}" if near else None,
        )
    candidates = own or found
    if not candidates:
        raise SubnetNotFound(f"{where} defines no subnet", help="class MySubnet(Subnet): ...")
    if len(set(candidates.values())) > 1:
        first = next(iter(candidates))
        raise SubnetNotFound(f"{where} defines several subnets: {', '.join(candidates)}", help=f"say {where}:{first}")
    return next(iter(candidates.values()))


def _is_subnet(value: object) -> TypeGuard[type[Subnet]]:
    return isinstance(value, type) and issubclass(value, Subnet) and value is not Subnet


def _where(subnet: type[Subnet]) -> str:
    return f"{subnet.__module__}:{subnet.__qualname__}"
