# SPDX-License-Identifier: Apache-2.0
"""What would keep a network from running on this machine, found before it does, each with the command that mends it.

Every check looks and changes nothing: a port is bound and let go, a file is written without a name. Packages are
looked up and not imported, since the wrong one, or a slow one, may be what is wrong.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, NamedTuple

from protocols.clock import Clock
from protocols.errors import SubnetError
from subnet.settings import Settings, load

__all__ = ["Finding", "address", "clocks", "dependencies", "examine", "extras", "packages", "port", "python", "state"]

OLDEST: Final = (3, 11)
PACKAGES: Final = ("incentive", "miners", "protocols", "validators")
# A wall clock that moves against the monotonic one by more, within one examination, is being set.
STEP_S: Final = 0.1
REINSTALL: Final = "pip install --force-reinstall --no-deps subnet"


class Finding(NamedTuple):
    """What one check found, and what to type about it; `info` is neither good nor bad."""

    check: str
    verdict: Literal["ok", "info", "warn", "fail"]
    found: str
    help: str = ""


def examine(clock: Clock) -> list[Finding]:
    """Run every check."""
    wall, steady = clock.time_ns(), clock.monotonic()
    told, settings = _settings()
    found = [
        python(sys.version_info[:3]),
        *packages(),
        told,
        address(settings.local.host),
        port(settings.miner.host, settings.miner.port),
        state(settings.paths.state),
        *dependencies(),
        *extras(),
    ]
    return [*found, clocks(clock, wall, steady)]


def python(version: tuple[int, ...]) -> Finding:
    """Whether this Python is new enough."""
    told, oldest = (".".join(map(str, one)) for one in (version, OLDEST))
    if version < OLDEST:
        return Finding("python", "fail", f"{told}, expected {oldest} or newer", f"python{oldest} -m venv .venv")
    return Finding("python", "ok", told)


def packages() -> Iterator[Finding]:
    """Whether the packages with common names are ours: another project's install silently takes their place."""
    home = Path(__file__).parents[1]
    owners = metadata.packages_distributions()
    for name in PACKAGES:
        spec = find_spec(name)
        place = Path(spec.origin).parent if spec and spec.origin else None
        strangers = sorted(set(owners.get(name, ())) - {"subnet"})
        mend = f"pip uninstall -y {' '.join(strangers or [name])} && {REINSTALL}"
        if place is None:
            yield Finding(f"package {name}", "fail", "is missing", REINSTALL)
        elif place.parent != home:
            yield Finding(f"package {name}", "fail", f"is another project's, at {place}, expected {home / name}", mend)
        elif strangers:
            yield Finding(f"package {name}", "fail", f"is also installed by {', '.join(strangers)}", mend)
        else:
            yield Finding(f"package {name}", "ok", str(place))


def address(host: str) -> Finding:
    """Whether a local network can listen, and be reached, on its address."""
    try:
        with _listening(host, 0) as server, socket.create_connection(server.getsockname()[:2], timeout=2.0):
            return Finding("local address", "ok", f"{host} can be listened on and reached")
    except OSError as error:
        return Finding("local address", "fail", f"{host}: {_reason(error)}", "ip address; subnet config show --sources")


def port(host: str, number: int) -> Finding:
    """Whether a miner's port is free; one that is taken may be that of a miner which runs already."""
    try:
        _listening(host, number).close()
    except OSError as error:
        verdict: Literal["warn", "fail"] = "warn" if error.errno == errno.EADDRINUSE else "fail"
        return Finding("miner port", verdict, f"{host}:{number}: {_reason(error)}", f"ss -ltnp 'sport = :{number}'")
    return Finding("miner port", "ok", f"{host}:{number} is free")


def state(folder: Path) -> Finding:
    """Whether the state folder, or the nearest one above that exists, can be written."""
    try:
        nearest = next(one for one in (folder, *folder.parents) if one.exists())
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return Finding("state folder", "fail", f"{folder}: {_reason(error)}", f"namei -l {folder}; df -h")
    return Finding("state folder", "ok", f"{folder} can be written" if nearest == folder else f"{folder} can be made")


def clocks(clock: Clock, wall_ns: int, steady_s: float) -> Finding:
    """Whether the wall clock keeps step with the monotonic one since those two readings, and is not absurdly early."""
    built = Path(__file__).stat().st_mtime
    now_ns = clock.time_ns()
    step = (now_ns - wall_ns) / 1e9 - (clock.monotonic() - steady_s)
    if now_ns / 1e9 < built - 86_400:
        early = f"the wall clock is {(built - now_ns / 1e9) / 86_400:.0f} days before this program was installed"
        return Finding("clock", "fail", early, "timedatectl status")
    if abs(step) > STEP_S:
        return Finding("clock", "warn", f"the wall clock was set by {step:+.1f} s just now", "timedatectl status")
    return Finding("clock", "ok", "the wall clock keeps step")


def dependencies() -> Iterator[Finding]:
    """Whether the packages that run us are there, in versions we know."""
    try:
        wanted = metadata.requires("subnet") or []
    except metadata.PackageNotFoundError:
        yield Finding("dependencies", "warn", "subnet itself is not installed, so they are unknown", "pip install -e .")
        return
    for requirement in (one.split(";")[0].strip() for one in wanted if "extra ==" not in one):
        name = re.split(r"[^\w.-]", requirement)[0]
        bounds = requirement.removeprefix(name).strip()
        version = _version(name)
        if version is None:
            yield Finding(name, "fail", f"is missing, expected {bounds}", f"pip install '{requirement}'")
        elif not _within(version, bounds):
            yield Finding(name, "fail", f"{version}, expected {bounds}", f"pip install '{requirement}'")
        else:
            yield Finding(name, "ok", version)


def extras() -> Iterator[Finding]:
    """What is there of what we can do without."""
    for name, use, install in (
        ("numba", "epochs are computed faster", "pip install numba"),
        ("torch", "models can be run", "pip install 'subnet[ml]'"),
        ("matplotlib", "plots can be drawn", "pip install 'subnet[plot]'"),
    ):
        version = _version(name)
        yield Finding(f"with {name}", "info", f"{use}: {version or 'not installed'}", "" if version else install)


def _settings() -> tuple[Finding, Settings]:
    try:
        resolved = load()
    except SubnetError as error:
        return Finding("settings", "fail", error.message, error.help), Settings()
    places = sorted({source.place for source in resolved.sources.values()} - {""})
    return Finding("settings", "ok", ", ".join(places) or "defaults"), resolved.settings


def _listening(host: str, number: int) -> socket.socket:
    return socket.create_server((host, number), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _within(version: str, bounds: str) -> bool:
    have = _release(version)
    for operator, bound in re.findall(r"(>=|<=|==|<|>)\s*([\w.]+)", bounds):
        limit = _release(bound)
        holds = {">=": have >= limit, "<=": have <= limit, "==": have == limit, "<": have < limit, ">": have > limit}
        if not holds[operator]:
            return False
    return True


def _release(version: str) -> list[int]:
    # What follows the numbers (2.13.0+cpu, 1.0rc1) does not decide whether a version is one we know.
    numbers = [int(part) for part in re.split(r"[^\d.]", version)[0].split(".") if part]
    return numbers + [0] * (4 - len(numbers))
