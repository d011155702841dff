# SPDX-License-Identifier: Apache-2.0
"""A subnet is found by what was typed, and what cannot be found or loaded says so by name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from protocols.errors import AlreadyRegistered, InvalidSubnet, SubnetNotFound
from protocols.registry import GROUP, Registry, default_registry, load
from protocols.spec import Subnet

APP = """
from protocols.spec import Subnet
from protocols.synapse import Synapse
from protocols.task import Task


class Ask(Synapse):
    prompt: str

    class Reply:
        text: str


class Echo(Subnet):
    name, version = "echo", 1
    synapse = Ask

    async def tasks(self, ctx):
        yield Task(Ask(prompt="hello"), reference="hello")

    async def answer(self, ask, ctx):
        return Ask.Reply(text=ask.prompt)

    def score(self, task, replies):
        return [float(text == task.reference) for text in replies.texts]
"""
LATER = "\n\nclass Later(Echo):\n    version = 2\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory of its own; what a test imports from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def echo(version: int = 1) -> type[Subnet]:
    base = load(write(Path("echo_app.py"), APP))
    return type("Echo", (base,), {"version": version})


def offering(place: Path, **entries: str) -> Registry:
    """A registry over entry points as installed packages declare them, with modules that really are imported."""
    sys.path.append(str(place))
    offers = [EntryPoint(name.replace("_AT_", "@"), value, GROUP) for name, value in entries.items()]
    return Registry(lambda: offers)


def test_a_registered_subnet_is_found_by_name_and_by_version() -> None:
    registry = Registry(list)
    first, second = registry.register(echo(1)), registry.register(echo(10))
    assert registry.get("echo") is second
    assert registry.get("echo@1") is first
    assert registry.list_all() == (first, second)
    with pytest.raises(SubnetNotFound, match="subnet echo has no version '3', expected one of 1, 10"):
        registry.get("echo@3")


def test_a_name_and_version_belong_to_one_subnet() -> None:
    registry, first = Registry(list), echo()
    assert registry.register(first) is registry.register(first)
    with pytest.raises(AlreadyRegistered, match=r"echo@1 is .*:Echo, cannot also be"):
        registry.register(echo())


@pytest.mark.parametrize("ref", ["ech", "", "echo@", "echo@x", "echo@01", "echo@" + "9" * 5000])
def test_what_does_not_exist_is_not_found(ref: str) -> None:
    with pytest.raises(SubnetNotFound):
        Registry(list).get(ref)


def test_a_misspelt_name_gets_a_suggestion_without_importing_anything(place: Path) -> None:
    registry = offering(place, summaries="not_installed:Summaries")
    with pytest.raises(SubnetNotFound, match="no subnet is named 'sumaries'") as caught:
        registry.get("sumaries")
    assert caught.value.help == "did you mean: summaries"
    assert not registry.broken


def test_a_package_is_imported_when_its_subnet_is_asked_for(place: Path) -> None:
    write(place / "package_one.py", APP + LATER)
    registry = offering(place, echo="package_one:Echo", echo_AT_2="package_one:Later", other="not_installed:Other")
    assert "package_one" not in sys.modules
    assert registry.get("echo").ref() == "echo@2"
    assert registry.get("echo@1") is sys.modules["package_one"].Echo
    assert not registry.broken


def test_a_broken_package_leaves_the_others_and_tells_whoever_asks_for_it(place: Path) -> None:
    write(place / "package_two.py", APP)
    write(place / "package_bad.py", "1 / 0")
    registry = offering(place, bad="package_bad:Bad", echo="package_two:Echo", gone="not_installed:Gone")
    assert [subnet.ref() for subnet in registry.list_all()] == ["echo@1"]
    assert sorted(registry.broken) == ["bad", "gone"]
    for _ in range(2):
        with pytest.raises(
            InvalidSubnet, match="bad = package_bad:Bad cannot be imported: ZeroDivisionError"
        ) as caught:
            registry.get("bad")
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(InvalidSubnet, match="ModuleNotFoundError"):
        registry.get("gone@1")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("package_three:Ask", "is _MessageMeta, expected a Subnet class"),
        ("package_three:Echo", "is echo@1, expected that name"),
        ("package_three:Nothing", "AttributeError"),
    ],
)
def test_an_offer_of_something_else_is_broken(place: Path, value: str, message: str) -> None:
    write(place / "package_three.py", APP)
    with pytest.raises(InvalidSubnet, match=message):
        offering(place, wrong=value).get("wrong")


def test_two_packages_that_offer_the_same_do_not_take_it_from_each_other(place: Path) -> None:
    write(place / "package_four.py", APP)
    write(place / "package_five.py", APP)
    registry = offering(place, echo="package_four:Echo", echo_AT_1="package_five:Echo")
    assert registry.get("echo").__module__ == "package_four"
    assert isinstance(registry.broken["echo@1"], AlreadyRegistered)


def test_an_installed_distribution_is_seen(place: Path) -> None:
    sys.path.append(str(place))
    write(place / "package_six.py", APP)
    info = place / "package_six-1.0.dist-info"
    info.mkdir()
    write(info / "METADATA", "Metadata-Version: 2.1\nName: package-six\nVersion: 1.0\n")
    write(info / "entry_points.txt", f"[{GROUP}]\necho = package_six:Echo\n")
    assert Registry().get("echo").ref() == "echo@1"


def test_a_process_has_one_default_registry() -> None:
    assert default_registry() is default_registry()
    with pytest.raises(SubnetNotFound, match="no subnet is named 'no-such-subnet'"):
        load("no-such-subnet")


def test_a_file_is_loaded_with_its_neighbours(place: Path) -> None:
    write(place / "neighbour.py", APP)
    path = write(place / "app.py", "from neighbour import Ask, Echo\n\nclass Mine(Echo):\n    name = 'mine'\n")
    assert load(path).ref() == "mine@1"
    assert load("app.py") is load("app.py:Mine")
    assert load("neighbour:Echo").ref() == "echo@1"


def test_a_file_that_only_imports_a_subnet_stands_for_it(place: Path) -> None:
    write(place / "neighbour_two.py", APP)
    assert load(write(place / "app.py", "from neighbour_two import Echo\n")).ref() == "echo@1"


def test_an_edited_file_is_read_again(place: Path) -> None:
    path = write(place / "app.py", APP)
    assert load(path).version == 1
    write(place / "app.py", APP.replace('"echo", 1', '"echo", 2'))
    assert load(path).version == 2


def test_a_file_of_several_subnets_needs_a_choice(place: Path) -> None:
    path = write(place / "app.py", APP + LATER)
    with pytest.raises(SubnetNotFound, match="defines several subnets: Echo, Later") as caught:
        load(path)
    assert caught.value.help == f"say {path}:Echo"
    assert load(f"{path}:Later").version == 2
    with pytest.raises(SubnetNotFound, match="has no subnet 'Latter', it has Echo, Later") as caught:
        load(f"{path}:Latter")
    assert caught.value.help == f"did you mean: {path}:Later"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x = 1", SubnetNotFound, "defines no subnet"),
        ("import no_such_module", InvalidSubnet, "cannot be imported: ModuleNotFoundError"),
        ("def broken(", InvalidSubnet, "cannot be imported: SyntaxError"),
        (APP.replace('"echo"', '"Echo!"'), InvalidSubnet, "name is 'Echo!'"),
    ],
)
def test_a_file_that_holds_no_sound_subnet_is_refused_each_time(
    place: Path, text: str, error: type[Exception], message: str
) -> None:
    path = write(place / "app.py", text)
    for _ in range(2):
        with pytest.raises(error, match=message):
            load(path)


def test_what_is_not_there_to_load_is_named() -> None:
    with pytest.raises(SubnetNotFound, match=r"there is no file .*missing\.py"):
        load("missing.py")
    with pytest.raises(InvalidSubnet, match="no_such_module cannot be imported"):
        load("no_such_module:App")
